/*
 * test_catalogue.c - catalogues as msgfmt writes them, torn and hostile ones
 */
#include "config.h"

#include "catalogue.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define FILE_BYTES 4096
#define HEADER_BYTES 28

/* Original and translation, sorted. */
typedef const char *pair[2];

/* A file in memory, and on disk. */
struct file {
	char path[64];
	unsigned char octets[FILE_BYTES];
	size_t bytes;
	bool is_big_endian;
};

static void begin(struct file *file, bool is_big_endian)
{
	*file = (struct file){ .is_big_endian = is_big_endian };
	strcpy(file->path, "/tmp/postern-catalogue-XXXXXX");
	int fd = mkstemp(file->path);
	assert_true(fd >= 0);
	close(fd);
}

static void end(struct file *file, struct catalogue *catalogue)
{
	catalogue_free(catalogue);
	assert_int_equal(unlink(file->path), 0);
}

static void put_number(struct file *file, size_t place, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		file->octets[place + (size_t)(file->is_big_endian ? 3 - i :
			i)] = (unsigned char)(number >> (8 * i));
}

static void put_text(struct file *file, size_t entry, const char *text)
{
	size_t length = strlen(text);

	put_number(file, entry, (uint32_t)length);
	put_number(file, entry + 4, (uint32_t)file->bytes);
	memcpy(file->octets + file->bytes, text, length + 1);
	file->bytes += length + 1;
}

/* Lay the file out as msgfmt does. */
static void make(struct file *file, pair *pairs, uint32_t count)
{
	size_t translations = HEADER_BYTES + 8 * (size_t)count;

	file->bytes = translations + 8 * (size_t)count;
	put_number(file, 0, 0x950412de);
	put_number(file, 8, count);
	put_number(file, 12, HEADER_BYTES);
	put_number(file, 16, (uint32_t)translations);
	for (size_t i = 0; i < count; i++)
		put_text(file, HEADER_BYTES + 8 * i, pairs[i][0]);
	for (size_t i = 0; i < count; i++)
		put_text(file, translations + 8 * i, pairs[i][1]);
}

/* Write the first 'bytes' of it, and read that. */
static int read_part(const struct file *file, size_t bytes,
	struct catalogue *catalogue)
{
	FILE *stream = fopen(file->path, "w");

	assert_non_null(stream);
	assert_int_equal(fwrite(file->octets, 1, bytes, stream), bytes);
	assert_int_equal(fclose(stream), 0);
	return catalogue_read(catalogue, file->path);
}

static pair some[] = {
	{ "", "Language: de\nContent-Type: text/plain; charset=UTF-8\n" },
	{ "%u of %u", "%u von %u" },
	{ "[AUTH] wrong", "[AUTH] falsch" },
	{ "bye", "tschüß" },
	{ "yes", "ja" },
};

#define SOME (sizeof(some) / sizeof(some[0]))

static void finds_each_text(bool is_big_endian)
{
	struct file file;
	struct catalogue catalogue;

	begin(&file, is_big_endian);
	make(&file, some, SOME);
	assert_int_equal(read_part(&file, file.bytes, &catalogue), 0);
	for (size_t i = 0; i < SOME; i++)
		assert_string_equal(catalogue_find(&catalogue, some[i][0]),
			some[i][1]);
	assert_null(catalogue_find(&catalogue, "a"));
	assert_null(catalogue_find(&catalogue, "by"));
	assert_null(catalogue_find(&catalogue, "byes"));
	assert_null(catalogue_find(&catalogue, "zzz"));
	end(&file, &catalogue);
}

static void each_text_is_found(void **state)
{
	(void)state;
	finds_each_text(false);
}

static void of_another_machine_too(void **state)
{
	(void)state;
	finds_each_text(true);
}

static void empty_one_has_no_text(void **state)
{
	struct file file;
	struct catalogue catalogue;

	(void)state;
	begin(&file, false);
	make(&file, NULL, 0);
	assert_int_equal(read_part(&file, file.bytes, &catalogue), 0);
	assert_null(catalogue_find(&catalogue, ""));
	end(&file, &catalogue);
	assert_null(catalogue_find(&catalogue, "freed"));
}

