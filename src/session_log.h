/*
 * session_log.h - one line per session
 */
#ifndef POSTERN_SESSION_LOG_H
#define POSTERN_SESSION_LOG_H

#include <stdbool.h>

#include "pool.h"
#include "wire.h"

/*
 * Log how the session of 'client' went.  Every field of 'report' was sent by a
 * worker, so none is believed to be terminated, in range or harmless.
 */
void session_log(const struct pool_client *client,
	const struct wire_session *report);

/* Log a session whose worker ended without a report. */
void session_log_lost(const struct pool_client *client);

#endif
