/*
 * test_scan.c - what is found in a Maildir, also while others change it
 */
#include "config.h"

#include "maildir/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir_fixture.h"

#define STORM_MESSAGES 1000
#define STORM_SCANS 50

static void assert_names(const struct scan *scan, const char *const *names,
	uint32_t count)
{
	assert_int_equal(scan->count, count);
	for (uint32_t idx = 0; idx < count; idx++)
		assert_string_equal(scan_name(scan, idx), names[idx]);
}

static void assert_unique_uidls(const struct scan *scan)
{
	for (uint32_t i = 0; i < scan->count; i++)
		for (uint32_t j = 0; j < i; j++)
			assert_string_not_equal(fixture_uidl(scan, i),
				fixture_uidl(scan, j));
}

/* Find a message by its whole name. */
static uint32_t find(const struct scan *scan, const char *name)
{
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (strcmp(scan_name(scan, idx), name) == 0)
			return idx;
	fail_msg("no message %s", name);
	return 0;
}

static void assert_opens(struct scan *scan, uint32_t idx, const char *text)
{
	char buffer[64] = "";
	int fd = scan_open(scan, idx);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, buffer, sizeof(buffer) - 1), strlen(text));
	assert_string_equal(buffer, text);
	close(fd);
}

static void assert_open_fails(struct scan *scan, uint32_t idx, int error)
{
	assert_int_equal(scan_open(scan, idx), -1);
	assert_int_equal(errno, error);
}

static void empty(void **state)
{
	struct scan scan;

	fixture_scan(*state, &scan);
	assert_int_equal(scan.count, 0);
	scan_free(&scan);
	scan_free(&scan);
}

static void both_folders(void **state)
{
	static const char *const names[] = {
		"9.x", "10.a:2,S", "10.b,S=3:2,", "11.a", "100.a",
	};
	struct scan scan;

	fixture_write(*state, "new/11.a", "eleven\n");
	fixture_write(*state, "cur/100.a", "");
	fixture_write(*state, "new/9.x", "nine\r\n");
	fixture_write(*state, "cur/10.b,S=3:2,", "a\nb");
	fixture_write(*state, "cur/10.a:2,S", ".\n");
	fixture_write(*state, "tmp.1", "no");
	fixture_write(*state, "cur/.hidden", "no");
	fixture_scan(*state, &scan);
	assert_names(&scan, names, 5);
	assert_int_equal(scan.messages[0].folder, FOLDER_NEW);
	assert_int_equal(scan.messages[0].octets, 6);
	assert_int_equal(scan.messages[1].folder, FOLDER_CUR);
	assert_int_equal(scan.messages[1].octets, 3);
	assert_int_equal(scan.messages[2].octets, 6);
	assert_int_equal(scan.messages[2].size_bytes, 3);
	assert_string_equal(fixture_uidl(&scan, 2), "10.b");
	assert_opens(&scan, 3, "eleven\n");
	scan_free(&scan);
	assert_int_equal(((struct fixture *)*state)->left_out, 0);
}

static void missing_new(void **state)
{
	static const char *const names[] = { "1.a" };
	struct fixture *fixture = *state;
	struct scan scan;

	fixture_write(fixture, "cur/1.a", "x");
	assert_int_equal(unlinkat(fixture->root_fd, "new", AT_REMOVEDIR), 0);
	fixture_scan(fixture, &scan);
	assert_names(&scan, names, 1);
	fixture_rename(fixture, "cur/1.a", "cur/1.a:2,S");
	assert_opens(&scan, 0, "x");
	scan_free(&scan);
}

static void missing_cur(void **state)
{
	static const char *const names[] = { "1.a" };
	struct fixture *fixture = *state;
	struct scan scan;

	fixture_write(fixture, "new/1.a", "x");
	assert_int_equal(unlinkat(fixture->root_fd, "cur", AT_REMOVEDIR), 0);
	fixture_scan(fixture, &scan);
	assert_names(&scan, names, 1);
	scan_free(&scan);
	fixture_remove(fixture, "new/1.a");
	assert_int_equal(unlinkat(fixture->root_fd, "new", AT_REMOVEDIR), 0);
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 0);
	scan_free(&scan);
}

