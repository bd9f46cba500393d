/*
 * penalty.h - what a failed login costs, from the keeper that has seen it fail
 *
 * The keeper tells the master at once, by a pipe: a failure counts while its
 * wait goes on, and for the name, which only the keeper knows.  The pipe is
 * closed before a keeper becomes anybody's: all who can write are trusted.
 */
#ifndef POSTERN_PENALTY_H
#define POSTERN_PENALTY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "peers.h"

/*
 * How far failed logins by other addresses raise the wait of a name: whoever
 * owns it and mistypes must not wait for long.
 */
#define PENALTY_MOST_NAME_FAILURES 2

/* What the master gives to a keeper when it forks it. */
struct penalty {
	uint32_t first_ms;		/* 0: this client waits for nothing */
	uint32_t failures;		/* of its address */
	const struct peers *names;	/* failures by name, until now */
	int report_fd;
};

/* What a keeper tells the master. */
struct penalty_report {
	pid_t keeper_pid;
	struct peer_key name;		/* all 0: nobody's */
};

/*
 * Make the pipe.  Returns 0 and the ends to read and to write, or -1 with
 * errno.
 */
int penalty_make_pipe(int fds[2]);

/*
 * The login of this process as 'user' ("": not known) has failed: tell the
 * master.  The tag of a name is the same for capitals.
 * Returns how long the answer must wait, in milliseconds.
 */
uint32_t penalty_tell(const struct penalty *penalty, const char *user);

/* Read the next report, if there is one.  Never waits. */
bool penalty_hear(int fd, struct penalty_report *report);

/* Whether 'name' is the tag of nobody. */
bool penalty_is_nobody(const struct peer_key *name);

#endif
