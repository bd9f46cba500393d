/*
 * test_update.c - all that a QUIT does, together, and killed at any moment
 */
#include "config.h"

#include "maildir/update.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "maildir/bits.h"
#include "maildir_fixture.h"

#define DAY_S 86400
#define QUOTA "1000S,10C\n900 5\n"

/* Of the case with a kill: a quarter each marked, expired, retrieved, left. */
#define KILL_MESSAGES 400
#define KILL_TURNS 40

static uint16_t today(void)
{
	return (uint16_t)(time(NULL) / DAY_S);
}

/* Messages 1.a to 5.e, the first two a hundred days old. */
static void scan_five(struct fixture *fixture, struct scan *scan)
{
	static const char *const paths[] = { "new/1.a", "cur/2.b:2,F",
		"new/3.c", "cur/4.d:2,", "new/5.e" };

	for (size_t i = 0; i < 5; i++)
		fixture_write(fixture, paths[i], paths[i]);
	for (size_t i = 0; i < 2; i++)
		fixture_date(fixture, paths[i], time(NULL) - 100 * DAY_S);
	fixture_scan(fixture, scan);
	assert_int_equal(scan->count, 5);
}

static struct update_result update(struct fixture *fixture, struct scan *scan,
	uint8_t marked, uint8_t retrieved, struct update_rules rules)
{
	struct update_marks marks = { &marked, &retrieved };

	rules.quota_root_fd = fixture->root_fd;
	if (rules.expire.today == 0)
		rules.expire.today = today();
	return update_maildrop(scan, fixture->root_fd, &marks, &rules);
}

static void by_default_only_marked(void **state)
{
	struct update_rules rules = { .has_trash = false };
	struct scan scan;

	scan_five(*state, &scan);
	struct update_result result = update(*state, &scan, 0x01, 0x1F,
		rules);
	assert_int_equal(result.removed, 1);
	assert_int_equal(result.failed + result.expired, 0);
	assert_false(fixture_has(*state, "new/1.a"));
	assert_true(fixture_has(*state, "cur/2.b:2,F"));
	assert_true(fixture_has(*state, "new/3.c"));
	assert_true(fixture_has(*state, "cur/4.d:2,"));
	assert_true(fixture_has(*state, "new/5.e"));
	assert_false(fixture_has(*state, "postern.trash"));
	scan_free(&scan);
}

static void all_at_once(void **state)
{
	struct update_rules rules = { .has_trash = true, .trash_days = 30,
		.mark_seen = true, .expire = { .days = 30 } };
	struct scan scan;

	scan_five(*state, &scan);
	/* 1 is marked and due, 2 is due, 3 marked, 4 retrieved. */
	struct update_result result = update(*state, &scan, 0x05, 0x0F,
		rules);
	assert_int_equal(result.removed, 2);
	assert_int_equal(result.expired, 1);
	assert_int_equal(result.failed + result.not_expired +
		result.not_seen, 0);
	assert_int_equal(result.remove_error, 0);
	assert_int_equal(result.seen_error, 0);
	assert_int_equal(result.purge_error, 0);
	assert_true(fixture_has(*state, "postern.trash/new/1.a"));
	assert_true(fixture_has(*state, "postern.trash/cur/2.b:2,F"));
	assert_true(fixture_has(*state, "postern.trash/new/3.c"));
	assert_true(fixture_has(*state, "cur/4.d:2,S"));
	assert_true(fixture_has(*state, "new/5.e"));
	scan_free(&scan);
}

