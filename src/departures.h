/*
 * departures.h - children that have ended
 */
#ifndef POSTERN_DEPARTURES_H
#define POSTERN_DEPARTURES_H

#include "master_state.h"

/*
 * Reap every child that has ended: count failed logins by the keepers' exit
 * codes, log what should not have happened, replace the signer.
 */
void departures_reap(struct master *master);

#endif
