/*
 * test_expunge.c - what is removed in the UPDATE state, and what is not
 */
#include "config.h"

#include "maildir/expunge.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir_fixture.h"

#define STORM_MESSAGES 500

static bool has_odd_inodes;

/* In place of libc's: some file systems number files here as they like. */
struct dirent *readdir(DIR *directory)
{
	typedef struct dirent *read_entry(DIR *directory);
	static read_entry *next;
	struct dirent *entry;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT,
			sizeof(off_t) > sizeof(long) ? "readdir64" :
			"readdir");
	entry = next(directory);
	if (entry != NULL && has_odd_inodes)
		entry->d_ino += 1000000;
	return entry;
}

/* Messages 1.a to 4.d, in both folders, scanned. */
static void scan_four(struct fixture *fixture, struct scan *scan)
{
	fixture_write(fixture, "new/1.a", "one");
	fixture_write(fixture, "cur/2.b:2,S", "two");
	fixture_write(fixture, "cur/3.c:2,", "three");
	fixture_write(fixture, "new/4.d", "four");
	fixture_scan(fixture, scan);
	assert_int_equal(scan->count, 4);
}

/* Unlink what is marked. */
static struct expunge_result expunge_marked(struct scan *scan,
	const uint8_t *marks)
{
	struct chase chase = { .scan = scan };
	struct expunge_order order = {
		.messages = { [EXPUNGE_MARKED] = marks },
	};

	return expunge_messages(&chase, &order);
}

static void assert_result(struct scan *scan, uint8_t marks, uint32_t removed,
	uint32_t failed)
{
	struct expunge_result result = expunge_marked(scan, &marks);

	assert_int_equal(result.removed[EXPUNGE_MARKED], removed);
	assert_int_equal(result.failed[EXPUNGE_MARKED], failed);
	assert_int_equal(result.removed[EXPUNGE_EXPIRED], 0);
	assert_int_equal(result.failed[EXPUNGE_EXPIRED], 0);
	assert_int_equal(result.error != 0, failed > 0);
	scan_free(scan);
}

static void two_reasons(void **state)
{
	uint8_t marked = 1 << 0 | 1 << 1, expired = 1 << 1 | 1 << 2 | 1 << 3;
	struct expunge_order order = { .messages = { &marked, &expired } };
	struct expunge_result result;
	struct scan scan;

	scan_four(*state, &scan);
	fixture_write(*state, "new/4.d", "it has changed");
	struct chase chase = { .scan = &scan };
	result = expunge_messages(&chase, &order);
	assert_int_equal(result.removed[EXPUNGE_MARKED], 2);
	assert_int_equal(result.failed[EXPUNGE_MARKED], 0);
	assert_int_equal(result.removed[EXPUNGE_EXPIRED], 1);
	assert_int_equal(result.failed[EXPUNGE_EXPIRED], 1);
	assert_int_equal(result.error, ESTALE);
	assert_true(fixture_has(*state, "new/4.d"));
	scan_free(&scan);
}

static void marked_only(void **state)
{
	struct scan scan;

	scan_four(*state, &scan);
	assert_result(&scan, 1 << 0 | 1 << 2, 2, 0);
	assert_false(fixture_has(*state, "new/1.a"));
	assert_true(fixture_has(*state, "cur/2.b:2,S"));
	assert_false(fixture_has(*state, "cur/3.c:2,"));
	assert_true(fixture_has(*state, "new/4.d"));
}

static void none_marked(void **state)
{
	struct scan scan;

	scan_four(*state, &scan);
	/* Bits behind the last message mean nothing. */
	assert_result(&scan, 0xF0, 0, 0);
	assert_true(fixture_has(*state, "new/1.a"));
	assert_true(fixture_has(*state, "cur/2.b:2,S"));
	assert_true(fixture_has(*state, "cur/3.c:2,"));
	assert_true(fixture_has(*state, "new/4.d"));
}