static void the_first_retrieval_is_noted(void **state)
{
	struct update_rules rules = { .expire = {
		.retrieved_days = 7, .today = 20000 } };
	struct scan scan;

	scan_five(*state, &scan);
	scan.messages[1].retrieved_day = 19993;
	scan.messages[2].retrieved_day = 19992;
	scan.messages[4].retrieved_day = 10000;
	struct update_result result = update(*state, &scan, 0, 0x07, rules);
	assert_int_equal(result.expired, 2);
	assert_int_equal(scan.messages[0].retrieved_day, 20000);
	assert_int_equal(scan.messages[1].retrieved_day, 19993);
	assert_int_equal(scan.messages[2].retrieved_day, 19992);
	assert_int_equal(scan.messages[3].retrieved_day, 0);
	assert_true(fixture_has(*state, "new/1.a"));
	assert_true(fixture_has(*state, "cur/2.b:2,F"));
	assert_false(fixture_has(*state, "new/3.c"));
	assert_true(fixture_has(*state, "cur/4.d:2,"));
	assert_false(fixture_has(*state, "new/5.e"));
	scan_free(&scan);
}

static void what_changed_does_not_expire(void **state)
{
	struct update_rules rules = { .expire = { .days = 30 } };
	struct fixture *fixture = *state;
	struct scan scan;

	scan_five(fixture, &scan);
	fixture_write(fixture, "new/1.a", "it was written to");
	fixture_date(fixture, "new/1.a", time(NULL) - 100 * DAY_S);
	struct update_result result = update(fixture, &scan, 0, 0, rules);
	assert_int_equal(result.expired, 1);
	assert_int_equal(result.not_expired, 1);
	assert_int_equal(result.failed, 0);
	assert_int_equal(result.remove_error, ESTALE);
	assert_true(fixture_has(fixture, "new/1.a"));
	assert_false(fixture_has(fixture, "cur/2.b:2,F"));
	scan_free(&scan);
}

static void what_has_a_new_time_does_not_expire(void **state)
{
	struct update_rules rules = { .expire = { .days = 30 } };
	struct scan scan;

	scan_five(*state, &scan);
	fixture_date(*state, "new/1.a", time(NULL));
	fixture_rename(*state, "cur/2.b:2,F", "cur/2.b:2,FS");
	struct update_result result = update(*state, &scan, 0, 0, rules);
	assert_int_equal(result.expired, 1);
	assert_int_equal(result.not_expired, 0);
	assert_true(fixture_has(*state, "new/1.a"));
	assert_false(fixture_has(*state, "cur/2.b:2,FS"));
	scan_free(&scan);
}

static void what_came_since_does_not_expire(void **state)
{
	struct update_rules rules = { .expire = { .days = 30 } };
	struct fixture *fixture = *state;
	struct scan scan;

	scan_five(fixture, &scan);
	fixture_write(fixture, "new/6.f", "six");
	fixture_date(fixture, "new/6.f", time(NULL) - 100 * DAY_S);
	(void)update(fixture, &scan, 0, 0, rules);
	assert_true(fixture_has(fixture, "new/6.f"));
	scan_free(&scan);
}

static void a_trash_that_fails_is_no_unlink(void **state)
{
	struct update_rules rules = { .has_trash = true, .trash_days = 1,
		.mark_seen = true, .expire = { .days = 30 } };
	struct scan scan;

	scan_five(*state, &scan);
	fixture_write(*state, "postern.trash", "a file");
	struct update_result result = update(*state, &scan, 0x04, 0x18,
		rules);
	assert_int_equal(result.removed, 0);
	assert_int_equal(result.failed, 1);
	assert_int_equal(result.not_expired, 2);
	assert_int_equal(result.remove_error, ENOTDIR);
	assert_int_equal(result.purge_error, ENOTDIR);
	assert_true(fixture_has(*state, "new/1.a"));
	assert_true(fixture_has(*state, "cur/2.b:2,F"));
	assert_true(fixture_has(*state, "new/3.c"));
	/* That is no reason not to do the rest. */
	assert_true(fixture_has(*state, "cur/4.d:2,S"));
	assert_true(fixture_has(*state, "cur/5.e:2,S"));
	scan_free(&scan);
}

