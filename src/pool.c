/*
 * pool.c - the workers: how many, which are idle, when to fork
 *
 * Runs in: the master.
 */
#include "config.h"

#include "pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "deadline.h"
#include "log.h"
#include "wire.h"
#include "worker.h"

#define FIRST_BACKOFF_MS 100
#define LONGEST_BACKOFF_MS 10000

/* How long a worker may take to end when it has nothing more to do. */
#define PATIENCE_MS 5000

/* A free place, of which there are more if need be. */
static struct pool_worker *free_place(struct pool *pool)
{
	for (size_t i = 0; i < pool->room; i++)
		if (pool->workers[i].state == POOL_FREE)
			return &pool->workers[i];

	size_t room = pool->room * 2 + 16;
	struct pool_worker *workers = realloc(pool->workers,
		room * sizeof(*workers));
	if (workers == NULL)
		return NULL;
	memset(workers + pool->room, 0,
		(room - pool->room) * sizeof(*workers));
	struct pool_worker *place = &workers[pool->room];
	pool->workers = workers;
	pool->room = room;
	return place;
}

/* Give the signer its end of a new pair.  Returns the worker's, or -1. */
static int connect_signer(const struct generation *generation)
{
	struct wire_plain record = { .kind = WIRE_SIGNER };
	int fds[2];

	if (wire_pair(fds) < 0)
		return -1;
	int status = wire_send(generation->signer_fd, &record, sizeof(record),
		fds[1]);
	close(fds[1]);
	if (status == 0)
		return fds[0];
	close(fds[0]);
	return -1;
}

static _Noreturn void become_worker(const struct generation *generation,
	const int fds[3])
{
	struct worker worker = {
		.settings = generation->settings,
		.tls_context = generation->tls_context,
		.master_fd = fds[0],
		.signer_fd = fds[1],
		.root_fd = fds[2],
		.identity = generation_worker_identity(generation),
		.sandbox = generation->sandbox,
		.abilities = generation->abilities,
	};

	child_close_stdio();
	worker_run(&worker);
}

/* Fork a worker that gets 'fds': its socket, its signer's, the root. */
static pid_t fork_worker(const struct generation *generation,
	const int fds[3])
{
	pid_t pid = child_fork(fds, 3);

	if (pid == 0)
		become_worker(generation, fds);
	return pid;
}

static int add_worker(struct pool *pool, const struct generation *generation,
	int root_fd)
{
	struct pool_worker *place = free_place(pool);
	int pair[2], signer_fd = -1;
	pid_t pid = -1;

	if (place == NULL || wire_pair(pair) < 0)
		return -1;
	if (generation->tls_context != NULL)
		signer_fd = connect_signer(generation);
	if (generation->tls_context == NULL || signer_fd >= 0) {
		int fds[] = { pair[1], signer_fd, root_fd };
		pid = fork_worker(generation, fds);
	}
	close(pair[1]);
	if (signer_fd >= 0)
		close(signer_fd);
	if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		close(pair[0]);
		return -1;
	}
	*place = (struct pool_worker){
		.state = POOL_IDLE, .pid = pid, .fd = pair[0],
		.kill_at_ms = DEADLINE_NEVER,
		.sessions_left =
			generation->settings->pool.sessions_per_worker,
	};
	pool->idle_count++;
	pool->count++;
	return 0;
}

void pool_fill(struct pool *pool, struct generation *generation, int root_fd)
{
	const struct pool_settings *settings = &generation->settings->pool;

	while (pool->idle_count < settings->spare &&
			pool->count < settings->max &&
			deadline_now_ms() >= pool->not_before_ms) {
		if (add_worker(pool, generation, root_fd) == 0)
			continue;
		log_error("can't fork a worker: %s", strerror(errno));
		pool_throttle(pool);
	}
}

void pool_retire_surplus(struct pool *pool, uint32_t spare)
{
	if (pool->idle_count <= spare)
		return;

	uint32_t surplus = (pool->idle_count - spare + 1) / 2;
	/* From the back: those in front are handed out first. */
	for (size_t i = pool->room; i-- > 0 && surplus > 0; )
		if (pool->workers[i].state == POOL_IDLE) {
			pool_retire(pool, &pool->workers[i]);
			surplus--;
		}
}

