/*
 * inherit.h - sockets that a supervisor passed: systemd, inetd and their like
 */
#ifndef POSTERN_INHERIT_H
#define POSTERN_INHERIT_H

#include <stdbool.h>

#include "listen.h"
#include "settings.h"

/* sd_listen_fds(3): the first descriptor that is passed. */
#define INHERIT_FIRST_FD 3

/* More sockets than anybody has listeners. */
#define INHERIT_MOST 256

/*
 * How many descriptors from 3 on systemd passed to this very process; removes
 * what says so from the environment.  A predecessor may have (upgrade.h).
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

/*
 * In a child that is about to become another program: say in the environment
 * that 'count' sockets are passed, with 'names' as above.  is_ours: they were
 * opened by the settings, so the settings may close them.
 */
void inherit_pass_on(int count, const char *names, bool is_ours);

/* Whether standard input is a TCP connection, as inetd leaves it. */
bool inherit_is_inetd(void);

/*
 * Move the connection from standard input to a descriptor of its own, and let
 * standard input, output and (if it leads to the client, too) error lead
 * nowhere.  Returns that descriptor, or -1 with errno.
 */
int inherit_connection(void);

#endif
