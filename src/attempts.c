/*
 * attempts.c - the keepers that the master has forked and not yet reaped
 *
 * Runs in: the master.
 */
#include "config.h"

#include "attempts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

int attempts_reserve(struct attempts *attempts)
{
	if (attempts->count < attempts->room)
		return 0;

	size_t room = attempts->room * 2 + 16;
	struct attempt *all = realloc(attempts->all, room * sizeof(*all));
	if (all == NULL)
		return -1;
	attempts->all = all;
	attempts->room = room;
	return 0;
}

void attempts_add(struct attempts *attempts, const struct attempt *attempt)
{
	attempts->all[attempts->count++] = *attempt;
}

bool attempts_hold(struct attempts *attempts, pid_t worker_pid)
{
	for (size_t i = 0; i < attempts->count; i++) {
		struct attempt *attempt = &attempts->all[i];
		if (attempt->worker_pid == worker_pid &&
				!attempt->holds_session) {
			attempt->holds_session = true;
			return true;
		}
	}
	return false;
}

bool attempts_has(const struct attempts *attempts, pid_t worker_pid)
{
	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->all[i].worker_pid == worker_pid)
			return true;
	return false;
}

uint32_t attempts_waiting(const struct attempts *attempts,
	const struct peer_key *key)
{
	uint32_t count = 0;

	for (size_t i = 0; i < attempts->count; i++)
		count += attempts->all[i].holds_session &&
			memcmp(&attempts->all[i].key, key, sizeof(*key)) == 0;
	return count;
}

bool attempts_take(struct attempts *attempts, pid_t keeper_pid,
	struct attempt *attempt)
{
	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->all[i].keeper_pid == keeper_pid) {
			*attempt = attempts->all[i];
			attempts->all[i] = attempts->all[--attempts->count];
			return true;
		}
	return false;
}

void attempts_hurry(const struct attempts *attempts)
{
	/* All others ignore it. */
	for (size_t i = 0; i < attempts->count; i++)
		(void)kill(attempts->all[i].keeper_pid, SIGTERM);
}

void attempts_free(struct attempts *attempts)
{
	free(attempts->all);
	*attempts = (struct attempts){ .count = 0 };
}
