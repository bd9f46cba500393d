/*
 * attempts.h - the keepers that the master has forked and not yet reaped
 */
#ifndef POSTERN_ATTEMPTS_H
#define POSTERN_ATTEMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "peers.h"

struct attempt {
	pid_t keeper_pid;
	pid_t worker_pid;
	struct peer_key key;
	bool is_trusted;
	bool has_failed;	/* and that was counted */
	char address[64];
	bool holds_session;	/* the address's session counts until it ends */
	int64_t kill_at_ms;	/* when it should long have ended */
};

/* In no order. */
struct attempts {
	struct attempt *all;
	size_t count, room;
};

/* Make room for one more.  Returns 0, or -1 with errno ENOMEM. */
int attempts_reserve(struct attempts *attempts);

/* Remember an attempt; room was made for it. */
void attempts_add(struct attempts *attempts, const struct attempt *attempt);

/*
 * The session of 'worker_pid' is over.  If one of its keepers still waits out a
 * penalty, let that hold the session's place and return true.  It is killed if
 * it outlives the longest penalty: the mail user may have stopped it.
 */
bool attempts_hold(struct attempts *attempts, pid_t worker_pid);

/* The next time at which attempts_kill_overdue() has something to do. */
int64_t attempts_overdue_ms(const struct attempts *attempts);

/* Kill the keepers that should have ended by now. */
void attempts_kill_overdue(struct attempts *attempts);

/* Whether a keeper of 'worker_pid's session has not ended yet. */
bool attempts_has(const struct attempts *attempts, pid_t worker_pid);

/* The attempt of 'keeper_pid', or NULL. */
struct attempt *attempts_find(struct attempts *attempts, pid_t keeper_pid);

/* Take out the attempt of 'keeper_pid'.  Returns whether there was one. */
bool attempts_take(struct attempts *attempts, pid_t keeper_pid,
	struct attempt *attempt);

/* We are stopping: end the keepers that do nothing but wait out a penalty. */
void attempts_hurry(const struct attempts *attempts);

/* We are stopping now: a keeper that removes mail gets this much time. */
void attempts_limit(struct attempts *attempts, uint32_t most_ms);

/* Forget all of them. */
void attempts_free(struct attempts *attempts);

#endif
