/*
 * test_trash.c - the trash takes, keeps and forgets; what it refuses stays
 */
#include "config.h"

#include "maildir/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "maildir/expunge.h"
#include "maildir_fixture.h"

#define DAY_S 86400

static uint16_t today(void)
{
	return (uint16_t)(time(NULL) / DAY_S);
}

/* Put the messages of 'marks' into the trash; some must fail with 'error'. */
static void assert_taken(struct fixture *fixture, uint8_t marks,
	uint32_t removed, int error)
{
	struct scan scan;
	struct trash trash;
	fixture_scan(fixture, &scan);
	struct chase chase = { .scan = &scan };
	struct expunge_order order = {
		.messages = { &marks }, .trash = &trash };

	trash_open(&trash, fixture->root_fd);
	struct expunge_result result = expunge_messages(&chase, &order);
	trash_close(&trash);
	scan_free(&scan);
	assert_int_equal(result.removed[EXPUNGE_MARKED], removed);
	assert_int_equal(result.error, error);
}

static void write_two(struct fixture *fixture)
{
	fixture_write(fixture, "new/1.a", "one");
	fixture_write(fixture, "cur/2.b:2,FS", "two");
}

static void assert_two(struct fixture *fixture)
{
	assert_true(fixture_has(fixture, "new/1.a"));
	assert_true(fixture_has(fixture, "cur/2.b:2,FS"));
}

static struct stat look(const struct fixture *fixture, const char *path)
{
	struct stat status;

	assert_int_equal(fstatat(fixture->root_fd, path, &status,
		AT_SYMLINK_NOFOLLOW), 0);
	return status;
}

static void same_folder_and_name(void **state)
{
	struct stat before, after;
	struct fixture *fixture = *state;

	write_two(fixture);
	fixture_write(fixture, "new/3.c", "three");
	before = look(fixture, "cur/2.b:2,FS");
	assert_taken(fixture, 0x03, 2, 0);
	assert_false(fixture_has(fixture, "new/1.a"));
	assert_false(fixture_has(fixture, "cur/2.b:2,FS"));
	assert_true(fixture_has(fixture, "new/3.c"));
	assert_true(fixture_has(fixture, "postern.trash/new/1.a"));
	after = look(fixture, "postern.trash/cur/2.b:2,FS");
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_mtime, after.st_mtime);
	assert_int_equal(before.st_mode, after.st_mode);
	assert_int_equal(after.st_nlink, 1);
}

static void for_the_owner_only(void **state)
{
	static const char *const directories[] = { "postern.trash",
		"postern.trash/new", "postern.trash/cur", "postern.trash/tmp" };

	write_two(*state);
	assert_taken(*state, 0x01, 1, 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(look(*state, directories[i]).st_mode,
			S_IFDIR | 0700);
}

static void is_no_message_of_the_maildrop(void **state)
{
	struct scan scan;

	write_two(*state);
	assert_taken(*state, 0x03, 2, 0);
	fixture_scan(*state, &scan);
	assert_int_equal(scan.count, 0);
	scan_free(&scan);
}

static void a_rename_brings_it_back(void **state)
{
	struct scan before, after;

	write_two(*state);
	fixture_scan(*state, &before);
	assert_taken(*state, 0x03, 2, 0);
	fixture_rename(*state, "postern.trash/new/1.a", "new/1.a");
	fixture_rename(*state, "postern.trash/cur/2.b:2,FS", "cur/2.b:2,FS");
	fixture_scan(*state, &after);
	assert_int_equal(after.count, 2);
	for (uint32_t idx = 0; idx < 2; idx++) {
		assert_string_equal(fixture_uidl(&before, idx),
			fixture_uidl(&after, idx));
		assert_string_equal(scan_name(&before, idx),
			scan_name(&after, idx));
	}
	scan_free(&before);
	scan_free(&after);
}

static void nothing_in_the_trash_is_replaced(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 3; i++) {
		write_two(fixture);
		assert_taken(fixture, 0x03, 2, 0);
	}
	assert_true(fixture_has(fixture, "postern.trash/new/1.a"));
	assert_true(fixture_has(fixture, "postern.trash/new/1.a,1"));
	assert_true(fixture_has(fixture, "postern.trash/new/1.a,2"));
	assert_true(fixture_has(fixture, "postern.trash/cur/2.b:2,FS"));
	assert_true(fixture_has(fixture, "postern.trash/cur/2.b,1:2,FS"));
	assert_true(fixture_has(fixture, "postern.trash/cur/2.b,2:2,FS"));
}

