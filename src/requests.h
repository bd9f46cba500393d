/*
 * requests.h - what workers tell the master, and ask of it
 */
#ifndef POSTERN_REQUESTS_H
#define POSTERN_REQUESTS_H

#include "master_state.h"

/*
 * Read one record of the busy worker 'worker' and do what it asks: fork a
 * keeper, or write the log line of a session that is over.  A worker that
 * breaks the rules is killed.
 */
void requests_serve(struct master *master, struct pool_worker *worker);

/* A keeper of 'worker_pid' has ended; the worker may wait for another one. */
void requests_keeper_ended(struct master *master, pid_t worker_pid);

/*
 * The worker 'worker' has ended: read what it may have said of its session
 * before that.
 */
void requests_finish(struct master *master, struct pool_worker *worker);

#endif
