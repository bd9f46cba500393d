/*
 * departures.c - children that have ended
 *
 * Runs in: the master.  Exit codes are all that a keeper tells it.
 */
#include "config.h"

#include "departures.h"

#include <signal.h>
#include <sys/wait.h>

#include "guessers.h"
#include "keeper.h"
#include "log.h"
#include "presence.h"
#include "requests.h"
#include "session_log.h"
#include "worker.h"

/* Signals that a process brings on itself: an attack, or a bug of ours. */
static bool is_own_fault(int number)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
		SIGABRT, SIGSYS, SIGTRAP };

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (number == faults[i])
			return true;
	return false;
}

static void reap_worker(struct master *master, struct pool_worker *worker,
	int status)
{
	requests_finish(master, worker);
	if (WIFSIGNALED(status) && master->stop != STOP_NOW) {
		counters_add(&master->counters, COUNT_WORKERS_KILLED);
		log_error("worker %d killed by signal %d; ip=[%s]",
			(int)worker->pid, WTERMSIG(status),
			worker->has_client ? worker->client.address : "-");
		/* Others can kill it, too: that is not its client's doing. */
		if (worker->is_liar || is_own_fault(WTERMSIG(status)))
			master_punish(master, worker);
	} else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
		log_error("worker %d failed: exit status %d%s",
			(int)worker->pid, WEXITSTATUS(status),
			WEXITSTATUS(status) == WORKER_EXIT_NOT_CONFINED ?
			" (can't be confined)" : "");
		pool_throttle(&master->pool);
	}
	if (worker->has_client) {
		presence_lost(master, worker);
		session_log_lost(&worker->client);
		master_release_client(master, worker);
	}
	pool_remove(&master->pool, worker);
}

static void reap_keeper(struct master *master, const struct attempt *attempt,
	int status)
{
	bool is_denied = WIFEXITED(status) &&
		WEXITSTATUS(status) == KEEPER_EXIT_DENIED;
	bool is_lied_to = WIFEXITED(status) &&
		WEXITSTATUS(status) == KEEPER_EXIT_BAD_RECORD;

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		log_warning("a check took longer than login-timeout, or a "
			"mailbox longer than idle-timeout to open; ip=[%s]",
			attempt->address);
	else if (WIFSIGNALED(status) && master->stop == STOP_NOT)
		log_error("keeper %d killed by signal %d; ip=[%s]",
			(int)attempt->keeper_pid, WTERMSIG(status),
			attempt->address);
	if (is_lied_to)
		log_error("keeper %d got what a worker must not send; ip=[%s]",
			(int)attempt->keeper_pid, attempt->address);
	if (is_denied)
		counters_add(&master->counters, COUNT_LOGINS_DENIED);
	if ((is_denied || is_lied_to) && !attempt->has_failed)
		guessers_attempt_failed(master, attempt);
	if (attempt->holds_session)
		peers_leave(master->peers, &attempt->key);
	requests_keeper_ended(master, attempt->worker_pid);
}

/*
 * Without its signer a worker can make no handshake: have new ones, once there
 * is a new signer.
 */
static void reap_signer(struct master *master, int status)
{
	log_error("the signer ended (status %d)", status);
	generation_forget_signer(&master->generation);
	pool_set_stale(&master->pool);
}

void departures_reap(struct master *master)
{
	struct attempt attempt;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		/* What it has told comes before what its status tells. */
		guessers_hear(master);
		struct pool_worker *worker = pool_find(&master->pool, pid);
		if (worker != NULL)
			reap_worker(master, worker, status);
		else if (attempts_take(&master->attempts, pid, &attempt))
			reap_keeper(master, &attempt, status);
		else if (pid == master->generation.signer_pid)
			reap_signer(master, status);
	}
}
