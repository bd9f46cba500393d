/*
 * auth_child.h - run one checkpassword program and hear what it became
 */
#ifndef POSTERN_AUTH_CHILD_H
#define POSTERN_AUTH_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "auth.h"

/* "login\0password\0timestamp\0", as checkpassword(8) bounds it. */
#define CHILD_REQUEST_OCTETS 512

struct child {
	pid_t pid;
	int reply_fd;		/* our end of its descriptor 4 */
	int pid_fd;		/* -1 on kernels before 5.3 */
};

/* What postern-reply said, and who it was, as the kernel vouches. */
struct child_reply {
	uid_t uid;
	gid_t gid;
	char user[AUTH_NAME_OCTETS + 1];
	char home[AUTH_PATH_BYTES];
};

/*
 * Start 'argv' with 'input_fd', which is closed, as its descriptor 3, and with
 * only the environment 'envp'.  Returns 0, or -1 with errno.  On success,
 * child_wait() must be called.
 */
int child_start(struct child *child, char *const argv[], char *const envp[],
	int input_fd);

/*
 * Wait for one reply.  Returns true, or false if the program ended, or
 * 'deadline_ms' passed, without one that can be understood.
 */
bool child_reply(const struct child *child, int64_t deadline_ms,
	struct child_reply *reply);

/* The same for a reply that is a user's name, and a LF or not. */
bool child_name(const struct child *child, int64_t deadline_ms,
	char name[AUTH_NAME_OCTETS + 1]);

/*
 * Wait for the end; after 'deadline_ms' kill the program and what it started.
 * Returns what waitpid(2) calls its status, or -1 if it was killed so.
 */
int child_wait(struct child *child, int64_t deadline_ms);

#endif
