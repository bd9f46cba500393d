/*
 * requests.c - what workers tell the master, and ask of it
 *
 * Runs in: the master.  Distrusts: every field of a worker's record.
 */
#include "config.h"

#include "requests.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "admission.h"
#include "child.h"
#include "deadline.h"
#include "guessers.h"
#include "keeper.h"
#include "log.h"
#include "presence.h"
#include "session_log.h"
#include "wire.h"

/*
 * Logins a session may try beyond 'auth.attempts': with the right password, but
 * the maildrop was in use.
 */
#define OTHER_LOGINS 8

/* What a worker may have sent before it ended: more than a socket takes. */
#define LAST_RECORDS 512

static void kill_liar(struct master *master, struct pool_worker *worker)
{
	log_error("worker %d sent what it must not: killed; ip=[%s]",
		(int)worker->pid, worker->client.address);
	(void)kill(worker->pid, SIGKILL);
	/* It is punished when it is reaped; nothing more of it is read. */
	worker->is_liar = true;
	pool_retire(&master->pool, worker);
}

static _Noreturn void become_keeper(const struct master *master,
	const struct pool_worker *worker, int worker_fd)
{
	struct keeper keeper = {
		.settings = master->generation.settings,
		.rules = worker->client.rules,
		.listener = worker->client.listener,
		.asks_certificate = worker->client.asks_certificate,
		.port = worker->client.port,
		.local_port = worker->client.local_port,
		.penalty = guessers_penalty(master, &worker->client),
		.worker_fd = worker_fd,
		.gate_fd = master->gate_fd,
		.sandbox = master->generation.sandbox,
		.number = master->keeper_count,
	};

	memcpy(keeper.address, worker->client.address,
		sizeof(keeper.address));
	memcpy(keeper.local_address, worker->client.local_address,
		sizeof(keeper.local_address));
	if (master->generation.tls_context != NULL)
		tls_context_wipe(master->generation.tls_context);
	keeper_run(&keeper);
}

/* Fork a keeper for 'worker'.  Returns the worker's end, or -1 with errno. */
static int fork_keeper(struct master *master, struct pool_worker *worker)
{
	int pair[2];

	if (attempts_reserve(&master->attempts) < 0 || wire_pair(pair) < 0)
		return -1;
	int kept[] = { pair[1], master->gate_fd, master->reports[1] };
	master->keeper_count++;
	pid_t pid = child_fork(kept, sizeof(kept) / sizeof(kept[0]));
	if (pid == 0)
		become_keeper(master, worker, pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -1;
	}
	struct attempt attempt = {
		.keeper_pid = pid, .worker_pid = worker->pid,
		.key = worker->client.key, .kill_at_ms = DEADLINE_NEVER,
		.is_trusted = worker->client.is_trusted,
	};
	memcpy(attempt.address, worker->client.address,
		sizeof(attempt.address));
	attempts_add(&master->attempts, &attempt);
	return pair[0];
}

/* One line a session, for who bans addresses; fail2ban has our filter. */
static void log_refusal(struct pool_client *client)
{
	if (!client->is_refusal_logged)
		log_info("LOGIN REFUSED, too many failures, ip=[%s], "
			"listener=%s", client->address, client->listener);
	client->is_refusal_logged = true;
}

/* At most so many logins a session, and so many keepers in all. */
static void give_keeper(struct master *master, struct pool_worker *worker)
{
	uint32_t most = master->generation.settings->pool.max;
	struct wire_keeper answer = { .kind = WIRE_KEEPER };
	int keeper_fd = -1;

	guessers_hear(master);
	if (worker->client.logins >=
			worker->client.rules.attempts + OTHER_LOGINS)
		answer.error = EPERM;
	else if (guessers_is_refused(master, &worker->client)) {
		answer.error = EPERM;
		counters_add(&master->counters, COUNT_REFUSED_FAILURES);
		log_refusal(&worker->client);
	} else if (master->attempts.count >= (size_t)most * 2)
		answer.error = EAGAIN;
	else
		keeper_fd = fork_keeper(master, worker);
	if (answer.error == 0 && keeper_fd < 0) {
		log_error("can't fork a keeper: %s", strerror(errno));
		answer.error = EAGAIN;
	}
	if (answer.error == EAGAIN)
		counters_add(&master->counters, COUNT_REFUSED_BUSY);
	worker->client.logins++;
	/* A worker that is gone is noticed when it is reaped. */
	(void)wire_send(worker->fd, &answer, sizeof(answer), keeper_fd);
	if (keeper_fd >= 0)
		close(keeper_fd);
}

