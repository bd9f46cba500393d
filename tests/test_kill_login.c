/*
 * test_kill_login.c - a login that is killed, or fails, at any system call
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "census.h"
#include "kill_at.h"
#include "victim.h"

/* More calls than any login here makes. */
#define MOST_CALLS 5000

#define TWINS 2
#define LATE (CENSUS_MESSAGES - 1)
#define AGO_S 1800

/* One state of a Maildir, and one way to log in. */
struct scenario {
	/* What others did since an undisturbed login; NULL: there was none. */
	void (*change)(struct fixture *fixture);
	void (*meddle)(void *fixture);	/* at any call */
	bool has_long_listing;
	bool is_late;	/* .meddle delivers the last message */
};

/* The twins are one message in two files with the same unique part. */
static const char *const paths[CENSUS_MESSAGES + TWINS] = {
	"new/1700000000.host",
	"cur/1700000001.host:2,S",
	"cur/1700000002.host,S=380:2,",
	"new/1700000003.a name that is no unique-id",
	"new/1700000004.host",
	"cur/1700000005.host:2,",
	"new/1700000006.host",
	"new/1700000007.host",
	"cur/1700000004.host:2,S",
	"cur/1700000005.host:2,RS",
};

/* What the server before us called three of them. */
static const char uidlist[] = "3 V16 N9 G00112233445566778899aabbccddeeff\n"
	"3 :1700000002.host,S=380\n"
	"7 :1700000001.host\n"
	"8 :1700000003.a name that is no unique-id\n";
static const struct {
	unsigned int number;
	const char *uidl;
} imported[] = {
	{ 2, "0000000300000010" }, { 1, "0000000700000010" },
	{ 3, "0000000800000010" },
};

/* A Maildir, and who logs in there one after the other. */
struct run {
	const struct scenario *scenario;
	struct fixture *fixture;
	struct victim *before;		/* undisturbed; .is_shown if it was */
	struct victim *victim;		/* the disturbed one */
	struct victim *after[2];	/* undisturbed; then by the index */
	struct kill_at_end end;
	bool has_late;			/* the last message is there */
};

static unsigned int number_of(size_t file)
{
	return census_number(strchr(paths[file], '/') + 1);
}

static struct victim *new_victim(const struct run *run)
{
	struct victim *victim = victim_new();

	assert_non_null(victim);
	victim->fixture = run->fixture;
	victim->has_long_listing = run->scenario->has_long_listing;
	return victim;
}

static void store(const struct run *run)
{
	struct fixture *fixture = run->fixture;

	for (size_t i = 0; i < CENSUS_MESSAGES + TWINS; i++) {
		if (i == LATE && !run->has_late)
			continue;
		census_store(fixture, number_of(i), paths[i]);
		fixture_date(fixture, paths[i], CENSUS_TIME + (time_t)i);
	}
	fixture_write(fixture, "dovecot-uidlist", uidlist);
	fixture_age(fixture);
}

/* Log in undisturbed. */
static void log_in(struct victim *victim)
{
	const struct kill_at_plan plan = { .call = 0 };
	struct kill_at_end end;

	if (kill_at(&plan, victim_login, victim, &end) < 0) {
		assert_true(errno == EPERM || errno == ENOTSUP);
		print_message("no process can be traced here\n");
		skip();
	}
	if (!WIFEXITED(end.status) || WEXITSTATUS(end.status) != 0)
		fail_msg("a login failed: status %#x",
			(unsigned int)end.status);
}

static void begin(struct run *run, const struct scenario *scenario)
{
	void *state;

	*run = (struct run){
		.scenario = scenario,
		.has_late = scenario->change == NULL && !scenario->is_late,
	};
	assert_int_equal(fixture_setup(&state), 0);
	run->fixture = state;
	run->before = new_victim(run);
	run->victim = new_victim(run);
	for (int i = 0; i < 2; i++)
		run->after[i] = new_victim(run);
	store(run);
	if (scenario->change == NULL)
		return;
	log_in(run->before);
	scenario->change(run->fixture);
	run->has_late = fixture_has(run->fixture, paths[LATE]);
}

static void end(struct run *run)
{
	void *state = run->fixture;

	munmap(run->before, sizeof(*run->before));
	munmap(run->victim, sizeof(*run->victim));
	for (int i = 0; i < 2; i++)
		munmap(run->after[i], sizeof(*run->after[i]));
	assert_int_equal(fixture_teardown(&state), 0);
}

static bool has_entry(const struct victim *victim, uint64_t octets,
	const char *uidl)
{
	for (uint32_t idx = 0; idx < victim->count; idx++)
		if (victim->entries[idx].octets == octets &&
			strcmp(victim->entries[idx].uidl, uidl) == 0)
			return true;
	return false;
}

