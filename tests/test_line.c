/*
 * test_line.c - one bounded command line out of a run of octets
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "line.h"

/* Feed all of 'octets'; the last event and what was not taken come back. */
static enum line_event feed(struct line *line, const char *octets,
	size_t count, size_t *left)
{
	enum line_event event = LINE_MORE;
	size_t taken;

	*left = count;
	while (*left > 0 && event == LINE_MORE) {
		event = line_take(line, octets, *left, &taken);
		octets += taken;
		*left -= taken;
	}
	return event;
}

static void a_line_ends_at_crlf_and_leaves_the_next(void **state)
{
	struct line line = { .count = 0 };
	size_t left;

	(void)state;
	assert_int_equal(feed(&line, "STAT\r\nLIST\r\n", 12, &left),
		LINE_COMPLETE);
	assert_string_equal(line.text, "STAT");
	assert_int_equal(left, 6);
	assert_int_equal(feed(&line, "LIST\r\n", 6, &left), LINE_COMPLETE);
	assert_string_equal(line.text, "LIST");
}

static void a_line_may_come_octet_by_octet(void **state)
{
	struct line line = { .count = 0 };
	const char *octets = "NOOP x\r\n";
	size_t taken;

	(void)state;
	for (size_t i = 0; i + 1 < strlen(octets); i++)
		assert_int_equal(line_take(&line, octets + i, 1, &taken),
			LINE_MORE);
	assert_int_equal(line_take(&line, "\n", 1, &taken), LINE_COMPLETE);
	assert_string_equal(line.text, "NOOP x");
}

static void a_line_may_end_with_lf_alone(void **state)
{
	struct line line = { .count = 0 };
	size_t left;

	(void)state;
	assert_int_equal(feed(&line, "QUIT\n", 5, &left), LINE_COMPLETE);
	assert_string_equal(line.text, "QUIT");
}

static void an_empty_line_is_complete_and_empty(void **state)
{
	struct line line = { .count = 0 };
	size_t left;

	(void)state;
	assert_int_equal(feed(&line, "\r\n", 2, &left), LINE_COMPLETE);
	assert_string_equal(line.text, "");
	assert_int_equal(feed(&line, "\n", 1, &left), LINE_COMPLETE);
	assert_string_equal(line.text, "");
}

static void a_cr_inside_a_line_belongs_to_it(void **state)
{
	struct line line = { .count = 0 };
	size_t left;

	(void)state;
	assert_int_equal(feed(&line, "a\rb\r\r\n", 6, &left), LINE_COMPLETE);
	assert_string_equal(line.text, "a\rb\r");
}

static void a_line_of_512_octets_is_taken(void **state)
{
	struct line line = { .count = 0 };
	char octets[LINE_OCTETS];
	size_t left;

	(void)state;
	memset(octets, 'x', sizeof(octets));
	memcpy(octets + sizeof(octets) - 2, "\r\n", 2);
	assert_int_equal(feed(&line, octets, sizeof(octets), &left),
		LINE_COMPLETE);
	assert_int_equal(line.count, LINE_OCTETS - 2);
}

static void a_line_of_513_octets_is_refused_and_the_next_is_intact(void **state)
{
	struct line line = { .count = 0 };
	char octets[LINE_OCTETS + 1];
	size_t left;

	(void)state;
	memset(octets, 'x', sizeof(octets));
	memcpy(octets + sizeof(octets) - 2, "\r\n", 2);
	assert_int_equal(feed(&line, octets, sizeof(octets), &left),
		LINE_TOO_LONG);
	assert_int_equal(feed(&line, "STAT\r\n", 6, &left), LINE_COMPLETE);
	assert_string_equal(line.text, "STAT");
}

static void a_line_of_a_mebibyte_is_refused_once(void **state)
{
	struct line line = { .count = 0 };
	char octets[1024];
	size_t left;

	(void)state;
	memset(octets, 'x', sizeof(octets));
	for (int i = 0; i < 1024; i++)
		assert_int_equal(feed(&line, octets, sizeof(octets), &left),
			LINE_MORE);
	assert_int_equal(feed(&line, "\r\n", 2, &left), LINE_TOO_LONG);
	assert_int_equal(feed(&line, "NOOP\r\n", 6, &left), LINE_COMPLETE);
}

static void a_nul_makes_a_line_bad_and_the_next_is_intact(void **state)
{
	struct line line = { .count = 0 };
	size_t left;

	(void)state;
	assert_int_equal(feed(&line, "QUIT\0x\r\n", 8, &left), LINE_BAD);
	assert_int_equal(feed(&line, "QUIT\r\n", 6, &left), LINE_COMPLETE);
	assert_string_equal(line.text, "QUIT");
}

static void a_wiped_line_holds_nothing_of_it(void **state)
{
	struct line line = { .count = 0 };
	size_t left;

	(void)state;
	assert_int_equal(feed(&line, "PASS secret\r\n", 13, &left),
		LINE_COMPLETE);
	line_wipe(&line);
	for (size_t i = 0; i < 11; i++)
		assert_int_equal(line.text[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_ends_at_crlf_and_leaves_the_next),
		cmocka_unit_test(a_line_may_come_octet_by_octet),
		cmocka_unit_test(a_line_may_end_with_lf_alone),
		cmocka_unit_test(an_empty_line_is_complete_and_empty),
		cmocka_unit_test(a_cr_inside_a_line_belongs_to_it),
		cmocka_unit_test(a_line_of_512_octets_is_taken),
		cmocka_unit_test(
			a_line_of_513_octets_is_refused_and_the_next_is_intact),
		cmocka_unit_test(a_line_of_a_mebibyte_is_refused_once),
		cmocka_unit_test(
			a_nul_makes_a_line_bad_and_the_next_is_intact),
		cmocka_unit_test(a_wiped_line_holds_nothing_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
