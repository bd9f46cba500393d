/*
 * presence.h - what workers tell the master of their sessions, for posternctl
 *
 * A worker may lie, about its own session only: what it tells is shown and
 * counted, and decides nothing.
 */
#ifndef POSTERN_PRESENCE_H
#define POSTERN_PRESENCE_H

#include "master_state.h"

/*
 * Remember what the worker of a session that goes on has told.  Returns whether
 * it may say that, and so often.
 */
bool presence_note(struct master *master, struct pool_worker *worker,
	const struct wire_progress *progress);

/*
 * The session is over: count what was in it.  Its end becomes KICKED in
 * 'report' if that is why it was stopped.
 */
void presence_end(struct master *master, const struct pool_worker *worker,
	struct wire_session *report);

/* The session is over, and its worker told no more. */
void presence_lost(struct master *master, const struct pool_worker *worker);

#endif
