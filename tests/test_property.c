/*
 * test_property.c - no message is lost, or seen twice, whatever others do
 *
 * Two other programs change a Maildir at random, and write a journal.  At the
 * same time a session after the other has it, and a login that may only read;
 * each is checked against the journal.  What they choose follows from a seed,
 * which is printed; the order in which they run does not.
 *
 * POSTERN_PROPERTY_SEED, POSTERN_PROPERTY_ROUNDS: another seed, more rounds.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "chance.h"
#include "maildir/lock.h"
#include "maildir_fixture.h"
#include "others.h"

#define OTHERS 2
#define MESSAGES 450
#define ROUNDS 2
#define SESSIONS 25
#define READS 20

/* What is done in a session beside the login. */
struct plan {
	bool has_updates;
	bool has_reader;	/* another process logs in, and may only read */
};

struct totals {
	unsigned int logins, believed, read_only;
	unsigned long operations;
	unsigned int files;
};

struct round {
	const struct plan *plan;
	struct journal *journal;
	struct audit *audit;
	struct witness *witness;	/* the audit's */
	struct chance chance;
	int root_fd;
	pid_t others[OTHERS], reader;
	struct totals *totals;
};

/* --- the processes --- */

static void read_for_ever(struct journal *journal, int root_fd)
{
	static struct witness witness;
	bool is_right = true;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	witness.journal = journal;
	witness.root_fd = root_fd;
	while (is_right && !atomic_load(&journal->is_over)) {
		is_right = witness_log_in(&witness);
		for (uint32_t idx = 0; is_right && idx < witness.count;
				idx += 50)
			is_right = witness_read(&witness, idx);
		witness_log_out(&witness);
		atomic_fetch_add(&journal->read_only_logins, 1);
	}
	_exit(0);
}

static void start(struct round *round, uint64_t seed)
{
	for (int i = 0; i < OTHERS; i++)
		round->others[i] = others_start(round->journal,
			round->root_fd, seed + (uint64_t)i * 1000003);
	round->reader = round->plan->has_reader ? fork() : -1;
	if (round->reader == 0)
		read_for_ever(round->journal, round->root_fd);
}

/* When this returns, no other program does anything. */
static void stop_others(const struct round *round)
{
	int status;

	for (int i = 0; i < OTHERS; i++) {
		kill(round->others[i], SIGSTOP);
		waitpid(round->others[i], &status, WUNTRACED);
		if (!WIFSTOPPED(status))
			journal_fail(round->journal, "a program ended: %#x",
				(unsigned int)status);
	}
}

static void go_on(const struct round *round)
{
	for (int i = 0; i < OTHERS; i++)
		kill(round->others[i], SIGCONT);
}

static void end_process(const struct round *round, pid_t pid)
{
	int status;

	if (pid < 0)
		return;
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		journal_fail(round->journal, "a process ended with %#x",
			(unsigned int)status);
}

static void end_all(const struct round *round)
{
	atomic_store(&round->journal->is_over, true);
	for (int i = 0; i < OTHERS; i++)
		end_process(round, round->others[i]);
	end_process(round, round->reader);
}

/* --- sessions --- */

static bool update(struct round *round)
{
	bool is_right;

	audit_begin_quit(round->audit, &round->chance);
	(void)drop_store(&round->witness->drop);	/* a cache */
	stop_others(round);
	is_right = audit_end_quit(round->audit);
	go_on(round);
	return is_right;
}

static bool log_in(struct round *round)
{
	round->witness->is_long = chance_below(&round->chance, 2) == 0;
	round->totals->logins++;
	if (!witness_log_in(round->witness))
		return false;
	round->totals->believed += round->witness->was_believed;
	return true;
}

static bool read_some(struct round *round)
{
	struct witness *witness = round->witness;

	for (int i = 0; i < READS && witness->count > 0; i++)
		if (!witness_read(witness, chance_below(&round->chance,
				witness->count)))
			return false;
	return true;
}

static bool run_session(struct round *round)
{
	struct lock lock;
	bool is_right;

	if (lock_take(&lock, round->root_fd, "::1") < 0)
		return false;
	if (chance_below(&round->chance, 8) == 0)
		unlinkat(round->root_fd, "postern.index", 0);
	is_right = log_in(round) && read_some(round) &&
		(!round->plan->has_updates || update(round));
	witness_log_out(round->witness);
	lock_release(&lock);
	return is_right && !atomic_load(&round->journal->has_failed);
}