static void without_a_free_name(void **state)
{
	char name[64];

	write_two(*state);
	assert_taken(*state, 0x01, 1, 0);
	for (int i = 1; i < 100; i++) {
		snprintf(name, sizeof(name), "postern.trash/new/1.a,%d", i);
		fixture_write(*state, name, "other");
	}
	write_two(*state);
	assert_taken(*state, 0x01, 0, EEXIST);
	assert_two(*state);
}

static void half_done(void **state)
{
	struct fixture *fixture = *state;

	/* Killed between link and unlink: the message has both names. */
	write_two(fixture);
	assert_taken(fixture, 0x02, 1, 0);
	assert_int_equal(linkat(fixture->root_fd, "new/1.a", fixture->root_fd,
		"postern.trash/new/1.a", 0), 0);
	assert_taken(fixture, 0x01, 1, 0);
	assert_false(fixture_has(fixture, "new/1.a"));
	assert_int_equal(look(fixture, "postern.trash/new/1.a").st_nlink, 1);
	assert_false(fixture_has(fixture, "postern.trash/new/1.a,1"));
}

static void a_file_in_its_place(void **state)
{
	write_two(*state);
	fixture_write(*state, "postern.trash", "a file");
	assert_taken(*state, 0x03, 0, ENOTDIR);
	assert_two(*state);
}

static void a_link_in_its_place(void **state)
{
	struct fixture *fixture = *state;

	write_two(fixture);
	assert_int_equal(mkdirat(fixture->root_fd, "elsewhere", 0700), 0);
	assert_int_equal(symlinkat("elsewhere", fixture->root_fd,
		"postern.trash"), 0);
	assert_taken(fixture, 0x03, 0, ENOTDIR);
	assert_two(fixture);
	assert_false(fixture_has(fixture, "elsewhere/new"));
	fixture_remove(fixture, "postern.trash");
	assert_int_equal(mkdirat(fixture->root_fd, "postern.trash", 0700), 0);
	assert_int_equal(symlinkat("../elsewhere", fixture->root_fd,
		"postern.trash/cur"), 0);
	assert_taken(fixture, 0x03, 0, ENOTDIR);
	assert_two(fixture);
}

/* Returns 0 if no message could be taken, with 'error'. */
static int take_none(struct fixture *fixture, int error)
{
	struct scan scan;
	struct trash trash;
	uint8_t marks = 0x03;
	struct chase chase = { .scan = &scan };
	struct expunge_order order = {
		.messages = { &marks }, .trash = &trash };

	if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) < 0)
		return 1;
	trash_open(&trash, fixture->root_fd);
	struct expunge_result result = expunge_messages(&chase, &order);
	trash_close(&trash);
	scan_free(&scan);
	return result.failed[EXPUNGE_MARKED] == 2 &&
		result.removed[EXPUNGE_MARKED] == 0 &&
		result.error == error ? 0 : 2;
}

static int take_none_read_only(struct fixture *fixture)
{
	return take_none(fixture, EACCES);
}

static void a_root_that_can_not_be_written(void **state)
{
	struct fixture *fixture = *state;

	write_two(fixture);
	assert_int_equal(fchmod(fixture->root_fd, 0500), 0);
	assert_int_equal(fixture_as_nobody(fixture, take_none_read_only), 0);
	assert_int_equal(fchmod(fixture->root_fd, 0700), 0);
	assert_two(fixture);
}

