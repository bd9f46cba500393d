/*
 * test_kill_update.c - a QUIT that is killed, or fails, at any system call
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "census.h"
#include "kill_at.h"
#include "maildir/name.h"
#include "victim.h"

/* More calls than any QUIT here makes. */
#define MOST_CALLS 5000

#define TODAY 20000	/* in days since the epoch: in 2024 */
#define OLD_S 1700000000
#define QUOTA "1000000S\n"

/* One way to QUIT. */
struct scenario {
	struct update_rules rules;
	/* What another program does between login and QUIT, or at any call. */
	void (*meanwhile)(struct fixture *fixture);
	void (*meddle)(void *fixture);
	bool has_login;	/* the login is disturbed, too, not only the QUIT */
	bool is_late;	/* the last message is delivered by .meddle */
	long missing;	/* a call that this kernel has not, or 0 */
};

/* ".old." was delivered long ago, all others now; see victim.h. */
static const char *const paths[CENSUS_MESSAGES] = {
	"new/1700000000.marked.host",
	"new/1700000001.host",
	"cur/1700000002.marked.host,S=380:2,S",
	"cur/1700000003.old.host:2,F",
	"new/1700000004.read.host",
	"cur/1700000005.read.host:2,",
	"cur/1700000006.read.marked.host:2,ST",
	"cur/1700000007.read.host:2,RS",
};

/* A Maildir and a victim for one run. */
struct run {
	const struct scenario *scenario;
	struct fixture *fixture;
	struct victim *victim;
	struct census census;
	struct kill_at_end end;
	bool is_disturbed;	/* by more than what others may do */
};

static bool has_word(unsigned int number, const char *word)
{
	return strstr(paths[number], word) != NULL;
}

static bool is_expired(const struct run *run, unsigned int number)
{
	return run->scenario->rules.expire.days > 0 &&
		has_word(number, ".old.");
}

/* Whether it may go, or has to. */
static bool is_due(const struct run *run, unsigned int number)
{
	return has_word(number, ".marked.") || is_expired(run, number);
}

/* What a message counts in maildirsize. */
static long size_of(unsigned int number)
{
	uint64_t bytes;

	return name_size(paths[number], 'S', &bytes) ? (long)bytes :
		census_bytes(number);
}

static void store(struct run *run)
{
	char maildirsize[64];
	long bytes = 0;

	for (unsigned int i = 0; i < CENSUS_MESSAGES; i++) {
		if (i == CENSUS_MESSAGES - 1 && run->scenario->is_late)
			continue;
		census_store(run->fixture, i, paths[i]);
		if (has_word(i, ".old."))
			fixture_date(run->fixture, paths[i], OLD_S);
		bytes += size_of(i);
	}
	snprintf(maildirsize, sizeof(maildirsize), QUOTA "%ld %d\n", bytes,
		CENSUS_MESSAGES - run->scenario->is_late);
	fixture_write(run->fixture, "maildirsize", maildirsize);
	fixture_age(run->fixture);
}

static void begin(struct run *run, const struct scenario *scenario)
{
	void *state;

	*run = (struct run){ .scenario = scenario };
	assert_int_equal(fixture_setup(&state), 0);
	run->fixture = state;
	run->victim = victim_new();
	assert_non_null(run->victim);
	run->victim->fixture = run->fixture;
	run->victim->rules = scenario->rules;
	run->victim->rules.quota_root_fd = run->fixture->root_fd;
	run->victim->meanwhile = scenario->meanwhile;
	store(run);
}

static void end(struct run *run)
{
	void *state = run->fixture;

	munmap(run->victim, sizeof(*run->victim));
	assert_int_equal(fixture_teardown(&state), 0);
}

/* What holds at any moment, whatever has happened. */
static const char *find_loss(const struct run *run)
{
	bool has_trash = run->scenario->rules.has_trash;

	for (unsigned int i = 0; i < CENSUS_MESSAGES; i++) {
		unsigned int kept = run->census.kept[i];
		unsigned int trashed = run->census.trashed[i];

		if (kept > 1 || trashed > 1)
			return "a message is there twice";
		if (kept == 0 && !is_due(run, i))
			return "a message that was not to go is gone";
		if (trashed > 0 && (!is_due(run, i) || !has_trash))
			return "a message is in the trash that was not to go";
		if (kept + trashed == 0 && has_trash)
			return "a message is neither kept nor in the trash";
		/* Where no call moves a file in one step, it has two names. */
		if (kept + trashed > 1 && run->scenario->missing == 0)
			return "a message is kept and in the trash";
	}
	return run->census.strange == 0 ? NULL : "something else is there";
}