/* Whether all that 'earlier' was shown, 'later' is shown, too. */
static bool is_kept(const struct victim *earlier, const struct victim *later)
{
	for (uint32_t idx = 0; idx < earlier->count; idx++)
		if (!has_entry(later, earlier->entries[idx].octets,
			earlier->entries[idx].uidl))
			return false;
	return true;
}

static bool has_twice(const struct victim *victim)
{
	for (uint32_t i = 0; i < victim->count; i++)
		for (uint32_t j = 0; j < i; j++)
			if (strcmp(victim->entries[i].uidl,
				victim->entries[j].uidl) == 0)
				return true;
	return false;
}

/* Each message is shown as often as there are files of it. */
static bool is_complete(const struct run *run, const struct victim *victim)
{
	unsigned int wanted[CENSUS_MESSAGES] = { 0 };
	uint32_t sum = 0;

	for (size_t i = 0; i < CENSUS_MESSAGES + TWINS; i++)
		if (i != LATE || run->has_late)
			wanted[number_of(i)]++;
	for (unsigned int i = 0; i < CENSUS_MESSAGES; i++) {
		uint64_t octets = (uint64_t)census_octets(i);

		sum += wanted[i];
		for (uint32_t idx = 0; idx < victim->count; idx++)
			wanted[i] -= victim->entries[idx].octets == octets;
		if (wanted[i] != 0)
			return false;
	}
	return victim->count == sum;
}

static bool has_imported(const struct victim *victim)
{
	for (size_t i = 0; i < sizeof(imported) / sizeof(*imported); i++)
		if (!has_entry(victim,
			(uint64_t)census_octets(imported[i].number),
			imported[i].uidl))
			return false;
	return true;
}

/* What a login leaves beside the mail: two files, no rubbish. */
static const char *find_rubbish(struct fixture *fixture)
{
	static const char *const known[] = {
		".", "..", "new", "cur", "dovecot-uidlist", "postern.index",
		"postern.uidls",
	};
	static char found[256];
	DIR *directory = opendir(fixture->root);
	struct dirent *entry;
	size_t i;

	assert_non_null(directory);
	*found = '\0';
	while ((entry = readdir(directory)) != NULL) {
		for (i = 0; i < sizeof(known) / sizeof(*known); i++)
			if (strcmp(entry->d_name, known[i]) == 0)
				break;
		if (i == sizeof(known) / sizeof(*known))
			snprintf(found, sizeof(found), "%s", entry->d_name);
	}
	closedir(directory);
	return *found == '\0' ? NULL : found;
}

/* No login moves or changes mail. */
static bool is_mail_untouched(const struct run *run)
{
	struct census census;

	census_take(run->fixture, &census);
	for (size_t i = 0; i < CENSUS_MESSAGES + TWINS; i++) {
		unsigned int number = number_of(i);
		unsigned int wanted = number == 4 || number == 5 ? 2 : 1;

		if (i == LATE && !run->has_late)
			wanted = 0;
		if (census.kept[number] != wanted)
			return false;
	}
	return census.strange == 0;
}

static const char *find_wrong(const struct run *run)
{
	const struct victim *victim = run->victim;

	if (!is_mail_untouched(run))
		return "the mail was touched";
	for (int i = 0; i < 2; i++) {
		if (!is_complete(run, run->after[i]))
			return "a later login misses mail, or its size";
		if (has_twice(run->after[i]))
			return "a later login shows a unique-id twice";
		if (!has_imported(run->after[i]))
			return "a unique-id of the server before is lost";
		if (!is_kept(run->before, run->after[i]))
			return "a unique-id of an earlier login is lost";
		if (victim->is_shown && !is_kept(victim, run->after[i]))
			return "a unique-id of the disturbed login is lost";
	}
	if (victim->is_shown && has_twice(victim))
		return "the disturbed login shows a unique-id twice";
	return find_rubbish(run->fixture);
}

static bool is_killing(const struct kill_at_plan *plan)
{
	return plan->deed == KILL_AT_KILL || plan->deed == KILL_AT_TEAR;
}