/* While nobody changes anything, the second login believes the index. */
static bool run_calm(struct round *round)
{
	bool is_right;

	stop_others(round);
	others_age(round->journal, round->root_fd);
	is_right = log_in(round) && read_some(round);
	witness_log_out(round->witness);
	if (is_right) {
		is_right = log_in(round) && round->witness->was_believed &&
			read_some(round) && audit_disk(round->audit);
		if (!round->witness->was_believed)
			journal_fail(round->journal, "%s", "no index");
		witness_log_out(round->witness);
	}
	go_on(round);
	return is_right;
}

static void run_sessions(struct round *round)
{
	bool is_right = true;

	for (int i = 0; is_right && i < SESSIONS; i++) {
		is_right = run_session(round);
		if (is_right && i % 8 == 7)
			is_right = run_calm(round);
	}
	if (!is_right)
		journal_fail(round->journal, "%s", "a session failed");
}

static int make_maildir(const struct fixture *fixture, unsigned int number)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%u", number);
	assert_int_equal(mkdirat(fixture->root_fd, name, 0700), 0);
	fd = openat(fixture->root_fd, name, O_RDONLY | O_DIRECTORY |
		O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(mkdirat(fd, "new", 0700), 0);
	assert_int_equal(mkdirat(fd, "cur", 0700), 0);
	return fd;
}

static void add_totals(struct round *round)
{
	struct totals *totals = round->totals;
	struct journal *journal = round->journal;

	totals->read_only += (unsigned int)atomic_load(
		&journal->read_only_logins);
	totals->operations += atomic_load(&journal->operations);
	totals->files += atomic_load(&journal->file_count);
}

static void run_round(struct round *round, uint64_t seed)
{
	char failure[sizeof(round->journal->failure)] = "";

	round->journal = journal_new();
	assert_non_null(round->journal);
	round->audit->journal = round->witness->journal = round->journal;
	round->witness->root_fd = round->root_fd;
	round->witness->may_write = true;
	round->chance = (struct chance){ seed };
	memset(round->audit->may_be_trashed, 0,
		sizeof(round->audit->may_be_trashed));
	assert_int_equal(others_begin(round->journal, round->root_fd,
		MESSAGES), 0);
	start(round, seed + 1);
	run_sessions(round);
	end_all(round);
	(void)audit_disk(round->audit);
	add_totals(round);
	if (atomic_load(&round->journal->has_failed))
		memcpy(failure, round->journal->failure, sizeof(failure));
	journal_free(round->journal);
	if (failure[0] != '\0')
		fail_msg("seed %llu: %s", (unsigned long long)seed, failure);
}

static uint64_t number_from(const char *variable, uint64_t usual)
{
	const char *text = getenv(variable);

	return text == NULL ? usual : strtoull(text, NULL, 10);
}

static void run_rounds(struct fixture *fixture, const struct plan *plan)
{
	struct totals totals = { .logins = 0 };
	struct round round = {
		.plan = plan, .totals = &totals,
		.audit = calloc(1, sizeof(struct audit)),
	};
	uint64_t seed = number_from("POSTERN_PROPERTY_SEED",
		(uint64_t)time(NULL) * 1000);
	uint64_t rounds = number_from("POSTERN_PROPERTY_ROUNDS", ROUNDS);

	assert_non_null(round.audit);
	round.witness = &round.audit->witness;
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned int i = 0; i < rounds; i++) {
		round.root_fd = make_maildir(fixture, i);
		run_round(&round, seed + i);
		close(round.root_fd);
	}
	print_message("%u logins (%u by the index), %u that read, %lu "
		"operations, %u files, %u removed, %u failed\n",
		totals.logins, totals.believed, totals.read_only,
		totals.operations, totals.files,
		round.audit->removed, round.audit->failed);
	free(round.audit);
}

static void logins(void **state)
{
	run_rounds(*state, &(const struct plan){ .has_reader = false });
}

static void sessions(void **state)
{
	run_rounds(*state, &(const struct plan){ .has_updates = true });
}

static void two_readers(void **state)
{
	run_rounds(*state, &(const struct plan){
		.has_updates = true, .has_reader = true,
	});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("every login lists each message once", logins),
		CASE("no session loses what nobody marked", sessions),
		CASE("a login that may only read is right at the same time",
			two_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