/* What holds when QUIT reports that it has removed all. */
static const char *find_lie(const struct run *run)
{
	const struct update_result *result = &run->victim->result;
	unsigned int marked = 0;

	for (unsigned int i = 0; i < CENSUS_MESSAGES; i++) {
		bool was_listed = run->victim->was_listed[i];
		bool is_gone = run->census.kept[i] == 0;

		if (!was_listed)
			continue;
		marked += has_word(i, ".marked.");
		if (result->failed == 0 && has_word(i, ".marked.") && !is_gone)
			return "a message said to be removed is kept";
		if (result->not_expired == 0 && result->remove_error == 0 &&
			is_expired(run, i) && !is_gone)
			return "a message said to be expired is kept";
		if (result->not_seen == 0 && result->seen_error == 0 &&
			result->remove_error == 0 && !is_gone &&
			run->scenario->rules.mark_seen &&
			has_word(i, ".read.") && !run->census.is_seen[i])
			return "a message said to be seen is not";
	}
	return result->removed + result->failed == marked ? NULL :
		"the report does not add up";
}

/* The next login shows each message once, with the unique-id it had. */
static const char *find_change(const struct run *run)
{
	unsigned int shown[CENSUS_MESSAGES] = { 0 };
	const char *wrong = NULL;
	struct scan scan;

	fixture_scan(run->fixture, &scan);
	for (uint32_t idx = 0; idx < scan.count; idx++) {
		const char *uidl = fixture_uidl(&scan, idx);
		unsigned int number = census_number(uidl);
		size_t octets = strlen(uidl);

		if (number == CENSUS_MESSAGES ||
			name_unique(paths[number] + 4) != octets ||
			strncmp(uidl, paths[number] + 4, octets) != 0)
			wrong = "a unique-id has changed";
		else
			shown[number]++;
	}
	for (unsigned int i = 0; i < CENSUS_MESSAGES; i++)
		if (shown[i] != run->census.kept[i])
			wrong = "a message is not shown, or twice";
	scan_free(&scan);
	return wrong;
}

/* Add up the lines of maildirsize.  Returns whether each of them is whole. */
static bool add_up(const struct run *run, long *bytes, long *count)
{
	char text[512];
	long line_bytes, line_count;
	int fd = openat(run->fixture->root_fd, "maildirsize", O_RDONLY);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	const char *at = text + strlen(QUOTA);
	int octets;

	close(fd);
	assert_true(length >= (ssize_t)strlen(QUOTA));
	text[length] = '\0';
	for (*bytes = *count = 0; *at != '\0'; at += octets + 1) {
		octets = 0;
		if (sscanf(at, "%ld %ld%n", &line_bytes, &line_count,
			&octets) != 2 || at[octets] != '\n')
			return false;
		*bytes += line_bytes;
		*count += line_count;
	}
	return true;
}

/*
 * The quota knows what is kept.  Who was killed may have left it knowing more,
 * until somebody adds up all mail, but never less.
 */
static const char *find_miscount(const struct run *run)
{
	long bytes, count, true_bytes = 0, true_count = 0;

	for (unsigned int i = 0; i < CENSUS_MESSAGES; i++) {
		if (run->census.kept[i] == 0 || (run->scenario->is_late &&
			i == CENSUS_MESSAGES - 1))
			continue;
		true_bytes += size_of(i);
		true_count++;
	}
	if (!add_up(run, &bytes, &count))
		return "maildirsize has a broken line";
	if (run->is_disturbed ? bytes < true_bytes || count < true_count :
		bytes != true_bytes || count != true_count)
		return "maildirsize is wrong";
	return NULL;
}

static void check(struct run *run, const struct kill_at_plan *plan)
{
	const char *wrong;

	census_take(run->fixture, &run->census);
	wrong = find_loss(run);
	if (wrong == NULL && run->victim->is_done)
		wrong = find_lie(run);
	if (wrong == NULL)
		wrong = find_change(run);
	if (wrong == NULL)
		wrong = find_miscount(run);
	if (wrong != NULL)
		fail_msg("call %u (number %ld), error %d: %s %s", plan->call,
			run->end.number, plan->error, wrong,
			run->census.strange_name);
}

