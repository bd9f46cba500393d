/*
 * waiting.h - the descriptors that the master waits for
 */
#ifndef POSTERN_WAITING_H
#define POSTERN_WAITING_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "master_state.h"

/* Busy workers, listeners, then the door.  All zero to begin with. */
struct waiting {
	struct pollfd *all;
	struct pool_worker **workers;	/* in the order of 'all' */
	size_t worker_count, listener_end, count, room;
};

/*
 * Collect what there is to wait for now.  Without an idle worker connections
 * wait in the listeners' backlogs.  Returns 0, or -1 with errno ENOMEM.
 */
int waiting_gather(struct waiting *waiting, struct master *master);

/*
 * Wait until a descriptor is ready, a signal came, or 'wake_up_ms' has passed.
 * 'unblocked' is the signal mask meanwhile.  Returns whether a descriptor is
 * ready.
 */
bool waiting_wait(struct waiting *waiting, int64_t wake_up_ms,
	const sigset_t *unblocked);

/* Serve the descriptors that are ready. */
void waiting_serve(const struct waiting *waiting, struct master *master);

/* Forget all that was collected. */
void waiting_free(struct waiting *waiting);

#endif
