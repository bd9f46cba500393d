/*
 * test_quota.c - what is taken off maildirsize when messages are removed
 */
#include "config.h"

#include "maildir/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir_fixture.h"

#define SIZE_BYTES 8192
#define START "1000S,100C\n         100           10\n"

/* Several processes at once. */
#define WRITERS 8
#define TURNS 50

static const char *content(struct fixture *fixture, const char *path)
{
	static char text[SIZE_BYTES * 4];
	int fd = openat(fixture->root_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	assert_true(fd >= 0);
	count = read(fd, text, sizeof(text) - 1);
	assert_true(count >= 0);
	close(fd);
	text[count] = '\0';
	return text;
}

/* The file is 'before', and then 'after'. */
static void assert_content(struct fixture *fixture, const char *before,
	const char *after)
{
	const char *text = content(fixture, "maildirsize");

	assert_int_equal(strncmp(text, before, strlen(before)), 0);
	assert_string_equal(text + strlen(before), after);
}

/* Remove one message of this name, which the file system says has 7 bytes. */
static int remove_one(struct fixture *fixture, const char *name,
	enum quota_counts counts)
{
	struct quota quota;

	quota_begin(&quota, fixture->root_fd, counts);
	quota_removed(&quota, name, 7);
	return quota_end(&quota);
}

static void one_line(void **state)
{
	struct quota quota;

	fixture_write(*state, "maildirsize", START);
	quota_begin(&quota, ((struct fixture *)*state)->root_fd,
		QUOTA_COUNTS_ALL);
	quota_removed(&quota, "1.a,S=20", 7);
	quota_removed(&quota, "2.b:2,S", 4);
	assert_string_equal(content(*state, "maildirsize"), START);
	assert_int_equal(quota_end(&quota), 0);
	assert_content(*state, START, "         -24           -2\n");
}

static void nothing_removed(void **state)
{
	struct quota quota;

	fixture_write(*state, "maildirsize", START);
	quota_begin(&quota, ((struct fixture *)*state)->root_fd,
		QUOTA_COUNTS_ALL);
	assert_int_equal(quota_end(&quota), 0);
	assert_content(*state, START, "");
}

static void size_in_name(void **state)
{
	static const struct {
		const char *name, *line;
	} rows[] = {
		{ "1.a", "          -7           -1\n" },
		{ "1.a,S=12:2,S", "         -12           -1\n" },
		{ "1.a,S=1,S=13,W=4", "         -13           -1\n" },
		{ "1.a,S=x", "          -7           -1\n" },
		{ "1.a,S=1,S=", "          -7           -1\n" },
		{ "1.a:2,S,S=99", "          -7           -1\n" },
		{ "1.a,S=0", "           0           -1\n" },
		{ "1.a,S=99999999999999999999", "          -7           -1\n" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		fixture_write(*state, "maildirsize", START);
		assert_int_equal(remove_one(*state, rows[i].name,
			QUOTA_COUNTS_ALL), 0);
		assert_content(*state, START, rows[i].line);
	}
}

static void large_sums(void **state)
{
	struct quota quota;

	fixture_write(*state, "maildirsize", START);
	quota_begin(&quota, ((struct fixture *)*state)->root_fd,
		QUOTA_COUNTS_ALL);
	for (int i = 0; i < 3; i++)
		quota_removed(&quota, "1.a", UINT64_C(4000000000));
	assert_int_equal(quota_end(&quota), 0);
	assert_content(*state, START, "-12000000000           -3\n");
}

static void largest_sum(void **state)
{
	struct quota quota;

	fixture_write(*state, "maildirsize", START);
	quota_begin(&quota, ((struct fixture *)*state)->root_fd,
		QUOTA_COUNTS_ALL);
	quota_removed(&quota, "1.a,S=9223372036854775807", 7);
	quota_removed(&quota, "1.a,S=18446744073709551615", 7);
	quota_removed(&quota, "1.a", 7);
	assert_int_equal(quota_end(&quota), 0);
	assert_content(*state, START, "-9223372036854775807           -3\n");
}

static void missing(void **state)
{
	assert_int_equal(remove_one(*state, "1.a", QUOTA_COUNTS_ALL), 0);
	assert_false(fixture_has(*state, "maildirsize"));
}

static void never_made_meanwhile(void **state)
{
	struct quota quota;

	quota_begin(&quota, ((struct fixture *)*state)->root_fd,
		QUOTA_COUNTS_ALL);
	fixture_write(*state, "maildirsize", START);
	quota_removed(&quota, "1.a", 7);
	assert_int_equal(quota_end(&quota), 0);
	assert_content(*state, START, "");
}

static void replaced_meanwhile(void **state)
{
	struct quota quota;

	fixture_write(*state, "maildirsize", START);
	quota_begin(&quota, ((struct fixture *)*state)->root_fd,
		QUOTA_COUNTS_ALL);
	quota_removed(&quota, "1.a", 7);
	fixture_rename(*state, "maildirsize", "old");
	fixture_write(*state, "maildirsize", "1000S\n10 1\n");
	assert_int_equal(quota_end(&quota), 0);
	assert_content(*state, "1000S\n10 1\n", "");
	assert_string_equal(content(*state, "old"),
		START "          -7           -1\n");
}

static void symbolic_link(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "elsewhere", START);
	assert_int_equal(symlinkat("elsewhere", fixture->root_fd,
		"maildirsize"), 0);
	assert_int_equal(remove_one(fixture, "1.a", QUOTA_COUNTS_ALL), -1);
	assert_int_equal(errno, ELOOP);
	assert_content(fixture, START, "");
}

/* Ends only if nothing waits for the other end. */
static void other_kinds(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkfifoat(fixture->root_fd, "maildirsize", 0600), 0);
	assert_int_equal(remove_one(fixture, "1.a", QUOTA_COUNTS_ALL), -1);
	assert_int_equal(errno, EINVAL);
	fixture_remove(fixture, "maildirsize");
	assert_int_equal(mkdirat(fixture->root_fd, "maildirsize", 0700), 0);
	assert_int_equal(remove_one(fixture, "1.a", QUOTA_COUNTS_ALL), -1);
	assert_int_equal(errno, EISDIR);
}