static void part_is_refused(void **state)
{
	struct file file;
	struct catalogue catalogue;

	(void)state;
	begin(&file, false);
	make(&file, some, SOME);
	for (size_t bytes = 0; bytes < file.bytes; bytes++) {
		errno = 0;
		assert_int_equal(read_part(&file, bytes, &catalogue), -1);
		assert_int_equal(errno, EBADMSG);
		catalogue_free(&catalogue);
	}
	assert_int_equal(unlink(file.path), 0);
}

/* Whatever it says then, it is in the file. */
static void changed_octet_does_no_harm(void **state)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct file file;
	struct catalogue catalogue;

	(void)state;
	begin(&file, false);
	make(&file, some, SOME);
	for (size_t i = 0; i < file.bytes * sizeof(values); i++) {
		size_t place = i / sizeof(values);
		unsigned char before = file.octets[place];

		file.octets[place] = values[i % sizeof(values)];
		if (read_part(&file, file.bytes, &catalogue) == 0)
			for (size_t j = 0; j < SOME; j++) {
				const char *text = catalogue_find(&catalogue,
					some[j][0]);
				assert_true(text == NULL ||
					strlen(text) < file.bytes);
			}
		catalogue_free(&catalogue);
		file.octets[place] = before;
	}
	assert_int_equal(unlink(file.path), 0);
}

static void is_refused(const char *original, const char *translation)
{
	pair one[] = { { original, translation } };
	struct file file;
	struct catalogue catalogue;

	begin(&file, false);
	make(&file, one, 1);
	errno = 0;
	if (read_part(&file, file.bytes, &catalogue) == 0)
		fail_msg("\"%s\" is taken for \"%s\"", translation, original);
	assert_int_equal(errno, EBADMSG);
	end(&file, &catalogue);
}

static void other_conversions_are_refused(void **state)
{
	(void)state;
	is_refused("%u octets", "octets");
	is_refused("%u octets", "%s octets");
	is_refused("%u octets", "%llu octets");
	is_refused("%u octets", "%1$u octets");
	is_refused("%u octets", "%u %u octets");
	is_refused("%u octets", "%u octets %");
	is_refused("octets", "%n");
	is_refused("%s of %u", "%u of %s");
	is_refused("%02d", "%2d");
	is_refused("100%%", "100%");
}

static void other_codes_are_refused(void **state)
{
	(void)state;
	is_refused("[AUTH] wrong", "falsch");
	is_refused("[AUTH] wrong", "[SYS/TEMP] falsch");
	is_refused("[AUTH] wrong", "[auth] falsch");
	is_refused("[AUTH] wrong", "falsch [AUTH]");
	is_refused("wrong", "[AUTH] falsch");
	is_refused("[AUTH", "[AUT");
}

static void control_characters_are_refused(void **state)
{
	(void)state;
	is_refused("wrong", "falsch\r\n+OK");
	is_refused("wrong", "falsch\n");
	is_refused("wrong", "\tfalsch");
	is_refused("wrong", "\x7f");
}

static void what_is_no_file_is_refused(void **state)
{
	struct file file;
	struct catalogue catalogue;

	(void)state;
	assert_int_equal(catalogue_read(&catalogue, "/tmp"), -1);
	assert_int_equal(errno, EBADMSG);
	catalogue_free(&catalogue);
	begin(&file, false);
	end(&file, &catalogue);
	assert_int_equal(catalogue_read(&catalogue, file.path), -1);
	assert_int_equal(errno, ENOENT);
	/* Nobody writes: opening it must not wait. */
	assert_int_equal(mkfifo(file.path, 0600), 0);
	assert_int_equal(catalogue_read(&catalogue, file.path), -1);
	assert_int_equal(errno, EBADMSG);
	end(&file, &catalogue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_is_found),
		cmocka_unit_test(of_another_machine_too),
		cmocka_unit_test(empty_one_has_no_text),
		cmocka_unit_test(part_is_refused),
		cmocka_unit_test(changed_octet_does_no_harm),
		cmocka_unit_test(other_conversions_are_refused),
		cmocka_unit_test(other_codes_are_refused),
		cmocka_unit_test(control_characters_are_refused),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