static void many(void **state)
{
	uint8_t marks[25];
	struct expunge_result result;
	struct scan scan;
	char path[64];

	memset(marks, 0x55, sizeof(marks));
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "%s/%d.x",
			i % 4 < 2 ? "new" : "cur", i);
		fixture_write(*state, path, "x\n");
	}
	fixture_scan(*state, &scan);
	result = expunge_marked(&scan, marks);
	assert_int_equal(result.removed[EXPUNGE_MARKED], 100);
	assert_int_equal(result.failed[EXPUNGE_MARKED], 0);
	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "%s/%d.x",
			i % 4 < 2 ? "new" : "cur", i);
		assert_int_equal(fixture_has(*state, path), i % 2);
	}
	scan_free(&scan);
}

static void renamed(void **state)
{
	struct scan scan;

	scan_four(*state, &scan);
	fixture_rename(*state, "new/1.a", "cur/1.a:2,S");
	fixture_rename(*state, "cur/2.b:2,S", "cur/2.b,S=3:2,RS");
	fixture_write(*state, "new/1.ab", "other");
	assert_result(&scan, 1 << 0 | 1 << 1, 2, 0);
	assert_false(fixture_has(*state, "cur/1.a:2,S"));
	assert_false(fixture_has(*state, "cur/2.b,S=3:2,RS"));
	assert_true(fixture_has(*state, "new/1.ab"));
}

static void odd_inodes(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	has_odd_inodes = true;
	scan_four(fixture, &scan);
	fixture_rename(fixture, "new/1.a", "cur/1.a:2,S");
	fixture_remove(fixture, "cur/3.c:2,");
	assert_result(&scan, 1 << 0 | 1 << 1 | 1 << 2, 3, 0);
	has_odd_inodes = false;
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 1);
	assert_string_equal(scan_name(&scan, 0), "4.d");
	scan_free(&scan);
}

static void replaced(void **state)
{
	struct scan scan;

	scan_four(*state, &scan);
	fixture_write(*state, "copy", "one");
	fixture_rename(*state, "copy", "new/1.a");
	assert_result(&scan, 1 << 0 | 1 << 1, 1, 1);
	assert_true(fixture_has(*state, "new/1.a"));
	assert_false(fixture_has(*state, "cur/2.b:2,S"));
}

static void renamed_twin(void **state)
{
	struct scan scan;

	/* The message is gone; another file has its unique part. */
	scan_four(*state, &scan);
	fixture_write(*state, "copy", "one");
	fixture_remove(*state, "new/1.a");
	fixture_rename(*state, "copy", "cur/1.a:2,S");
	assert_result(&scan, 1 << 0, 1, 0);
	assert_true(fixture_has(*state, "cur/1.a:2,S"));
}

static void grown_or_shrunk(void **state)
{
	struct scan scan;

	scan_four(*state, &scan);
	fixture_write(*state, "new/1.a", "one and more");
	fixture_write(*state, "cur/2.b:2,S", "");
	assert_result(&scan, 0x0F, 2, 2);
	assert_true(fixture_has(*state, "new/1.a"));
	assert_true(fixture_has(*state, "cur/2.b:2,S"));
}

static void other_kind(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	struct scan scan;

	scan_four(fixture, &scan);
	fixture_rename(fixture, "new/1.a", "kept");
	assert_int_equal(symlinkat("../kept", fixture->root_fd, "new/1.a"), 0);
	fixture_remove(fixture, "cur/2.b:2,S");
	assert_int_equal(mkdirat(fixture->root_fd, "cur/2.b:2,S", 0700), 0);
	assert_result(&scan, 1 << 0 | 1 << 1, 0, 2);
	assert_true(fixture_has(fixture, "kept"));
	assert_true(fixture_has(fixture, "cur/2.b:2,S"));
	assert_int_equal(fstatat(fixture->root_fd, "new/1.a", &status,
		AT_SYMLINK_NOFOLLOW), 0);
}

static void already_gone(void **state)
{
	struct scan scan;

	scan_four(*state, &scan);
	fixture_remove(*state, "new/1.a");
	fixture_remove(*state, "cur/3.c:2,");
	assert_result(&scan, 0x0F, 4, 0);
}