static int remove_as_other(struct fixture *fixture)
{
	struct quota quota;

	quota_begin(&quota, fixture->root_fd, QUOTA_COUNTS_ALL);
	/* Who removes nothing leaves nothing to tell. */
	if (quota_end(&quota) < 0)
		return 1;
	return remove_one(fixture, "1.a", QUOTA_COUNTS_ALL) < 0 &&
		errno == EACCES ? 0 : 2;
}

static void unwritable(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "maildirsize", START);
	assert_int_equal(fchmodat(fixture->root_fd, "maildirsize", 0400, 0),
		0);
	assert_int_equal(fixture_as_nobody(fixture, remove_as_other), 0);
	assert_content(fixture, START, "");
}

/* A file of this many bytes whose lines are whole. */
static void write_filled(struct fixture *fixture, size_t bytes)
{
	static char text[SIZE_BYTES];

	memset(text, '0', bytes);
	for (size_t i = 4; i < bytes; i += 4)
		text[i] = i % 8 == 0 ? '\n' : ' ';
	text[bytes - 1] = '\n';
	text[bytes] = '\0';
	fixture_write(fixture, "maildirsize", text);
}

static void long_file(void **state)
{
	static const size_t sizes[] = { 4096, 5094, 5095, 5119, 5120, 5121 };
	char before[SIZE_BYTES];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		write_filled(*state, sizes[i]);
		snprintf(before, sizeof(before), "%s",
			content(*state, "maildirsize"));
		assert_int_equal(strlen(before), sizes[i]);
		assert_int_equal(remove_one(*state, "1.a", QUOTA_COUNTS_ALL),
			0);
		assert_content(*state, before,
			"          -7           -1\n");
	}
}

static void unfinished_line(void **state)
{
	fixture_write(*state, "maildirsize", "1000S");
	assert_int_equal(remove_one(*state, "1.a", QUOTA_COUNTS_ALL), 0);
	assert_int_equal(remove_one(*state, "2.b", QUOTA_COUNTS_ALL), 0);
	assert_content(*state, "1000S", "\n"
		"          -7           -1\n"
		"          -7           -1\n");
}