static void folder_is_link(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	assert_int_equal(unlinkat(fixture->root_fd, "cur", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/tmp", fixture->root_fd, "cur"), 0);
	assert_int_equal(scan_maildir(&scan, fixture->root_fd,
		&fixture->hooks), -1);
	assert_true(errno == ENOTDIR || errno == ELOOP);
	scan_free(&scan);
}

static void odd_entries(void **state)
{
	static const char *const names[] = { "1.a", "9.z" };
	struct fixture *fixture = *state;
	int root_fd = fixture->root_fd;
	struct scan scan;

	fixture_write(fixture, "cur/1.a", "x");
	fixture_write(fixture, "cur/9.z", "x");
	assert_int_equal(symlinkat("1.a", root_fd, "cur/2.link"), 0);
	assert_int_equal(symlinkat("/nowhere", root_fd, "cur/3.dangling"), 0);
	assert_int_equal(mkfifoat(root_fd, "cur/4.fifo", 0600), 0);
	assert_int_equal(mkdirat(root_fd, "cur/5.directory", 0700), 0);
	assert_int_equal(symlinkat("6.loop", root_fd, "new/6.loop"), 0);
	fixture_scan(fixture, &scan);
	assert_names(&scan, names, 2);
	assert_int_equal(fixture->left_out, 5);
	scan_free(&scan);
}

static void device(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	if (mknodat(fixture->root_fd, "cur/1.device", S_IFCHR | 0600, 0) < 0) {
		print_message("SKIP: only root can make a device\n");
		skip();
	}
	fixture_write(fixture, "cur/2.a", "x");
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 1);
	assert_int_equal(fixture->left_out, 1);
	scan_free(&scan);
}

static int scan_unreadable(struct fixture *fixture)
{
	struct scan scan;
	int result = 0;

	if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) < 0)
		return 1;
	if (scan.count != 1 || strcmp(scan_name(&scan, 0), "2.b") != 0)
		result = 2;
	if (fixture->left_out != 1 ||
		strcmp(fixture->left_out_name, "1.a") != 0)
		result = 3;
	scan_free(&scan);
	return result;
}

static void unreadable(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "cur/1.a", "x");
	fixture_write(fixture, "cur/2.b", "x");
	assert_int_equal(fchmodat(fixture->root_fd, "cur/1.a", 0, 0), 0);
	assert_int_equal(fixture_as_nobody(fixture, scan_unreadable), 0);
}

static int scan_closed_folder(struct fixture *fixture)
{
	struct scan scan;

	if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) == 0)
		return 1;
	if (errno != EACCES)
		return 2;
	scan_free(&scan);
	return 0;
}

static void unreadable_folder(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fchmodat(fixture->root_fd, "cur", 0, 0), 0);
	assert_int_equal(fixture_as_nobody(fixture, scan_closed_folder), 0);
	assert_int_equal(fchmodat(fixture->root_fd, "cur", 0700, 0), 0);
}

static void long_names(void **state)
{
	char path[4 + 255 + 1] = "cur/";
	struct scan scan;

	memset(path + 4, '7', 255);
	fixture_write(*state, path, "x");
	path[4] = 'q';
	fixture_write(*state, path, "yy");
	path[4] = '\xfe';
	path[258] = '\n';
	fixture_write(*state, path, "zzz");
	fixture_scan(*state, &scan);
	assert_int_equal(scan.count, 3);
	assert_opens(&scan, 0, "yy");
	assert_opens(&scan, 1, "zzz");
	assert_opens(&scan, 2, "x");
	assert_int_equal(strlen(fixture_uidl(&scan, 0)), 33);
	assert_unique_uidls(&scan);
	scan_free(&scan);
}

static void many(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;
	char path[64];

	for (int i = 2999; i >= 0; i--) {
		snprintf(path, sizeof(path), "%s/%d.host:2,",
			i % 3 != 0 ? "cur" : "new", i);
		fixture_write(fixture, path, "x\n");
	}
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 3000);
	for (uint32_t idx = 0; idx < scan.count; idx++) {
		snprintf(path, sizeof(path), "%u.host", (unsigned int)idx);
		assert_string_equal(fixture_uidl(&scan, idx), path);
	}
	scan_free(&scan);
}