static void a_trash_that_can_not_be_written(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "new/0.z", "zero");
	assert_taken(fixture, 0x01, 1, 0);
	write_two(fixture);
	assert_int_equal(fchmodat(fixture->root_fd, "postern.trash/new", 0500,
		0), 0);
	assert_int_equal(fchmodat(fixture->root_fd, "postern.trash/cur", 0500,
		0), 0);
	assert_int_equal(fixture_as_nobody(fixture, take_none_read_only), 0);
	assert_two(fixture);
	assert_int_equal(fchmodat(fixture->root_fd, "postern.trash/new", 0700,
		0), 0);
	assert_int_equal(fchmodat(fixture->root_fd, "postern.trash/cur", 0700,
		0), 0);
}

/* Mount a tmpfs on 'name' in the Maildir, or skip the case. */
static void mount_or_skip(struct fixture *fixture, const char *name,
	const char *options)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", fixture->root, name);
	if (mount("tmpfs", path, "tmpfs", 0, options) < 0)
		skip();
}

static void unmount(struct fixture *fixture, const char *name)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", fixture->root, name);
	assert_int_equal(umount2(path, MNT_DETACH), 0);
}

static void another_file_system(void **state)
{
	struct fixture *fixture = *state;

	write_two(fixture);
	assert_int_equal(mkdirat(fixture->root_fd, "postern.trash", 0700), 0);
	mount_or_skip(fixture, "postern.trash", "mode=0700");
	int result = take_none(fixture, EXDEV);
	unmount(fixture, "postern.trash");
	assert_int_equal(result, 0);
	assert_two(fixture);
}


/* Leave no inode free, so that no directory can be made. */
static void fill_inodes(struct fixture *fixture)
{
	char name[64];

	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "fill%d", i);
		int fd = openat(fixture->root_fd, name, O_WRONLY | O_CREAT,
			0600);
		if (fd < 0)
			return;
		close(fd);
	}
	fail();
}

static void a_full_file_system(void **state)
{
	struct fixture *fixture = *state;
	struct fixture full = *fixture;

	assert_int_equal(mkdirat(fixture->root_fd, "disk", 0700), 0);
	mount_or_skip(fixture, "disk", "mode=0700,nr_inodes=24");
	full.root_fd = openat(fixture->root_fd, "disk",
		O_RDONLY | O_DIRECTORY);
	assert_true(full.root_fd >= 0);
	assert_int_equal(mkdirat(full.root_fd, "new", 0700), 0);
	assert_int_equal(mkdirat(full.root_fd, "cur", 0700), 0);
	write_two(&full);
	fill_inodes(&full);
	int result = take_none(&full, ENOSPC);
	bool has_both = fixture_has(&full, "new/1.a") &&
		fixture_has(&full, "cur/2.b:2,FS");
	/* With room it works. */
	for (int i = 0; i < 4; i++) {
		char name[16];
		snprintf(name, sizeof(name), "fill%d", i);
		fixture_remove(&full, name);
	}
	assert_taken(&full, 0x03, 2, 0);
	close(full.root_fd);
	unmount(fixture, "disk");
	assert_int_equal(result, 0);
	assert_true(has_both);
}