/* Whether there is a line behind QUOTA in maildirsize, and what it says. */
static bool read_change(const struct fixture *fixture, int *bytes, int *count)
{
	char text[256];
	int fd = openat(fixture->root_fd, "maildirsize", O_RDONLY);
	ssize_t octets = read(fd, text, sizeof(text) - 1);

	close(fd);
	assert_true(octets >= (ssize_t)strlen(QUOTA));
	text[octets] = '\0';
	assert_memory_equal(text, QUOTA, strlen(QUOTA));
	return sscanf(text + strlen(QUOTA), "%d %d", bytes, count) == 2;
}

/* What leaves the maildrop leaves the quota, however it does. */
static void quota_knows(void **state, bool has_trash)
{
	struct update_rules rules = { .has_trash = has_trash, .trash_days = 1,
		.mark_seen = true, .expire = { .days = 30 } };
	struct fixture *fixture = *state;
	struct scan scan;
	int bytes, count;

	fixture_write(fixture, "maildirsize", QUOTA);
	scan_five(fixture, &scan);
	/* Each has as many octets as its path; another program removed one. */
	fixture_remove(fixture, "cur/2.b:2,F");
	struct update_result result = update(fixture, &scan, 0x04, 0x18,
		rules);
	assert_int_equal(result.removed, 1);
	assert_int_equal(result.expired, 2);
	assert_int_equal(result.quota_error, 0);
	assert_true(read_change(fixture, &bytes, &count));
	assert_int_equal(bytes, -14);
	assert_int_equal(count, -2);
	scan_free(&scan);
}

static void quota_knows_of_unlinks(void **state)
{
	quota_knows(state, false);
}

static void quota_knows_of_the_trash(void **state)
{
	quota_knows(state, true);
}

static void quota_knows_when_nothing_goes(void **state)
{
	struct update_rules rules = { .has_trash = true, .trash_days = 1 };
	struct fixture *fixture = *state;
	struct scan scan;
	int bytes, count;

	fixture_write(fixture, "maildirsize", QUOTA);
	scan_five(fixture, &scan);
	fixture_write(fixture, "postern.trash", "a file");
	struct update_result result = update(fixture, &scan, 0x1F, 0, rules);
	assert_int_equal(result.failed, 5);
	assert_false(read_change(fixture, &bytes, &count));
	scan_free(&scan);
}

static void an_empty_maildrop(void **state)
{
	struct update_rules rules = { .has_trash = true, .trash_days = 1,
		.mark_seen = true, .expire = { 1, 1, 20000 } };
	struct scan scan;

	fixture_scan(*state, &scan);
	struct update_result result = update(*state, &scan, 0, 0, rules);
	assert_int_equal(result.removed + result.failed + result.expired, 0);
	assert_false(fixture_has(*state, "postern.trash"));
	scan_free(&scan);
}

static void no_maildrop(void **state)
{
	struct update_rules rules = { .has_trash = true, .trash_days = 1,
		.quota_root_fd = -1, .expire = { .today = 20000 } };
	struct update_marks marks = { (uint8_t[1]){ 0 }, (uint8_t[1]){ 0 } };
	struct scan scan;

	(void)state;	/* not used */
	scan_begin(&scan);
	struct update_result result = update_maildrop(&scan, -1, &marks,
		&rules);
	assert_int_equal(result.purge_error, 0);
	assert_int_equal(result.quota_error + result.remove_error, 0);
	scan_free(&scan);
}

/* The four folders of the case with a kill, and what may be in each. */
static const char *const places[] = { "new", "cur", "postern.trash/new",
	"postern.trash/cur" };

static void path_of(unsigned int number, char path[64])
{
	snprintf(path, 64, "%s/%u.x%s", number % 8 < 4 ? "new" : "cur",
		number, number % 8 < 4 ? "" : ":2,");
}

/* Where message 'number' may be after a QUIT that was killed. */
static bool may_be(unsigned int number, const char *place)
{
	bool is_trash = strchr(place, '/') != NULL;

	return !is_trash || number % 4 == 1 || number % 4 == 2;
}

