/*
 * arrivals.h - connections: accepted, admitted, handed to a worker
 */
#ifndef POSTERN_ARRIVALS_H
#define POSTERN_ARRIVALS_H

#include "master_state.h"

/*
 * Accept one connection of 'listener', if there is one, and hand it to an idle
 * worker, unless its address has too many sessions.
 */
void arrivals_accept(struct master *master, const struct listener *listener);

/* Hand over a connection that a supervisor accepted.  Takes 'client_fd'. */
void arrivals_take(struct master *master, int client_fd, uint32_t section);

#endif
