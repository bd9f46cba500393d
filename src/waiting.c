/*
 * waiting.c - the descriptors that the master waits for
 *
 * Runs in: the master, the only process that waits for more than one thing
 * (but for the signer).
 */
#include "config.h"

#include "waiting.h"

#include <stdlib.h>
#include <time.h>

#include "arrivals.h"
#include "control.h"
#include "deadline.h"
#include "departures.h"
#include "requests.h"

static int make_room(struct waiting *waiting, size_t count)
{
	if (count <= waiting->room)
		return 0;

	struct pollfd *all = realloc(waiting->all, count * sizeof(*all));
	if (all != NULL)
		waiting->all = all;
	struct pool_worker **workers = realloc(waiting->workers,
		count * sizeof(*workers));
	if (workers != NULL)
		waiting->workers = workers;
	if (all == NULL || workers == NULL)
		return -1;
	waiting->room = count;
	return 0;
}

static void wait_for_fd(struct waiting *waiting, int fd)
{
	waiting->all[waiting->count++] =
		(struct pollfd){ .fd = fd, .events = POLLIN };
}

/* Without an idle worker, connections wait in the listeners' backlogs. */
int waiting_gather(struct waiting *waiting, struct master *master)
{
	struct pool *pool = &master->pool;

	if (make_room(waiting, pool->room + master->listeners.count +
			DOOR_PEERS + 1) < 0)
		return -1;
	waiting->count = 0;
	for (size_t i = 0; i < pool->room; i++)
		if (pool->workers[i].state == POOL_BUSY) {
			waiting->workers[waiting->count] = &pool->workers[i];
			wait_for_fd(waiting, pool->workers[i].fd);
		}
	waiting->worker_count = waiting->count;
	if (pool->idle_count > 0 &&
			deadline_has_passed(master->accept_after_ms))
		for (size_t i = 0; i < master->listeners.count; i++)
			wait_for_fd(waiting, master->listeners.all[i].fd);
	waiting->listener_end = waiting->count;
	waiting->count += door_gather(&master->door,
		waiting->all + waiting->count);
	return 0;
}

/*
 * ppoll lets no signal in when a descriptor is ready at once, and with clients
 * always waiting one always is.
 */
static void let_signals_in(const sigset_t *unblocked)
{
	sigset_t blocked;

	(void)sigprocmask(SIG_SETMASK, unblocked, &blocked);
	(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

bool waiting_wait(struct waiting *waiting, int64_t wake_up_ms,
	const sigset_t *unblocked)
{
	int left_ms = deadline_poll_ms(wake_up_ms);
	struct timespec left = {
		.tv_sec = left_ms / 1000,
		.tv_nsec = left_ms % 1000 * 1000000L,
	};

	bool is_ready = ppoll(waiting->all, (nfds_t)waiting->count,
		left_ms < 0 ? NULL : &left, unblocked) > 0;
	if (is_ready)
		let_signals_in(unblocked);
	return is_ready;
}

static void serve_workers(const struct waiting *waiting, struct master *master)
{
	for (size_t i = 0; i < waiting->worker_count; i++)
		if (waiting->all[i].revents != 0)
			requests_serve(master, waiting->workers[i]);
}

static void serve_listeners(const struct waiting *waiting,
	struct master *master)
{
	for (size_t i = waiting->worker_count; i < waiting->listener_end; i++)
		if (waiting->all[i].revents != 0)
			arrivals_accept(master, &master->listeners.all[
				i - waiting->worker_count]);
}

/* Last: mail goes first. */
static void serve_door(const struct waiting *waiting, struct master *master)
{
	for (size_t i = waiting->listener_end; i < waiting->count; i++)
		control_serve(master, &waiting->all[i]);
}

static void serve_arrivals(const struct waiting *waiting,
	struct master *master)
{
	if (waiting->listener_end == waiting->worker_count)
		return;
	/* No connection shall be handed to a worker that is dead. */
	departures_reap(master);
	/* Nor to one that would offer what can't be had any more. */
	if (generation_renew_abilities(&master->generation))
		pool_set_stale(&master->pool);
	serve_listeners(waiting, master);
}

void waiting_serve(const struct waiting *waiting, struct master *master)
{
	serve_workers(waiting, master);
	serve_arrivals(waiting, master);
	serve_door(waiting, master);
}

void waiting_free(struct waiting *waiting)
{
	free(waiting->all);
	free(waiting->workers);
}