/*
 * How often the watched folder itself was read since the last call: how often
 * it was opened after a close.  A scan opens it first to have it, then to read
 * it; the kernel may merge two such events in a row.
 */
static unsigned int count_reads(int watch_fd)
{
	char buffer[16384]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	unsigned int reads = 0;
	bool is_open = false;
	ssize_t got;

	while ((got = read(watch_fd, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *event =
				(const void *)(buffer + at);

			at += (ssize_t)sizeof(*event) + event->len;
			if (event->len > 0)
				continue;
			reads += !is_open && (event->mask & IN_OPEN) != 0;
			is_open = (event->mask & IN_OPEN) != 0;
		}
	}
	return reads;
}

static int watch_folder(struct fixture *fixture, const char *name)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", fixture->root, name);
	if (fd < 0 || inotify_add_watch(fd, path, IN_OPEN | IN_CLOSE) < 0) {
		print_message("SKIP: no inotify here\n");
		skip();
	}
	return fd;
}

/* So many that several threads count: each once, each with its own size. */
static void many_of_all_sizes(void **state)
{
	static const char text[] = "0123456789";
	struct fixture *fixture = *state;
	char path[64];
	struct scan scan;

	for (unsigned i = 1000; i < 6000; i++) {
		snprintf(path, sizeof(path), "cur/1.%u%s:2,", i,
			i % 100 == 7 ? ",S=99" : "");
		if (i % 100 == 3)
			assert_int_equal(symlinkat("x", fixture->root_fd,
				path), 0);
		else
			fixture_write(fixture, path, text + i % 10);
	}
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 4950);
	assert_int_equal(fixture->left_out, 50);
	assert_int_equal(fixture->corrected, 50);
	for (uint32_t idx = 0; idx < scan.count; idx++) {
		unsigned long i = strtoul(scan_name(&scan, idx) + 2, NULL, 10);

		assert_int_not_equal(i % 100, 3);
		assert_int_equal(scan.messages[idx].size_bytes, 10 - i % 10);
		assert_int_equal(scan.messages[idx].octets, 12 - i % 10);
	}
	scan_free(&scan);
}

static void forbid_to_open(void *context, const char *name, const char *why)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = 0;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	(void)context, (void)name, (void)why;
}

/* In the midst of it, so that no thread has a descriptor for its next one. */
static void shortage_ends_it(void **state)
{
	struct fixture *fixture = *state;
	struct scan_hooks hooks = fixture->hooks;
	struct rlimit saved;
	char path[64];
	struct scan scan;
	int result, error;

	for (unsigned i = 1000; i < 3000; i++) {
		snprintf(path, sizeof(path), "cur/1.%u", i);
		if (i % 2 == 0)
			fixture_write(fixture, path, "x");
		else
			assert_int_equal(symlinkat("x", fixture->root_fd,
				path), 0);
	}
	hooks.left_out = forbid_to_open;
	scan_begin(&scan);
	assert_int_equal(scan_open_folders(&scan, fixture->root_fd), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &saved), 0);
	result = scan_fill(&scan, &hooks);
	error = errno;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &saved), 0);
	scan_free(&scan);
	assert_int_equal(result, -1);
	assert_int_equal(error, EMFILE);
}

static void quiet_is_read_once(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;
	int new_fd, cur_fd;

	fixture_write(fixture, "new/1.a", "x");
	fixture_write(fixture, "cur/2.b", "x");
	fixture_age(fixture);
	new_fd = watch_folder(fixture, "new");
	cur_fd = watch_folder(fixture, "cur");
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 2);
	scan_free(&scan);
	assert_int_equal(count_reads(new_fd), 1);
	assert_int_equal(count_reads(cur_fd), 1);
	fixture_write(fixture, "cur/3.c", "x");
	count_reads(cur_fd);
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 3);
	scan_free(&scan);
	/* Young: read again. */
	assert_int_equal(count_reads(new_fd), 2);
	assert_int_equal(count_reads(cur_fd), 2);
	close(new_fd);
	close(cur_fd);
}