static int expunge_read_only(struct fixture *fixture)
{
	struct expunge_result result;
	uint8_t marks = 0x0F;
	struct scan scan;

	if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) < 0)
		return 1;
	result = expunge_marked(&scan, &marks);
	scan_free(&scan);
	return result.removed[EXPUNGE_MARKED] == 2 &&
		result.failed[EXPUNGE_MARKED] == 2 ? 0 : 2;
}

static void read_only(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	scan_four(fixture, &scan);
	scan_free(&scan);
	assert_int_equal(fchmodat(fixture->root_fd, "cur", 0500, 0), 0);
	assert_int_equal(fixture_as_nobody(fixture, expunge_read_only), 0);
	assert_int_equal(fchmodat(fixture->root_fd, "cur", 0700, 0), 0);
	assert_true(fixture_has(fixture, "cur/2.b:2,S"));
	assert_false(fixture_has(fixture, "new/1.a"));
}

static void twin(void **state)
{
	struct scan scan;
	uint8_t marks;

	fixture_write(*state, "cur/1.a:2,", "one");
	fixture_write(*state, "cur/1.a:2,S", "two");
	fixture_scan(*state, &scan);
	assert_int_equal(scan.count, 2);
	marks = strcmp(scan_name(&scan, 0), "1.a:2,") == 0 ? 1 : 2;
	assert_result(&scan, marks, 1, 0);
	assert_false(fixture_has(*state, "cur/1.a:2,"));
	assert_true(fixture_has(*state, "cur/1.a:2,S"));
}

/* Toggle the flags of all that is there, until killed. */
static void storm(const struct fixture *fixture)
{
	char names[2][64];

	for (unsigned int turn = 0;; turn++) {
		for (unsigned int i = 0; i < STORM_MESSAGES; i++) {
			snprintf(names[0], sizeof(names[0]), "cur/%u.x:2,", i);
			snprintf(names[1], sizeof(names[1]), "cur/%u.x:2,S",
				i);
			/* It fails for what is removed already. */
			(void)renameat(fixture->root_fd, names[turn % 2],
				fixture->root_fd, names[1 - turn % 2]);
		}
	}
}

static void in_storm(void **state)
{
	struct fixture *fixture = *state;
	uint8_t marks[STORM_MESSAGES / 8 + 1];
	struct expunge_result result;
	struct scan scan;
	char path[64];
	pid_t pid;

	memset(marks, 0xFF, sizeof(marks));
	for (int i = 0; i < STORM_MESSAGES; i++) {
		snprintf(path, sizeof(path), "cur/%d.x:2,", i);
		fixture_write(fixture, path, "x\n");
	}
	fixture_scan(fixture, &scan);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		storm(fixture);
	result = expunge_marked(&scan, marks);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	scan_free(&scan);
	fixture_scan(fixture, &scan);
	assert_int_equal(result.removed[EXPUNGE_MARKED], STORM_MESSAGES);
	assert_int_equal(result.failed[EXPUNGE_MARKED], 0);
	assert_int_equal(scan.count, 0);
	scan_free(&scan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("the marked messages are removed, and no others",
			marked_only),
		CASE("without a mark nothing is removed", none_marked),
		CASE("every second of 200 messages is removed", many),
		CASE("a message renamed since is found and removed", renamed),
		CASE("the same where a folder shows other inode numbers",
			odd_inodes),
		CASE("a replaced file is left alone and counts as failed",
			replaced),
		CASE("another file with the unique part is left alone",
			renamed_twin),
		CASE("a file of another size is left alone",
			grown_or_shrunk),
		CASE("what became a link or directory is left alone",
			other_kind),
		CASE("what others removed counts as removed", already_gone),
		CASE("what can't be removed counts as failed", read_only),
		CASE("of two twins the marked one is removed", twin),
		CASE("all are removed while all are renamed", in_storm),
		CASE("a message counts once, and as marked before expired",
			two_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
