/*
 * progress.h - what a worker tells the master of a session that goes on
 *
 * For posternctl: the master knows nothing else of it.  A record here and there
 * costs less than memory that all processes share would cost in doubt, and the
 * worker needs no call for it that it does not need anyway.
 */
#ifndef POSTERN_PROGRESS_H
#define POSTERN_PROGRESS_H

#include "pop3.h"

/* The session is in 'state' now. */
void progress_tell(struct session *session, enum wire_state state);

/* After the login: tell from time to time how many octets were sent, too. */
void progress_measure(struct session *session);

#endif