/*
 * KEEPER: one at a time.  The last one has answered, or its worker would not
 * ask again, and ends soon.
 */
static void answer_keeper(struct master *master, struct pool_worker *worker)
{
	if (attempts_has(&master->attempts, worker->pid))
		worker->client.wants_keeper = true;
	else
		give_keeper(master, worker);
}

/* PEER: one that is refused has nothing more to say. */
static void answer_peer(struct master *master, struct pool_worker *worker,
	const struct wire_peer *peer)
{
	struct wire_admitted answer;

	if (admission_introduce(master, &worker->client, peer, &answer) < 0)
		kill_liar(master, worker);
	else
		/* A worker that is gone is noticed when it is reaped. */
		(void)wire_send(worker->fd, &answer, sizeof(answer), -1);
}

static void end_session(struct master *master, struct pool_worker *worker,
	struct wire_session *report)
{
	presence_end(master, worker, report);
	/* Who was refused has had its line. */
	if (worker->client.is_counted || worker->client.awaits_peer ||
			worker->client.is_proxy)
		session_log(&worker->client, report);
	if (report->end == WIRE_END_EARLY_TALKER) {
		guessers_failed(master, &worker->client);
		log_info("EARLY TALKER, ip=[%s], listener=%s",
			worker->client.address, worker->client.listener);
	}
	master_release_client(master, worker);
	pool_set_done(&master->pool, worker);
}

/* What a busy worker may say. */
union record {
	uint32_t kind;
	struct wire_plain plain;
	struct wire_peer peer;
	struct wire_session session;
	struct wire_progress progress;
};

void requests_serve(struct master *master, struct pool_worker *worker)
{
	union record record;
	ssize_t bytes = wire_receive_any(worker->fd, &record, sizeof(record));

	if (bytes == sizeof(record.plain) && record.kind == WIRE_KEEPER &&
			worker->client.is_counted)
		answer_keeper(master, worker);
	else if (bytes == sizeof(record.peer) && record.kind == WIRE_PEER)
		answer_peer(master, worker, &record.peer);
	else if (bytes == sizeof(record.session) &&
			record.kind == WIRE_SESSION)
		end_session(master, worker, &record.session);
	else if (bytes == sizeof(record.progress) &&
			record.kind == WIRE_PROGRESS &&
			presence_note(master, worker, &record.progress))
		return;
	else if (bytes >= 0 || errno == EBADMSG)
		kill_liar(master, worker);
	else if (errno == EPIPE)
		pool_retire(&master->pool, worker);
}

void requests_keeper_ended(struct master *master, pid_t worker_pid)
{
	struct pool_worker *worker = pool_find(&master->pool, worker_pid);

	if (worker == NULL || !worker->has_client ||
			!worker->client.wants_keeper)
		return;
	worker->client.wants_keeper = false;
	give_keeper(master, worker);
}

void requests_finish(struct master *master, struct pool_worker *worker)
{
	union record record;

	/* Others may have its socket and go on sending: read a few only. */
	for (int i = 0; i < LAST_RECORDS && worker->has_client &&
			worker->fd >= 0; i++) {
		ssize_t bytes = wire_receive_any(worker->fd, &record,
			sizeof(record));
		if (bytes < 0)
			return;
		if (bytes == sizeof(record.session) &&
				record.kind == WIRE_SESSION)
			end_session(master, worker, &record.session);
		else if (bytes == sizeof(record.progress) &&
				record.kind == WIRE_PROGRESS)
			/* It has ended: nothing is left to be done to it. */
			(void)presence_note(master, worker, &record.progress);
	}
}
