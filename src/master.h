/*
 * master.h - the process that accepts, admits, hands over, forks and reaps
 */
#ifndef POSTERN_MASTER_H
#define POSTERN_MASTER_H

#include <stdint.h>

#include "listen.h"
#include "settings.h"

/* What the master is started with. */
struct master_start {
	struct settings *settings;	/* taken over */
	const char *config_path;	/* for a reload; NULL: the defaults */
	struct listeners listeners;	/* inherited ones, or none */
	int connection_fd;		/* -1,
	or the only connection to serve */
	uint32_t connection_section;	/* its listen section */
};

/*
 * Open the listeners unless some were inherited, and serve until told to stop:
 * SIGTERM lets sessions end, SIGINT or a second SIGTERM ends them, SIGHUP
 * reads the settings again.  With one connection, serve that and return.
 * Returns the exit status.
 */
int master_run(const struct master_start *start);

#endif