static void renamed_since(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	fixture_write(fixture, "new/1.a", "first");
	fixture_write(fixture, "new/1.ab", "other");
	fixture_write(fixture, "cur/2.b:2,", "second");
	fixture_scan(fixture, &scan);
	fixture_rename(fixture, "new/1.a", "cur/1.a,S=5,W=5:2,FRS");
	fixture_rename(fixture, "cur/2.b:2,", "cur/2.b:2,S");
	assert_opens(&scan, 0, "first");
	assert_string_equal(scan_name(&scan, 0), "1.a,S=5,W=5:2,FRS");
	assert_int_equal(scan.messages[0].folder, FOLDER_CUR);
	assert_int_equal(scan_find(&scan, 2), 0);
	assert_string_equal(scan_name(&scan, 2), "2.b:2,S");
	assert_opens(&scan, 2, "second");
	assert_string_equal(fixture_uidl(&scan, 0), "1.a");
	assert_string_equal(fixture_uidl(&scan, 1), "1.ab");
	fixture_rename(fixture, "cur/1.a,S=5,W=5:2,FRS", "new/1.a");
	assert_opens(&scan, 0, "first");
	assert_opens(&scan, 1, "other");
	scan_free(&scan);
}

static void removed_since(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	fixture_write(fixture, "new/1.a", "first");
	fixture_write(fixture, "cur/2.b", "second");
	fixture_scan(fixture, &scan);
	fixture_remove(fixture, "new/1.a");
	assert_open_fails(&scan, 0, ENOENT);
	assert_int_equal(scan_find(&scan, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(scan_locate(&scan, 0), -1);
	assert_int_equal(errno, ENOENT);
	assert_opens(&scan, 1, "second");
	scan_free(&scan);
}

static void other_file_since(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	fixture_write(fixture, "new/1.a", "first");
	fixture_write(fixture, "new/2.b", "second");
	fixture_write(fixture, "new/3.c", "third");
	fixture_write(fixture, "new/4.d", "fourth");
	fixture_scan(fixture, &scan);
	fixture_write(fixture, "copy", "first");
	fixture_rename(fixture, "copy", "new/1.a");
	fixture_write(fixture, "new/2.b", "second and more");
	fixture_write(fixture, "new/3.c", "");
	fixture_remove(fixture, "new/4.d");
	assert_int_equal(mkfifoat(fixture->root_fd, "new/4.d", 0600), 0);
	for (uint32_t idx = 0; idx < 4; idx++)
		assert_open_fails(&scan, idx, ESTALE);
	scan_free(&scan);
}

static void linked_and_renamed(void **state)
{
	static const char *const names[] = { "1.a:2,S" };
	struct fixture *fixture = *state;
	struct scan scan;

	/* Another program died between link() and unlink(). */
	fixture_write(fixture, "new/1.a", "x");
	assert_int_equal(linkat(fixture->root_fd, "new/1.a",
		fixture->root_fd, "cur/1.a:2,S", 0), 0);
	fixture_scan(fixture, &scan);
	assert_names(&scan, names, 1);
	scan_free(&scan);
	fixture_age(fixture);
	fixture_scan(fixture, &scan);
	assert_names(&scan, names, 1);
	scan_free(&scan);
}

static void twins(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;
	char uidl[3][NAME_UIDL_OCTETS + 1];

	fixture_write(fixture, "cur/1.a:2,", "one");
	fixture_write(fixture, "cur/1.a:2,S", "three");
	fixture_write(fixture, "new/1.a", "fifth");
	fixture_write(fixture, "new/2.b", "x");
	fixture_date(fixture, "cur/1.a:2,", 2000);
	fixture_date(fixture, "cur/1.a:2,S", 1000);
	fixture_date(fixture, "new/1.a", 3000);
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 4);
	assert_string_equal(fixture_uidl(&scan, find(&scan, "1.a:2,S")), "1.a");
	assert_unique_uidls(&scan);
	assert_opens(&scan, find(&scan, "1.a"), "fifth");
	assert_opens(&scan, find(&scan, "1.a:2,S"), "three");
	strcpy(uidl[0], fixture_uidl(&scan, find(&scan, "1.a:2,")));
	strcpy(uidl[1], fixture_uidl(&scan, find(&scan, "1.a")));
	scan_free(&scan);
	/* Flags and folder change nothing. */
	fixture_rename(fixture, "cur/1.a:2,", "cur/1.a:2,T");
	fixture_rename(fixture, "cur/1.a:2,S", "cur/1.a:2,RS");
	fixture_rename(fixture, "new/1.a", "cur/1.a:2,F");
	fixture_scan(fixture, &scan);
	assert_string_equal(fixture_uidl(&scan, find(&scan, "1.a:2,RS")),
		"1.a");
	assert_string_equal(fixture_uidl(&scan, find(&scan, "1.a:2,T")),
		uidl[0]);
	assert_string_equal(fixture_uidl(&scan, find(&scan, "1.a:2,F")),
		uidl[1]);
	scan_free(&scan);
}

static void twins_of_one_age(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;
	uint32_t idx;

	fixture_write(fixture, "cur/1.a:2,", "one");
	fixture_write(fixture, "cur/1.a:2,S", "two");
	fixture_date(fixture, "cur/1.a:2,", 1000);
	fixture_date(fixture, "cur/1.a:2,S", 1000);
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 2);
	idx = scan.messages[0].inode < scan.messages[1].inode ? 0 : 1;
	assert_string_equal(fixture_uidl(&scan, idx), "1.a");
	assert_string_not_equal(fixture_uidl(&scan, 1 - idx), "1.a");
	scan_free(&scan);
}

