/*
 * master_state.h - what the files of the master share; for nobody else
 *
 * master.c waits and decides, arrivals.c takes connections, requests.c answers
 * workers, departures.c reaps children.
 */
#ifndef POSTERN_MASTER_STATE_H
#define POSTERN_MASTER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "attempts.h"
#include "counters.h"
#include "door.h"
#include "generation.h"
#include "listen.h"
#include "peers.h"
#include "pool.h"
#include "renewal.h"
#include "upgrade.h"
#include "wire.h"

enum stop { STOP_NOT, STOP_DRAIN, STOP_NOW };

struct master {
	struct generation generation;
	struct listeners listeners;
	struct pool pool;
	struct attempts attempts;
	struct renewal renewal;
	struct upgrade upgrade;
	struct peers *peers;		/* by address */
	struct peers *names;		/* failures by the tag of a user */
	int reports[2];			/* from keepers; see penalty.h */
	int root_fd;			/* an empty directory */
	int gate_fd;			/* see gate.h */
	uint32_t keeper_count;		/* forked so far */
	int64_t accept_after_ms;	/* when descriptors ran out */
	int64_t refusal_logged_ms;	/* the last time */
	uint32_t refusal_count;		/* since then, without a line */
	enum stop stop;
	struct counters counters;
	struct door door;		/* for posternctl, as those below */
	int64_t started_s, settings_since_s;
	uint32_t settings_read;		/* how often, with the start */
};

/*
 * A worker was taken over, or is broken: raise the penalty of its client, and
 * wait before the next fork.
 */
void master_punish(struct master *master, const struct pool_worker *worker);

/* The session of 'worker' is over: its address may open another one. */
void master_release_client(struct master *master,
	const struct pool_worker *worker);

#endif