static bool is_killing(const struct kill_at_plan *plan)
{
	return plan->deed == KILL_AT_KILL || plan->deed == KILL_AT_TEAR;
}

/* It ended as planned, and in no other way. */
static void check_end(const struct run *run, const struct kill_at_plan *plan)
{
	int status = run->end.status;

	if (run->end.is_reached && is_killing(plan) ?
		WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL :
		WIFEXITED(status) && WEXITSTATUS(status) <= 1)
		return;
	fail_msg("call %u (number %ld): ended with status %#x", plan->call,
		run->end.number, (unsigned int)status);
}

/* Run the victim, or skip the case where that can't be. */
static void run_victim(struct run *run, const struct kill_at_plan *plan)
{
	if (kill_at(plan, victim_update, run->victim, &run->end) < 0) {
		int error = errno;

		end(run);
		if (error != EPERM && error != ENOTSUP)
			fail_msg("can't trace: %s", strerror(error));
		print_message("no process can be traced here\n");
		skip();
	}
	check_end(run, plan);
}

/* The client comes again, marks the same messages, and QUITs undisturbed. */
static void run_again(struct run *run, const struct kill_at_plan *plan)
{
	struct kill_at_plan undisturbed = { .missing = plan->missing };
	struct kill_at_end first = run->end;

	memset(run->victim->was_listed, 0, sizeof(run->victim->was_listed));
	run->victim->is_done = false;
	run_victim(run, &undisturbed);
	run->end = first;
	if (!run->victim->is_done || run->victim->result.failed != 0)
		fail_msg("call %u (number %ld): the next QUIT failed",
			plan->call, run->end.number);
	check(run, plan);
}

/*
 * One QUIT.  Returns whether it made the planned call, and which that was in
 * '*number', unless that is NULL.
 */
static bool run_once(const struct scenario *scenario,
	struct kill_at_plan *plan, long *number)
{
	struct run run;

	begin(&run, scenario);
	plan->context = run.fixture;
	plan->missing = scenario->missing;
	plan->has_begun = scenario->has_login ? NULL : &run.victim->is_quitting;
	run_victim(&run, plan);
	if (scenario->meddle != NULL && !run.end.is_reached)
		scenario->meddle(run.fixture);
	run.is_disturbed = run.end.is_reached && plan->deed != KILL_AT_MEDDLE;
	check(&run, plan);
	if (run.end.is_reached && is_killing(plan))
		run_again(&run, plan);
	if (number != NULL)
		*number = run.end.number;
	end(&run);
	return run.end.is_reached;
}

/* A QUIT for each call that it makes; the last one is let alone. */
static void run_all(const struct scenario *scenario, struct kill_at_plan plan)
{
	for (plan.call = 1; run_once(scenario, &plan, NULL); plan.call++)
		assert_true(plan.call < MOST_CALLS);
	print_message("%u calls\n", plan.call - 1);
}

static void killed(void **state)
{
	run_all(*state, (struct kill_at_plan){ .deed = KILL_AT_KILL });
}

static void shortened(void **state)
{
	run_all(*state, (struct kill_at_plan){ .deed = KILL_AT_SHORTEN });
}

static void fail_all(const struct scenario *scenario, int error)
{
	run_all(scenario, (struct kill_at_plan){
		.deed = KILL_AT_FAIL, .error = error,
	});
}

static void fails(void **state)
{
	fail_all(*state, EIO);
}

static void fails_otherwise(void **state)
{
	fail_all(*state, ENOSPC);
	fail_all(*state, EINTR);
}

static void meddled(void **state)
{
	const struct scenario *scenario = *state;

	run_all(scenario, (struct kill_at_plan){
		.deed = KILL_AT_MEDDLE, .meddle = scenario->meddle,
	});
}

/* Calls that change a directory, which fsync(2) makes last. */
static bool is_change(long number)
{
	return number == SYS_unlinkat || number == SYS_renameat2 ||
		number == SYS_linkat || number == SYS_mkdirat;
}