static void the_trash_has_gone(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;
	struct trash trash;
	uint8_t marks = 0x03;

	write_two(fixture);
	fixture_scan(fixture, &scan);
	struct chase chase = { .scan = &scan };
	struct expunge_order order = {
		.messages = { &marks }, .trash = &trash };
	trash_open(&trash, fixture->root_fd);
	assert_int_equal(unlinkat(fixture->root_fd, "postern.trash/new",
		AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(fixture->root_fd, "postern.trash/cur",
		AT_REMOVEDIR), 0);
	struct expunge_result result = expunge_messages(&chase, &order);
	trash_close(&trash);
	scan_free(&scan);
	assert_int_equal(result.removed[EXPUNGE_MARKED], 0);
	assert_int_equal(result.failed[EXPUNGE_MARKED], 2);
	assert_two(fixture);
}

static void after_its_days(void **state)
{
	struct fixture *fixture = *state;
	uint16_t now = today();

	write_two(fixture);
	assert_taken(fixture, 0x03, 2, 0);
	/* The file's own time is of no account. */
	fixture_date(fixture, "postern.trash/new/1.a", 1000000000);
	assert_int_equal(trash_purge(fixture->root_fd, 30, now + 30), 0);
	assert_true(fixture_has(fixture, "postern.trash/new/1.a"));
	assert_int_equal(trash_purge(fixture->root_fd, 30, now + 31), 2);
	assert_false(fixture_has(fixture, "postern.trash/new/1.a"));
	assert_false(fixture_has(fixture, "postern.trash/cur/2.b:2,FS"));
	assert_true(fixture_has(fixture, "postern.trash/new"));
}

static void once_a_day(void **state)
{
	struct fixture *fixture = *state;
	uint16_t now = today();

	write_two(fixture);
	assert_taken(fixture, 0x01, 1, 0);
	assert_int_equal(trash_purge(fixture->root_fd, 1, now + 2), 1);
	write_two(fixture);
	assert_taken(fixture, 0x01, 1, 0);
	assert_int_equal(trash_purge(fixture->root_fd, 1, now + 2), 0);
	assert_true(fixture_has(fixture, "postern.trash/new/1.a"));
	assert_int_equal(trash_purge(fixture->root_fd, 1, now + 3), 1);
}

static void not_on_its_first_day(void **state)
{
	struct fixture *fixture = *state;

	write_two(fixture);
	assert_taken(fixture, 0x01, 1, 0);
	/* A trash whose time is in the future is looked through today. */
	fixture_date(fixture, "postern.trash", time(NULL) + 1000 * DAY_S);
	assert_int_equal(trash_purge(fixture->root_fd, 1, today()), 0);
	assert_int_equal(trash_purge(fixture->root_fd, 1, 10), 0);
	assert_true(fixture_has(fixture, "postern.trash/new/1.a"));
}

static void regular_files_only(void **state)
{
	struct fixture *fixture = *state;

	write_two(fixture);
	assert_taken(fixture, 0x01, 1, 0);
	assert_int_equal(mkdirat(fixture->root_fd, "postern.trash/cur/d",
		0700), 0);
	assert_int_equal(symlinkat("../../cur/2.b:2,FS", fixture->root_fd,
		"postern.trash/cur/link"), 0);
	assert_int_equal(trash_purge(fixture->root_fd, 1, today() + 9), 1);
	assert_true(fixture_has(fixture, "postern.trash/cur/d"));
	assert_true(fixture_has(fixture, "postern.trash/cur/link"));
	assert_true(fixture_has(fixture, "cur/2.b:2,FS"));
}

static void no_trash(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(trash_purge(fixture->root_fd, 1, today() + 9), 0);
	assert_false(fixture_has(fixture, "postern.trash"));
	assert_int_equal(symlinkat(".", fixture->root_fd, "postern.trash"),
		0);
	write_two(fixture);
	assert_int_equal(trash_purge(fixture->root_fd, 1, today() + 9), -1);
	assert_two(fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("a message keeps folder, name, inode and time",
			same_folder_and_name),
		CASE("the trash is a Maildir for its owner only",
			for_the_owner_only),
		CASE("what is in the trash is no message of the maildrop",
			is_no_message_of_the_maildrop),
		CASE("a rename brings a message back with its unique-id",
			a_rename_brings_it_back),
		CASE("of files of one name in the trash none is replaced",
			nothing_in_the_trash_is_replaced),
		CASE("without a free name the message stays",
			without_a_free_name),
		CASE("a move that was half done is ended", half_done),
		CASE("with a file in the trash's place all stays",
			a_file_in_its_place),
		CASE("with a link in the trash's place all stays",
			a_link_in_its_place),
		CASE("if the root can't be written all stays",
			a_root_that_can_not_be_written),
		CASE("if the trash can't be written all stays",
			a_trash_that_can_not_be_written),
		CASE("if the trash is another file system all stays",
			another_file_system),
		CASE("if the file system is full all stays",
			a_full_file_system),
		CASE("if the trash has gone meanwhile all stays",
			the_trash_has_gone),
		CASE("the trash forgets a message after its days",
			after_its_days),
		CASE("the trash forgets once a day", once_a_day),
		CASE("the trash forgets nothing within a day",
			not_on_its_first_day),
		CASE("the trash forgets regular files only",
			regular_files_only),
		CASE("without a trash there is nothing to forget", no_trash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
