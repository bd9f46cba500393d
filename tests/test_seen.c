/*
 * test_seen.c - the flag S: in its place, and never at another file's cost
 */
#include "config.h"

#include "maildir/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir_fixture.h"

static void assert_seen(const char *name, const char *wanted)
{
	char seen[NAME_MAX + 1];

	assert_int_equal(seen_name(name, seen), 0);
	assert_string_equal(seen, wanted);
}

static void s_among_the_flags(void **state)
{
	(void)state;
	assert_seen("1.a", "1.a:2,S");
	assert_seen("1.a:2,", "1.a:2,S");
	assert_seen("1.a:2,F", "1.a:2,FS");
	assert_seen("1.a:2,T", "1.a:2,ST");
	assert_seen("1.a:2,DFPRT", "1.a:2,DFPRST");
	assert_seen("1.a,S=12:2,Fab", "1.a,S=12:2,FSab");
	assert_seen("1.a,S=12,W=13", "1.a,S=12,W=13:2,S");
	assert_seen("", ":2,S");
	assert_seen("1.a:2,TFFR", "1.a:2,FRST");
	assert_seen("1.a:2,R,x=S", "1.a:2,RS,x=S");
	assert_seen("1.a:2,\377F", "1.a:2,FS\377");
}

static void what_is_seen_stays(void **state)
{
	(void)state;
	assert_seen("1.a:2,S", "1.a:2,S");
	assert_seen("1.a:2,FS", "1.a:2,FS");
	assert_seen("1.a:2,SF", "1.a:2,SF");
}

