/*
 * test_octets.c - octets of a message as POP3 sends it
 */
#include "config.h"

#include "maildir/octets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir_fixture.h"

#define BUFFER_BYTES 65536

static int open_file(struct fixture *fixture)
{
	int fd = openat(fixture->root_fd, "cur/file",
		O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static uint64_t count(int fd, uint64_t expected_bytes)
{
	uint64_t octets = 0, size_bytes = UINT64_MAX;
	off_t offset = lseek(fd, 0, SEEK_CUR);

	assert_int_equal(octets_count(fd, &size_bytes, &octets), 0);
	assert_true(size_bytes == expected_bytes);
	assert_true(lseek(fd, 0, SEEK_CUR) == offset);
	return octets;
}

static uint64_t count_data(void **state, const char *data, size_t bytes)
{
	int fd = open_file(*state);
	uint64_t octets;

	assert_int_equal(write(fd, data, bytes), bytes);
	octets = count(fd, bytes);
	close(fd);
	return octets;
}

/* The rule once more, in its plainest form. */
static uint64_t naive(const char *data, size_t bytes)
{
	uint64_t octets = 0;

	for (size_t i = 0; i < bytes; i++)
		octets += data[i] == '\n' && (i == 0 || data[i - 1] != '\r') ?
			2 : 1;
	return octets + (bytes > 0 && data[bytes - 1] != '\n' ? 2 : 0);
}

static void small_files(void **state)
{
	static const struct {
		const char *data;
		size_t bytes;
		uint64_t octets;
	} cases[] = {
		{ "", 0, 0 }, { "\n", 1, 2 }, { "\r\n", 2, 2 },
		{ "a", 1, 3 }, { "a\n", 2, 3 }, { "a\r\n", 3, 3 },
		{ "\r", 1, 3 }, { "a\r", 2, 4 }, { "\n\r", 2, 5 },
		{ "a\n\n", 3, 5 }, { "a\r\n\n", 4, 5 }, { "\r\r\n", 3, 3 },
		{ "a\rb\n", 4, 5 }, { ".\n", 2, 3 }, { "\0", 1, 3 },
		{ "\0\n", 2, 3 }, { "\n\0", 2, 5 }, { "a\n\r\n", 4, 5 },
		{ "\xff\n", 2, 3 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_int_equal(count_data(state, cases[i].data,
			cases[i].bytes), cases[i].octets);
}

static void split_over_buffers(void **state)
{
	char *data = malloc(2 * BUFFER_BYTES + 1);

	assert_non_null(data);
	memset(data, 'x', 2 * BUFFER_BYTES + 1);
	data[BUFFER_BYTES] = '\n';
	assert_int_equal(count_data(state, data, BUFFER_BYTES + 1),
		BUFFER_BYTES + 2);
	data[BUFFER_BYTES - 1] = '\r';
	assert_int_equal(count_data(state, data, BUFFER_BYTES + 1),
		BUFFER_BYTES + 1);
	assert_int_equal(count_data(state, data, BUFFER_BYTES),
		BUFFER_BYTES + 2);
	data[BUFFER_BYTES - 1] = '\n';
	assert_int_equal(count_data(state, data, BUFFER_BYTES),
		BUFFER_BYTES + 1);
	assert_int_equal(count_data(state, data, 2 * BUFFER_BYTES + 1),
		2 * BUFFER_BYTES + 1 + 2 + 2);
	free(data);
}

static void random_files(void **state)
{
	static const char alphabet[] = "\r\n\0a.";
	size_t room = 3 * BUFFER_BYTES;
	char *data = malloc(room);
	uint32_t random = 1;

	assert_non_null(data);
	for (int round = 0; round < 100; round++) {
		size_t bytes;

		for (size_t i = 0; i < room; i++) {
			random = random * 1664525 + 1013904223;
			data[i] = alphabet[(random >> 24) % 5];
		}
		bytes = random % room;
		assert_int_equal(count_data(state, data, bytes),
			naive(data, bytes));
	}
	free(data);
}

static void huge_file(void **state)
{
	const uint64_t bytes = (UINT64_C(4) << 30) + 12345;
	int fd = open_file(*state);

	if (ftruncate(fd, (off_t)bytes) < 0) {
		print_message("SKIP: no files over 4 GiB here\n");
		close(fd);
		skip();
	}
	assert_true(count(fd, bytes) == bytes + 2);
	assert_int_equal(pwrite(fd, "\n", 1, (off_t)bytes - 1), 1);
	assert_true(count(fd, bytes) == bytes + 1);
	close(fd);
}

static void not_readable(void **state)
{
	struct fixture *fixture = *state;
	uint64_t octets, size_bytes = UINT64_MAX;

	assert_int_equal(octets_count(fixture->root_fd, &size_bytes, &octets),
		-1);
	assert_int_equal(errno, EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("small files are counted as RETR sends them",
			small_files),
		CASE("a line end split over two reads is counted right",
			split_over_buffers),
		CASE("random files are counted as by the plainest loop",
			random_files),
		CASE("a file over 4 GiB is counted from its start",
			huge_file),
		CASE("what can't be read is an error, not a size",
			not_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