static void empty_file(void **state)
{
	fixture_write(*state, "maildirsize", "");
	assert_int_equal(remove_one(*state, "1.a", QUOTA_COUNTS_ALL), 0);
	assert_content(*state, "", "");
}

static void strange_content(void **state)
{
	static const char *const texts[] = {
		"\n", "\n\n\n", "-99999999999999999999999999S\n- -\n",
		"%s%n%s\n%d %d\n", "1000S\n\x01\xff\x80\n", " \t\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		fixture_write(*state, "maildirsize", texts[i]);
		assert_int_equal(remove_one(*state, "1.a", QUOTA_COUNTS_ALL),
			0);
		assert_content(*state, texts[i],
			"          -7           -1\n");
	}
}

/* Files may grow to 'most' bytes: as on a disk with no more room. */
static int remove_with_room(struct fixture *fixture, rlim_t most)
{
	struct rlimit limit = { most, most };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
			_exit(2);
		_exit(remove_one(fixture, "1.a", QUOTA_COUNTS_ALL) < 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void no_room(void **state)
{
	const size_t bytes = strlen(START);

	for (size_t room = 0; room < 26; room++) {
		fixture_write(*state, "maildirsize", START);
		assert_int_equal(remove_with_room(*state, bytes + room), 1);
		assert_content(*state, START, "");
	}
	assert_int_equal(remove_with_room(*state, bytes + 26), 0);
	assert_content(*state, START, "          -7           -1\n");
}

static void flag_t(void **state)
{
	static const char *const names[] = {
		"1.a:2,T", "1.a:2,ST", "1.a,S=5:2,FRST",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		fixture_write(*state, "maildirsize", START);
		assert_int_equal(remove_one(*state, names[i],
			QUOTA_COUNTS_KEPT), 0);
		assert_content(*state, START, "");
		assert_int_equal(remove_one(*state, names[i],
			QUOTA_COUNTS_ALL), 0);
		assert_string_not_equal(content(*state, "maildirsize"),
			START);
	}
}

static void no_flag_t(void **state)
{
	static const char *const names[] = {
		"1.T", "1.a:2,S", "1.T,T:2,S", "1.a:1,T", "1.a:2,St", "T",
		"1.a:2,aT", "1.a:2,S,T",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		fixture_write(*state, "maildirsize", START);
		assert_int_equal(remove_one(*state, names[i],
			QUOTA_COUNTS_KEPT), 0);
		assert_content(*state, START, "          -7           -1\n");
	}
}

static void assert_auto(struct fixture *fixture, const char *line)
{
	fixture_write(fixture, "maildirsize", START);
	assert_int_equal(remove_one(fixture, "1.a:2,T", QUOTA_COUNTS_AUTO),
		0);
	assert_content(fixture, START, line);
}

static void automatic(void **state)
{
	assert_auto(*state, "          -7           -1\n");
	fixture_write(*state, "courierpop3dsizelist", "/3 1 1\n");
	assert_auto(*state, "");
	fixture_remove(*state, "courierpop3dsizelist");
	fixture_write(*state, "courierimapsubscribed", "INBOX\n");
	assert_auto(*state, "");
	fixture_remove(*state, "courierimapsubscribed");
	fixture_write(*state, "dovecot-uidlist", "3 V1 N1\n");
	assert_auto(*state, "          -7           -1\n");
}

/* Remove a message of the folder 'name', which is marked as one. */
static void remove_in_folder(struct fixture *fixture, const char *name,
	enum quota_counts counts)
{
	struct quota quota;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/maildirfolder", name);
	fixture_write(fixture, path, "");
	fd = openat(fixture->root_fd, name, O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	quota_begin(&quota, fd, counts);
	close(fd);
	quota_removed(&quota, "1.a", 7);
	assert_int_equal(quota_end(&quota), 0);
}

static void folder(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkdirat(fixture->root_fd, ".Junk", 0700), 0);
	fixture_write(fixture, ".Junk/maildirsize", START);
	fixture_write(fixture, "maildirsize", START);
	fixture_write(fixture, "courierpop3dsizelist", "/3 1 1\n");
	remove_in_folder(fixture, ".Junk", QUOTA_COUNTS_AUTO);
	assert_content(fixture, START, "          -7           -1\n");
	assert_string_equal(content(fixture, ".Junk/maildirsize"), START);
}

static void no_folder(void **state)
{
	struct fixture *fixture = *state;
	struct quota quota;
	int fd;

	/* Another user's Maildir, say, that lies within. */
	assert_int_equal(mkdirat(fixture->root_fd, "other", 0700), 0);
	fixture_write(fixture, "maildirsize", START);
	fd = openat(fixture->root_fd, "other", O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	quota_begin(&quota, fd, QUOTA_COUNTS_ALL);
	close(fd);
	quota_removed(&quota, "1.a", 7);
	assert_int_equal(quota_end(&quota), 0);
	assert_content(fixture, START, "");
}

static void trash_folder(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(mkdirat(fixture->root_fd, ".Trash", 0700), 0);
	assert_int_equal(mkdirat(fixture->root_fd, ".Trash.a", 0700), 0);
	fixture_write(fixture, "maildirsize", START);
	remove_in_folder(fixture, ".Trash", QUOTA_COUNTS_KEPT);
	assert_content(fixture, START, "");
	remove_in_folder(fixture, ".Trash", QUOTA_COUNTS_ALL);
	assert_content(fixture, START, "          -7           -1\n");
	remove_in_folder(fixture, ".Trash.a", QUOTA_COUNTS_KEPT);
	assert_content(fixture, START, "          -7           -1\n"
		"          -7           -1\n");
}

/* Each of TURNS sessions removes 'which' messages. */
static void write_many(struct fixture *fixture, int which)
{
	struct quota quota;

	for (int i = 0; i < TURNS; i++) {
		quota_begin(&quota, fixture->root_fd, QUOTA_COUNTS_ALL);
		for (int j = 0; j < which; j++)
			quota_removed(&quota, "1.a", 1000);
		if (quota_end(&quota) < 0)
			_exit(1);
	}
	_exit(0);
}

static void many_at_once(void **state)
{
	const char *text;
	long bytes, count, lines = 0, sum = 0;
	int status, length;

	fixture_write(*state, "maildirsize", "1000S\n");
	for (int i = 1; i <= WRITERS; i++)
		if (fork() == 0)
			write_many(*state, i);
	for (int i = 1; i <= WRITERS; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	text = content(*state, "maildirsize") + strlen("1000S\n");
	for (; *text != '\0'; text += length + 1, lines++) {
		assert_int_equal(sscanf(text, "%ld %ld%n", &bytes, &count,
			&length), 2);
		assert_int_equal(text[length], '\n');
		assert_int_equal(bytes, count * 1000);
		sum += count;
	}
	assert_int_equal(lines, WRITERS * TURNS);
	assert_int_equal(sum, -TURNS * WRITERS * (WRITERS + 1) / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("a session appends one line, at its end", one_line),
		CASE("who removes nothing writes nothing", nothing_removed),
		CASE("the last S= before ':' counts, else the file",
			size_in_name),
		CASE("sums above 4 GiB are right", large_sums),
		CASE("a sum too large is the largest", largest_sum),
		CASE("a missing maildirsize is not made", missing),
		CASE("a maildirsize made meanwhile knows already",
			never_made_meanwhile),
		CASE("a maildirsize replaced meanwhile knows already",
			replaced_meanwhile),
		CASE("a link is told and not followed", symbolic_link),
		CASE("a FIFO or directory is told and hangs nobody",
			other_kinds),
		CASE("an unwritable file is told, if anything was removed",
			unwritable),
		CASE("a file of 5120 bytes is appended to as any other",
			long_file),
		CASE("a last line without its end is ended first",
			unfinished_line),
		CASE("an empty file gets no line", empty_file),
		CASE("what the file holds does not matter", strange_content),
		CASE("a line that has no room leaves no part of it", no_room),
		CASE("by Courier's rule the flag T was not in the sum",
			flag_t),
		CASE("a T elsewhere is no flag", no_flag_t),
		CASE("Courier's rule holds where Courier's files are",
			automatic),
		CASE("a folder has the quota of the whole Maildir", folder),
		CASE("what is no folder has nothing above it", no_folder),
		CASE("by Courier's rule .Trash was not in the sum",
			trash_folder),
		CASE("lines of several processes do not mix", many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