static void imitated_hash(void **state)
{
	struct fixture *fixture = *state;
	char uidl[NAME_UIDL_OCTETS + 1], path[128];
	struct scan scan;

	name_uidl("1.a b", fixture_digest, uidl);
	snprintf(path, sizeof(path), "cur/%s", uidl);
	fixture_write(fixture, path, "imitation");
	fixture_date(fixture, path, 2000);
	fixture_write(fixture, "cur/1.a b", "original");
	fixture_date(fixture, "cur/1.a b", 1000);
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 2);
	assert_unique_uidls(&scan);
	assert_string_equal(fixture_uidl(&scan, find(&scan, "1.a b")), uidl);
	scan_free(&scan);
}

/* A twin's next choices, taken by files that imitate them. */
static void imitated_twin(void **state)
{
	struct fixture *fixture = *state;
	char uidl[NAME_UIDL_OCTETS + 1], path[128];
	struct stat status;
	struct scan scan;

	fixture_write(fixture, "cur/1.a:2,S", "old");
	fixture_date(fixture, "cur/1.a:2,S", 1000);
	fixture_write(fixture, "cur/1.a:2,", "twin");
	assert_int_equal(fstatat(fixture->root_fd, "cur/1.a:2,", &status, 0),
		0);
	for (uint64_t i = 0; i < 3; i++) {
		name_uidl_of_twin("1.a", status.st_ino ^ i << 56,
			fixture_digest, uidl);
		snprintf(path, sizeof(path), "cur/%s", uidl);
		fixture_write(fixture, path, "imitation");
		fixture_date(fixture, path, 1000);
	}
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 5);
	assert_unique_uidls(&scan);
	scan_free(&scan);
}

static void constant_digest(const void *octets, size_t count,
	uint8_t digest[16])
{
	(void)octets;	/* the point of it */
	(void)count;	/* the point of it */
	memset(digest, 0x11, 16);
}

static void hopeless_twins(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	fixture->hooks.digest = constant_digest;
	fixture_write(fixture, "cur/1.a b", "x");
	fixture_write(fixture, "cur/1.a c", "x");
	fixture_write(fixture, "cur/1.a d", "x");
	fixture_write(fixture, "cur/2", "x");
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, 2);
	assert_unique_uidls(&scan);
	assert_int_equal(fixture->left_out, 2);
	scan_free(&scan);
}

/* Where the storm has message 'i', and in which of its eight guises. */
static void storm_path(char path[64], unsigned int i, unsigned int guise)
{
	static const char *const flags[] = {
		"", ":2,", ":2,S", ":2,RS", ",S=2:2,FRS", ":2,T", ":2,S", ":2,",
	};

	guise %= 8;
	snprintf(path, 64, "%s/%u.host%s", guise == 0 ? "new" : "cur", i,
		flags[guise]);
}

