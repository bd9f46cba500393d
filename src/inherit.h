/*
 * inherit.h - sockets that a supervisor passed: systemd, inetd and their like
 */
#ifndef POSTERN_INHERIT_H
#define POSTERN_INHERIT_H

#include <stdbool.h>

#include "listen.h"
#include "settings.h"

/*
 * How many descriptors from 3 on systemd passed to this very process; removes
 * what says so from the environment.
 *
 * names: set to memory that the caller frees, with their names separated by
 * colons; or to NULL.  See sd_listen_fds(3).
 */
int inherit_count(char **names);

/*
 * Take 'count' listening sockets from descriptor 3 on, whose names are 'names'.
 *
 * connection_fd: set if what was passed is an accepted connection instead, else
 * left as it is.  Returns 0, or -1, logged.
 */
int inherit_listeners(struct listeners *listeners,
	const struct settings *settings, int count, const char *names,
	int *connection_fd);

/* Whether standard input is a TCP connection, as inetd leaves it. */
bool inherit_is_inetd(void);

/*
 * Move the connection from standard input to a descriptor of its own, and let
 * standard input, output and (if it leads to the client, too) error lead
 * nowhere.  Returns that descriptor, or -1 with errno.
 */
int inherit_connection(void);

#endif