static void other_information_is_refused(void **state)
{
	char seen[NAME_MAX + 1];

	(void)state;
	assert_int_equal(seen_name("1.a:1,S", seen), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(seen_name("1.a:", seen), -1);
	assert_int_equal(seen_name("1.a:2", seen), -1);
	assert_int_equal(seen_name("1.a:x:2,F", seen), -1);
	assert_int_equal(errno, EINVAL);
}

static void the_longest_name(void **state)
{
	char name[NAME_MAX + 1], seen[NAME_MAX + 1];

	(void)state;
	memset(name, 'x', NAME_MAX);
	name[NAME_MAX - 4] = '\0';
	assert_int_equal(seen_name(name, seen), 0);
	assert_int_equal(strlen(seen), NAME_MAX);
	name[NAME_MAX - 4] = 'x';
	name[NAME_MAX - 3] = '\0';
	assert_int_equal(seen_name(name, seen), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static void assert_marked(struct fixture *fixture, uint8_t which,
	uint32_t failed, int error)
{
	struct scan scan;
	fixture_scan(fixture, &scan);
	struct chase chase = { .scan = &scan };
	struct seen_result result = seen_mark(&chase, &which);

	assert_int_equal(result.failed, failed);
	assert_int_equal(result.error, error);
	/* The scan knows where they are now, without another search. */
	for (uint32_t idx = 0; idx < scan.count; idx++)
		assert_true(scan_is_there(&scan, idx));
	scan_free(&scan);
}

static void from_both_folders(void **state)
{
	fixture_write(*state, "new/1.a", "one");
	fixture_write(*state, "cur/2.b:2,F", "two");
	fixture_write(*state, "new/3.c", "three");
	fixture_write(*state, "new/4.d:2,S", "four");
	fixture_write(*state, "cur/5.e:2,", "five");
	assert_marked(*state, 1 << 0 | 1 << 1 | 1 << 3, 0, 0);
	assert_true(fixture_has(*state, "cur/1.a:2,S"));
	assert_true(fixture_has(*state, "cur/2.b:2,FS"));
	assert_true(fixture_has(*state, "new/3.c"));
	assert_true(fixture_has(*state, "cur/4.d:2,S"));
	assert_true(fixture_has(*state, "cur/5.e:2,"));
}

static void the_same_unique_ids(void **state)
{
	struct scan before, after;
	uint8_t which = 0x07;

	fixture_write(*state, "new/1.a", "one");
	fixture_write(*state, "cur/2.b:2,F", "two");
	fixture_write(*state, "new/3.c,S=5", "three");
	fixture_scan(*state, &before);
	struct chase chase = { .scan = &before };
	assert_int_equal(seen_mark(&chase, &which).failed, 0);
	fixture_scan(*state, &after);
	assert_int_equal(after.count, 3);
	for (uint32_t idx = 0; idx < 3; idx++) {
		assert_string_equal(fixture_uidl(&before, idx),
			fixture_uidl(&after, idx));
		assert_string_equal(scan_name(&before, idx),
			scan_name(&after, idx));
		assert_int_equal(before.messages[idx].inode,
			after.messages[idx].inode);
	}
	scan_free(&before);
	scan_free(&after);
}

static void never_over_another_file(void **state)
{
	struct stat before, after;
	struct fixture *fixture = *state;

	fixture_write(fixture, "cur/1.a:2,", "one");
	fixture_write(fixture, "cur/1.a:2,S", "two");
	assert_int_equal(fstatat(fixture->root_fd, "cur/1.a:2,S", &before, 0),
		0);
	assert_marked(fixture, 0x03, 1, EEXIST);
	assert_true(fixture_has(fixture, "cur/1.a:2,"));
	assert_int_equal(fstatat(fixture->root_fd, "cur/1.a:2,S", &after, 0),
		0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(after.st_size, 3);
}

static void renamed_since(void **state)
{
	struct scan scan;
	uint8_t which = 0x0F;

	fixture_write(*state, "new/1.a", "one");
	fixture_write(*state, "new/2.b", "two");
	fixture_write(*state, "new/3.c", "three");
	fixture_write(*state, "new/4.d", "four");
	fixture_scan(*state, &scan);
	fixture_rename(*state, "new/1.a", "cur/1.a:2,F");
	fixture_remove(*state, "new/2.b");
	fixture_write(*state, "new/3.c", "three and more");
	struct chase chase = { .scan = &scan };
	struct seen_result result = seen_mark(&chase, &which);
	scan_free(&scan);
	assert_int_equal(result.failed, 1);
	assert_int_equal(result.error, ESTALE);
	assert_true(fixture_has(*state, "cur/1.a:2,FS"));
	assert_true(fixture_has(*state, "new/3.c"));
	assert_true(fixture_has(*state, "cur/4.d:2,S"));
}

static void other_information_is_left_alone(void **state)
{
	fixture_write(*state, "new/1.a:1,x", "one");
	fixture_write(*state, "cur/2.b:x", "two");
	assert_marked(*state, 0x03, 0, 0);
	assert_true(fixture_has(*state, "new/1.a:1,x"));
	assert_true(fixture_has(*state, "cur/2.b:x"));
}

static void without_cur(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;
	uint8_t which = 0x01;

	fixture_write(fixture, "new/1.a", "one");
	assert_int_equal(unlinkat(fixture->root_fd, "cur", AT_REMOVEDIR), 0);
	fixture_scan(fixture, &scan);
	struct chase chase = { .scan = &scan };
	struct seen_result result = seen_mark(&chase, &which);
	scan_free(&scan);
	assert_int_equal(result.failed, 1);
	assert_true(result.error != 0);
	assert_true(fixture_has(fixture, "new/1.a"));
	assert_int_equal(mkdirat(fixture->root_fd, "cur", 0700), 0);
}

static int mark_read_only(struct fixture *fixture)
{
	uint8_t which = 0x03;
	struct scan scan;

	if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) < 0)
		return 1;
	struct chase chase = { .scan = &scan };
	struct seen_result result = seen_mark(&chase, &which);
	scan_free(&scan);
	return result.failed == 2 && result.error == EACCES ? 0 : 2;
}

static void read_only(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "new/1.a", "one");
	fixture_write(fixture, "cur/2.b:2,", "two");
	assert_int_equal(fchmodat(fixture->root_fd, "cur", 0500, 0), 0);
	assert_int_equal(fixture_as_nobody(fixture, mark_read_only), 0);
	assert_int_equal(fchmodat(fixture->root_fd, "cur", 0700, 0), 0);
	assert_true(fixture_has(fixture, "new/1.a"));
	assert_true(fixture_has(fixture, "cur/2.b:2,"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_CASE("S stands among the flags in ASCII order, once",
			s_among_the_flags),
		PURE_CASE("a name with S stays as it is", what_is_seen_stays),
		PURE_CASE("information that is no flags is refused",
			other_information_is_refused),
		PURE_CASE("a name that would be too long is refused",
			the_longest_name),
		CASE("what is seen goes to cur/ and nothing else does",
			from_both_folders),
		CASE("unique-ids, inodes and the scan's names stay true",
			the_same_unique_ids),
		CASE("no other file is replaced", never_over_another_file),
		CASE("what was renamed since is found, what was changed is "
			"left alone", renamed_since),
		CASE("a name with other information is left alone",
			other_information_is_left_alone),
		CASE("without cur/ the messages stay in new/", without_cur),
		CASE("what can't be moved stays and counts as failed",
			read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