struct pool_worker *pool_idle(struct pool *pool)
{
	for (size_t i = 0; pool->idle_count > 0 && i < pool->room; i++)
		if (pool->workers[i].state == POOL_IDLE)
			return &pool->workers[i];
	return NULL;
}

struct pool_worker *pool_find(struct pool *pool, pid_t pid)
{
	for (size_t i = 0; i < pool->room; i++)
		if (pool->workers[i].state != POOL_FREE &&
				pool->workers[i].pid == pid)
			return &pool->workers[i];
	return NULL;
}

void pool_set_busy(struct pool *pool, struct pool_worker *worker,
	const struct pool_client *client)
{
	worker->state = POOL_BUSY;
	worker->has_client = true;
	worker->client = *client;
	worker->sessions_left--;
	pool->idle_count--;
}

void pool_set_done(struct pool *pool, struct pool_worker *worker)
{
	worker->has_client = false;
	worker->state = POOL_IDLE;
	pool->idle_count++;
	pool->backoff_ms = 0;
	if (worker->is_stale || worker->sessions_left == 0)
		pool_retire(pool, worker);
}

void pool_set_stale(struct pool *pool)
{
	for (size_t i = 0; i < pool->room; i++) {
		struct pool_worker *worker = &pool->workers[i];
		worker->is_stale = true;
		if (worker->state == POOL_IDLE)
			pool_retire(pool, worker);
	}
}

void pool_stop(struct pool *pool)
{
	int64_t kill_at_ms = deadline_now_ms() + PATIENCE_MS;

	for (size_t i = 0; i < pool->room; i++) {
		struct pool_worker *worker = &pool->workers[i];
		if (worker->state == POOL_FREE)
			continue;
		(void)kill(worker->pid, SIGTERM);
		worker->kill_at_ms = kill_at_ms;
	}
}

void pool_kick(struct pool_worker *worker)
{
	(void)kill(worker->pid, SIGTERM);
	worker->is_kicked = true;
	/* It ends: no other client may be given to it. */
	worker->is_stale = true;
	if (worker->kill_at_ms == DEADLINE_NEVER)
		worker->kill_at_ms = deadline_now_ms() + PATIENCE_MS;
}

int64_t pool_overdue_ms(const struct pool *pool)
{
	int64_t next_ms = DEADLINE_NEVER;

	for (size_t i = 0; i < pool->room; i++) {
		const struct pool_worker *worker = &pool->workers[i];
		if (worker->state != POOL_FREE && worker->kill_at_ms < next_ms)
			next_ms = worker->kill_at_ms;
	}
	return next_ms;
}

void pool_kill_overdue(struct pool *pool)
{
	for (size_t i = 0; i < pool->room; i++) {
		struct pool_worker *worker = &pool->workers[i];
		if (worker->state == POOL_FREE ||
				!deadline_has_passed(worker->kill_at_ms))
			continue;
		log_error("worker %d does not end: killed", (int)worker->pid);
		(void)kill(worker->pid, SIGKILL);
		worker->kill_at_ms = DEADLINE_NEVER;
	}
}

void pool_retire(struct pool *pool, struct pool_worker *worker)
{
	if (worker->state == POOL_IDLE)
		pool->idle_count--;
	if (worker->state != POOL_ENDING)
		worker->kill_at_ms = deadline_now_ms() + PATIENCE_MS;
	worker->state = POOL_ENDING;
	if (worker->fd >= 0)
		close(worker->fd);
	worker->fd = -1;
}

void pool_remove(struct pool *pool, struct pool_worker *worker)
{
	pool_retire(pool, worker);
	memset(worker, 0, sizeof(*worker));
	pool->count--;
}

void pool_throttle(struct pool *pool)
{
	pool->backoff_ms = pool->backoff_ms == 0 ? FIRST_BACKOFF_MS :
		pool->backoff_ms * 2;
	if (pool->backoff_ms > LONGEST_BACKOFF_MS)
		pool->backoff_ms = LONGEST_BACKOFF_MS;
	pool->not_before_ms = deadline_now_ms() + pool->backoff_ms;
}

void pool_free(struct pool *pool)
{
	for (size_t i = 0; i < pool->room; i++)
		if (pool->workers[i].fd > 0)
			close(pool->workers[i].fd);
	free(pool->workers);
	*pool = (struct pool){ .room = 0 };
}
