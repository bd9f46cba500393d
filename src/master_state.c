/*
 * master_state.c - what the files of the master share
 *
 * Runs in: the master.
 */
#include "config.h"

#include "master_state.h"

#include "guessers.h"

void master_punish(struct master *master, const struct pool_worker *worker)
{
	if (worker->has_client)
		guessers_failed(master, &worker->client);
	pool_throttle(&master->pool);
}

void master_release_client(struct master *master,
	const struct pool_worker *worker)
{
	if (!worker->client.is_counted)
		return;
	/* A keeper that waits out a penalty keeps the place until it ends. */
	if (!attempts_hold(&master->attempts, worker->pid))
		peers_leave(master->peers, &worker->client.key);
}