/* Count each message once, wherever it is. */
static void see_place(const struct fixture *fixture, const char *place,
	uint8_t seen[KILL_MESSAGES / 8])
{
	int fd = openat(fixture->root_fd, place, O_RDONLY | O_DIRECTORY);
	struct dirent *entry;
	unsigned int number;

	if (fd < 0)
		return;
	DIR *directory = fdopendir(fd);
	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		assert_int_equal(sscanf(entry->d_name, "%u.x", &number), 1);
		assert_true(may_be(number, place));
		assert_false(bits_has(seen, number));
		bits_set(seen, number);
	}
	closedir(directory);
}

/* Mark, expire and retrieve a quarter each, in a child. */
static void quit_and_exit(struct fixture *fixture, struct scan *scan)
{
	uint8_t marked[KILL_MESSAGES / 8] = { 0 };
	uint8_t retrieved[KILL_MESSAGES / 8] = { 0 };
	struct update_rules rules = { .has_trash = true, .trash_days = 30,
		.mark_seen = true, .expire = { .days = 30,
		.today = today() } };
	struct update_marks marks = { marked, retrieved };

	for (uint32_t idx = 0; idx < scan->count; idx++) {
		uint64_t number = name_time(scan_name(scan, idx));
		if (number % 4 == 1)
			bits_set(marked, idx);
		if (number % 4 == 3)
			bits_set(retrieved, idx);
	}
	(void)update_maildrop(scan, fixture->root_fd, &marks, &rules);
	_exit(0);
}

/* Let a child do it, until it is killed (0: it is not). */
static void quit_for(struct fixture *fixture, struct scan *scan, long time_ns)
{
	struct timespec wait = { .tv_nsec = time_ns };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		quit_and_exit(fixture, scan);
	nanosleep(&wait, NULL);
	if (time_ns > 0)
		assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void assert_each_is_there_once(struct fixture *fixture)
{
	uint8_t seen[KILL_MESSAGES / 8] = { 0 };

	for (size_t i = 0; i < 4; i++)
		see_place(fixture, places[i], seen);
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_equal(seen[i], 0xFF);
}

/* Kill a QUIT at various moments; then let the next one end it. */
static void killed_at_any_moment(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;
	char path[64];

	for (unsigned int i = 0; i < KILL_MESSAGES; i++) {
		path_of(i, path);
		fixture_write(fixture, path, "x\n");
		if (i % 4 == 2)
			fixture_date(fixture, path, time(NULL) - 99 * DAY_S);
	}
	for (long turn = KILL_TURNS; turn >= 0; turn--) {
		fixture_scan(fixture, &scan);
		quit_for(fixture, &scan, turn * 20000);
		scan_free(&scan);
		assert_each_is_there_once(fixture);
	}
	fixture_scan(fixture, &scan);
	assert_int_equal(scan.count, KILL_MESSAGES / 2);
	scan_free(&scan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("by default what is marked is gone, the rest as it was",
			by_default_only_marked),
		CASE("trash, expiry and mark-seen work in one QUIT",
			all_at_once),
		CASE("the day of the first retrieval is noted and counts",
			the_first_retrieval_is_noted),
		CASE("a message that changed since the scan does not expire",
			what_changed_does_not_expire),
		CASE("a message whose time was set since then does not expire",
			what_has_a_new_time_does_not_expire),
		CASE("a message that came after the scan does not expire",
			what_came_since_does_not_expire),
		CASE("a trash that fails keeps all, and S is set all the same",
			a_trash_that_fails_is_no_unlink),
		CASE("maildirsize knows what was unlinked or expired by us",
			quota_knows_of_unlinks),
		CASE("maildirsize knows what went into the trash",
			quota_knows_of_the_trash),
		CASE("maildirsize stays as it is when nothing goes",
			quota_knows_when_nothing_goes),
		CASE("a QUIT without messages makes no trash",
			an_empty_maildrop),
		PURE_CASE("a QUIT without a Maildir does nothing and reports "
			"nothing", no_maildrop),
		CASE("killed at any moment each message is there once",
			killed_at_any_moment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