static void settled(void **state)
{
	struct kill_at_plan plan = { .deed = KILL_AT_KILL };
	bool is_settled = true;
	long number;

	for (plan.call = 1; run_once(*state, &plan, &number); plan.call++)
		if (is_change(number))
			is_settled = false;
		else if (number == SYS_fsync)
			is_settled = true;
	assert_true(is_settled);
}

/* Another program sets flags, unless the message is gone or the call fails. */
static void rename_one(struct fixture *fixture, unsigned int which,
	const char *to)
{
	(void)renameat(fixture->root_fd, paths[which], fixture->root_fd, to);
}

static void rename_all(struct fixture *fixture)
{
	rename_one(fixture, 0, "cur/1700000000.marked.host:2,S");
	rename_one(fixture, 1, "cur/1700000001.host:2,S");
	rename_one(fixture, 2, "cur/1700000002.marked.host,S=380:2,RS");
	rename_one(fixture, 3, "new/1700000003.old.host");
	rename_one(fixture, 4, "cur/1700000004.read.host:2,F");
	rename_one(fixture, 5, "cur/1700000005.read.host:2,FR");
	rename_one(fixture, 6, "new/1700000006.read.marked.host");
}

static void rename_at_call(void *fixture)
{
	rename_all(fixture);
}

static void deliver_at_call(void *fixture)
{
	census_store(fixture, CENSUS_MESSAGES - 1, paths[CENSUS_MESSAGES - 1]);
}

/*
 * Nothing here depends on a disk, and a directory in memory is faster.  Who
 * wants another one says so.
 */
static void choose_directory(void)
{
	if (access("/dev/shm", W_OK | X_OK) == 0)
		setenv("TMPDIR", "/dev/shm", 0);
}

#define ALL_RULES { \
	.has_trash = true, .trash_days = 30, .mark_seen = true, \
	.expire = { .days = 30, .today = TODAY }, .quota = QUOTA_COUNTS_ALL \
}

static const struct scenario unlinking = {
	.rules = { .quota = QUOTA_COUNTS_ALL }, .has_login = true,
}, trashing = {
	.rules = { .has_trash = true, .trash_days = 30,
		.quota = QUOTA_COUNTS_ALL },
}, seeing = {
	.rules = { .mark_seen = true, .quota = QUOTA_COUNTS_ALL },
}, expiring = {
	.rules = { .expire = { .days = 30, .today = TODAY },
		.quota = QUOTA_COUNTS_ALL },
}, everything = {
	.rules = ALL_RULES,
}, renamed = {
	.rules = ALL_RULES, .meanwhile = rename_all,
}, linking = {
	.rules = ALL_RULES, .missing = SYS_renameat2,
}, renaming = {
	.rules = ALL_RULES, .meddle = rename_at_call, .has_login = true,
}, delivering = {
	.rules = ALL_RULES, .meddle = deliver_at_call, .has_login = true,
	.is_late = true,
};

#define ROW(sentence, function, scenario) \
	{ sentence, function, NULL, NULL, (void *)(uintptr_t)&(scenario) }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW("killed before any call, removal has lost nothing",
			killed, unlinking),
		ROW("killed before any call, the trash has lost nothing",
			killed, trashing),
		ROW("killed before any call, mark-seen has lost nothing",
			killed, seeing),
		ROW("killed before any call, expiry has lost nothing",
			killed, expiring),
		ROW("killed before any call, a QUIT has lost nothing",
			killed, everything),
		ROW("killed before any call, it has lost nothing renamed",
			killed, renamed),
		ROW("killed before any call, it has lost nothing by links",
			killed, linking),
		ROW("when any call fails, removal loses nothing and says so",
			fails, unlinking),
		ROW("when any call fails, a QUIT loses nothing and says so",
			fails, everything),
		ROW("whatever the error, a QUIT loses nothing and says so",
			fails_otherwise, everything),
		ROW("when any call fails, it loses nothing renamed",
			fails, renamed),
		ROW("when any call fails, it loses nothing by links",
			fails, linking),
		ROW("when any write is short, the quota has whole lines",
			shortened, everything),
		ROW("a QUIT removes what is renamed before any call", meddled,
			renaming),
		ROW("a QUIT leaves what is delivered before any call", meddled,
			delivering),
		ROW("a QUIT makes all last before it ends", settled,
			everything),
	};

	choose_directory();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
