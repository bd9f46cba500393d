/*
 * test_dots.c - a stored message as the octets of a multi-line response
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dots.h"
#include "maildir/octets.h"

#define MOST 4096

struct sent {
	char octets[MOST * 3];
	size_t count;
	uint64_t counted;	/* what dots says a client will store */
};

/* Convert all of 'in', in pieces of 'step' octets into rooms of 'room'. */
static void convert(struct sent *sent, uint64_t lines, const char *in,
	size_t count, size_t step, size_t room)
{
	struct dots dots;

	sent->count = 0;
	dots_begin(&dots, lines);
	while (count > 0 && !dots.is_done) {
		size_t piece = count < step ? count : step;
		size_t written = room;
		size_t taken = dots_convert(&dots, in, piece,
			sent->octets + sent->count, &written);
		assert_true(taken > 0);
		assert_true(written <= room);
		sent->count += written;
		in += taken;
		count -= taken;
	}
	const char *end = dots_end(&dots);
	memcpy(sent->octets + sent->count, end, strlen(end));
	sent->count += strlen(end);
	sent->counted = dots.octets;
}

/* The same result whatever the pieces are. */
static void expect(uint64_t lines, const char *in, size_t count,
	const char *out)
{
	static const size_t sizes[] = { 1, 2, 3, 7, MOST };
	struct sent sent;

	for (size_t i = 0; i < 5; i++)
		for (size_t j = 2; j < 5; j++) {
			convert(&sent, lines, in, count, sizes[i],
				sizes[j] == 3 ? 3 : sizes[j]);
			assert_int_equal(sent.count, strlen(out));
			assert_memory_equal(sent.octets, out, sent.count);
		}
}

static void expect_all(const char *in, const char *out)
{
	expect(DOTS_ALL, in, strlen(in), out);
}

static void line_ends_become_crlf(void **state)
{
	(void)state;
	expect_all("a\nb\n", "a\r\nb\r\n");
	expect_all("\n\n", "\r\n\r\n");
}

static void crlf_stays_as_it_is(void **state)
{
	(void)state;
	expect_all("a\r\nb\r\n", "a\r\nb\r\n");
	expect_all("a\r\n\r\nb\n", "a\r\n\r\nb\r\n");
}

static void a_lone_cr_stays_as_it_is(void **state)
{
	(void)state;
	expect_all("a\rb\n", "a\rb\r\n");
	expect_all("a\r\r\n", "a\r\r\n");
	expect_all("a\r", "a\r\r\n");
}

static void a_missing_final_line_end_is_added(void **state)
{
	(void)state;
	expect_all("a\nb", "a\r\nb\r\n");
	expect_all("a", "a\r\n");
}

static void an_empty_message_has_no_octets(void **state)
{
	(void)state;
	expect_all("", "");
}

static void the_very_first_octet_is_stuffed(void **state)
{
	(void)state;
	expect_all(".first\n", "..first\r\n");
	expect_all(".\nrest\n", "..\r\nrest\r\n");
	expect_all(".", "..\r\n");
}

static void dots_at_line_starts_are_stuffed_and_others_are_not(void **state)
{
	(void)state;
	expect_all("a.b\n.\n..\n .\n", "a.b\r\n..\r\n...\r\n .\r\n");
	expect_all("a\r\n.\r\n", "a\r\n..\r\n");
}

static void a_dot_behind_a_lone_cr_is_not_at_a_line_start(void **state)
{
	(void)state;
	expect_all("a\r.b\n", "a\r.b\r\n");
}

static void nul_is_an_octet_like_any_other(void **state)
{
	struct sent sent;

	(void)state;
	convert(&sent, DOTS_ALL, "a\0b\n", 4, 1, 3);
	assert_int_equal(sent.count, 5);
	assert_memory_equal(sent.octets, "a\0b\r\n", 5);
}

static void top_0_sends_the_header_and_the_blank_line(void **state)
{
	(void)state;
	expect(0, "H: 1\n\nb1\nb2\n", 12, "H: 1\r\n\r\n");
	expect(0, "H: 1\r\n\r\nb1\r\n", 12, "H: 1\r\n\r\n");
}

static void top_counts_body_lines(void **state)
{
	(void)state;
	expect(1, "H: 1\n\nb1\nb2\n", 12, "H: 1\r\n\r\nb1\r\n");
	expect(2, "H: 1\n\n\n.2\nb3", 12, "H: 1\r\n\r\n\r\n..2\r\n");
	expect(9, "H: 1\n\nb1\nb2", 11, "H: 1\r\n\r\nb1\r\nb2\r\n");
}

static void top_of_a_message_without_body_sends_all(void **state)
{
	(void)state;
	expect(0, "H: 1\nI: 2\n", 10, "H: 1\r\nI: 2\r\n");
	expect(5, "H: 1", 4, "H: 1\r\n");
}

static void a_line_of_one_cr_more_is_not_blank(void **state)
{
	(void)state;
	expect(0, "H: 1\n\r\r\nx\n\nb\n", 13, "H: 1\r\n\r\r\nx\r\n\r\n");
}

/* A file with 'count' octets at 'in', open at its start. */
static int file_of(const char *in, size_t count)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(fwrite(in, 1, count, file), count);
	rewind(file);
	int fd = dup(fileno(file));
	fclose(file);
	assert_true(fd >= 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What the client stores: without stuffed dots. */
static size_t unstuffed_count(const struct sent *sent)
{
	size_t dots = 0;

	for (size_t i = 0; i < sent->count; i++)
		if (sent->octets[i] == '.' &&
				(i == 0 || sent->octets[i - 1] == '\n'))
			dots++;
	return sent->count - dots;
}

static void list_and_retr_agree_on_any_message(void **state)
{
	static const char alphabet[] = { '\n', '\r', '.', 'a', '\0', '\n' };
	char in[64];
	struct sent sent;

	(void)state;
	srand(1939);
	for (int round = 0; round < 5000; round++) {
		size_t count = (size_t)rand() % sizeof(in);
		uint64_t octets, bytes = UINT64_MAX;
		for (size_t i = 0; i < count; i++)
			in[i] = alphabet[(size_t)rand() % sizeof(alphabet)];
		int fd = file_of(in, count);
		assert_int_equal(octets_count(fd, &bytes, &octets), 0);
		close(fd);
		convert(&sent, DOTS_ALL, in, count,
			1 + (size_t)rand() % 9, 3 + (size_t)rand() % 9);
		assert_int_equal(bytes, count);
		assert_int_equal(octets, sent.counted);
		assert_int_equal(octets, unstuffed_count(&sent));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_ends_become_crlf),
		cmocka_unit_test(crlf_stays_as_it_is),
		cmocka_unit_test(a_lone_cr_stays_as_it_is),
		cmocka_unit_test(a_missing_final_line_end_is_added),
		cmocka_unit_test(an_empty_message_has_no_octets),
		cmocka_unit_test(the_very_first_octet_is_stuffed),
		cmocka_unit_test(
			dots_at_line_starts_are_stuffed_and_others_are_not),
		cmocka_unit_test(
			a_dot_behind_a_lone_cr_is_not_at_a_line_start),
		cmocka_unit_test(nul_is_an_octet_like_any_other),
		cmocka_unit_test(top_0_sends_the_header_and_the_blank_line),
		cmocka_unit_test(top_counts_body_lines),
		cmocka_unit_test(top_of_a_message_without_body_sends_all),
		cmocka_unit_test(a_line_of_one_cr_more_is_not_blank),
		cmocka_unit_test(list_and_retr_agree_on_any_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