/* It ended as planned, and in no other way. */
static bool has_ended_well(const struct run *run,
	const struct kill_at_plan *plan)
{
	int status = run->end.status;

	if (run->end.is_reached && is_killing(plan))
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	if (run->end.is_reached && plan->deed == KILL_AT_FAIL)
		return WIFEXITED(status) && WEXITSTATUS(status) <= 1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void check(struct run *run, const struct kill_at_plan *plan)
{
	const char *wrong = has_ended_well(run, plan) ? NULL :
		"it did not end so";

	for (int i = 0; i < 2; i++)
		log_in(run->after[i]);
	if (wrong == NULL)
		wrong = find_wrong(run);
	if (wrong != NULL)
		fail_msg("call %u (number %ld), error %d, status %#x: %s",
			plan->call, run->end.number, plan->error,
			(unsigned int)run->end.status, wrong);
}

/* One login.  Returns whether it made the planned call. */
static bool run_once(const struct scenario *scenario,
	struct kill_at_plan *plan)
{
	struct run run;

	begin(&run, scenario);
	plan->context = run.fixture;
	if (kill_at(plan, victim_login, run.victim, &run.end) < 0) {
		assert_true(errno == EPERM || errno == ENOTSUP);
		end(&run);
		skip();
	}
	if (scenario->meddle != NULL && !run.end.is_reached)
		scenario->meddle(run.fixture);
	run.has_late = fixture_has(run.fixture, paths[LATE]);
	check(&run, plan);
	end(&run);
	return run.end.is_reached;
}

/* A login for each call that it makes; the last one is let alone. */
static void run_all(const struct scenario *scenario, struct kill_at_plan plan)
{
	plan.call = 1;
	while (run_once(scenario, &plan)) {
		assert_true(plan.call < MOST_CALLS);
		plan.call += KILL_AT_STRIDE;
	}
	print_message("%u calls\n", plan.call - 1);
}

static void killed(void **state)
{
	run_all(*state, (struct kill_at_plan){ .deed = KILL_AT_KILL });
	run_all(*state, (struct kill_at_plan){ .deed = KILL_AT_TEAR });
}

static void shortened(void **state)
{
	run_all(*state, (struct kill_at_plan){ .deed = KILL_AT_SHORTEN });
}

static void fails(void **state)
{
	static const int errors[] = { EIO, ENOSPC, EINTR };

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		run_all(*state, (struct kill_at_plan){
			.deed = KILL_AT_FAIL, .error = errors[i],
		});
}

static void meddled(void **state)
{
	const struct scenario *scenario = *state;

	run_all(scenario, (struct kill_at_plan){
		.deed = KILL_AT_MEDDLE, .meddle = scenario->meddle,
	});
}

/* An index must not be believed only because the folder looks old. */
static void deliver(void *context)
{
	struct fixture *fixture = context;

	census_store(fixture, LATE, paths[LATE]);
	fixture_date(fixture, "new", time(NULL) - AGO_S);
}

static void deliver_between(struct fixture *fixture)
{
	deliver(fixture);
}

static void change_nothing(struct fixture *fixture)
{
	(void)fixture;	/* stays as it is */
}

static void rename_some(void *context)
{
	struct fixture *fixture = context;

	fixture_rename(fixture, paths[0], "cur/1700000000.host:2,S");
	fixture_rename(fixture, paths[1], "new/1700000001.host");
	fixture_rename(fixture, paths[2], "cur/1700000002.host,S=380:2,F");
	fixture_rename(fixture, paths[4], "cur/1700000004.host:2,F");
	fixture_date(fixture, "new", time(NULL) - AGO_S);
	fixture_date(fixture, "cur", time(NULL) - AGO_S);
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

static const struct scenario first = { .change = NULL },
	unchanged = { .change = change_nothing },
	changed = { .change = deliver_between },
	large = { .has_long_listing = true },
	delivering = { .meddle = deliver, .is_late = true },
	delivering_later = { .change = change_nothing, .meddle = deliver },
	renaming = { .meddle = rename_some },
	renaming_later = { .change = change_nothing, .meddle = rename_some };

#define ROW(sentence, function, scenario) \
	{ sentence, function, NULL, NULL, (void *)(uintptr_t)&(scenario) }

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW("killed before any call, a first login has lost nothing",
			killed, first),
		ROW("killed before any call, it has lost nothing by a memfd",
			killed, large),
		ROW("killed before any call, one by the index lost nothing",
			killed, unchanged),
		ROW("killed before any call, one after mail lost nothing",
			killed, changed),
		ROW("when any call fails, a first login loses nothing",
			fails, first),
		ROW("when any call fails, one by the index loses nothing",
			fails, unchanged),
		ROW("when any call fails, one after mail loses nothing",
			fails, changed),
		ROW("when any write is short, a login loses nothing",
			shortened, first),
		ROW("mail that comes before any call is shown next time",
			meddled, delivering),
		ROW("mail that comes later before any call, too", meddled,
			delivering_later),
		ROW("mail renamed before any call keeps its unique-id",
			meddled, renaming),
		ROW("mail renamed later before any call, too", meddled,
			renaming_later),
	};

	choose_directory();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