/* Rename all, from guise to guise, as fast as it can, until killed. */
static void storm(const struct fixture *fixture)
{
	char from[64], to[64];

	for (unsigned int guise = 0;; guise++) {
		for (unsigned int i = 0; i < STORM_MESSAGES; i++) {
			storm_path(from, i, guise);
			storm_path(to, i, guise + 1);
			if (renameat(fixture->root_fd, from, fixture->root_fd,
				to) < 0)
				_exit(1);
		}
	}
}

static void start_storm(struct fixture *fixture, pid_t *pid)
{
	char path[64];

	for (unsigned int i = 0; i < STORM_MESSAGES; i++) {
		storm_path(path, i, 0);
		fixture_write(fixture, path, "x\n");
	}
	*pid = fork();
	assert_true(*pid >= 0);
	if (*pid == 0)
		storm(fixture);
}

static void end_storm(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* Say what is wrong before the storm is ended and the test fails. */
static bool is_whole(const struct scan *scan)
{
	char expected[64];

	if (scan->count != STORM_MESSAGES)
		print_error("%u messages\n", (unsigned int)scan->count);
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		snprintf(expected, sizeof(expected), "%u.host",
			(unsigned int)idx);
		if (strcmp(fixture_uidl(scan, idx), expected) != 0) {
			print_error("%s, not %s\n", fixture_uidl(scan, idx),
				expected);
			return false;
		}
	}
	return scan->count == STORM_MESSAGES;
}

static void renaming_storm(void **state)
{
	struct fixture *fixture = *state;
	unsigned int wrong = 0;
	pid_t pid;

	start_storm(fixture, &pid);
	for (int i = 0; i < STORM_SCANS; i++) {
		struct scan scan;

		if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) < 0
			|| !is_whole(&scan))
			wrong++;
		scan_free(&scan);
	}
	end_storm(pid);
	assert_int_equal(wrong, 0);
	assert_int_equal(fixture->left_out, 0);
}

static void opening_in_storm(void **state)
{
	struct fixture *fixture = *state;
	unsigned int wrong = 0;
	struct scan scan;
	pid_t pid;

	start_storm(fixture, &pid);
	if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) < 0)
		wrong++;
	for (uint32_t idx = 0; idx < scan.count; idx++) {
		int fd = scan_open(&scan, idx);

		wrong += fd < 0;
		if (fd >= 0)
			close(fd);
	}
	end_storm(pid);
	assert_int_equal(scan.count, STORM_MESSAGES);
	scan_free(&scan);
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("an empty Maildir has no messages", empty),
		CASE("new/ and cur/ are one list in the order of names",
			both_folders),
		CASE("a missing new/ counts as empty", missing_new),
		CASE("a missing cur/ counts as empty", missing_cur),
		CASE("a cur/ that is a link is refused", folder_is_link),
		CASE("links, FIFOs and directories are left out", odd_entries),
		CASE("a device is left out", device),
		CASE("an unreadable file is left out", unreadable),
		CASE("an unreadable folder is an error", unreadable_folder),
		CASE("names of 255 octets are messages", long_names),
		CASE("3000 messages are found and ordered", many),
		CASE("5000 of all sizes are each counted once, as they are",
			many_of_all_sizes),
		CASE("without descriptors for many nobody goes on",
			shortage_ends_it),
		CASE("a quiet Maildir is read exactly once",
			quiet_is_read_once),
		CASE("a renamed message is found and opened", renamed_since),
		CASE("a removed message is gone", removed_since),
		CASE("a changed or replaced file is not opened",
			other_file_since),
		CASE("one file under two names of a message is one message",
			linked_and_renamed),
		CASE("twins are told apart for good, the oldest stays plain",
			twins),
		CASE("of twins of one age the lower inode stays plain",
			twins_of_one_age),
		CASE("a name that imitates a hash doesn't get it",
			imitated_hash),
		CASE("names that imitate a twin's choices share none",
			imitated_twin),
		CASE("a message that can't have a unique-id is left out",
			hopeless_twins),
		CASE("all are found exactly once while all are renamed",
			renaming_storm),
		CASE("all can be opened while all are renamed",
			opening_in_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
