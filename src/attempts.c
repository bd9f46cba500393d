/*
 * attempts.c - the keepers that the master has forked and not yet reaped
 *
 * Runs in: the master.
 */
#include "config.h"

#include "attempts.h"

#include <signal.h>
#include <stdlib.h>

#include "deadline.h"
#include "log.h"

/* How long a keeper may take to end when it has nothing more to do. */
#define PATIENCE_MS 5000

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
			attempt->kill_at_ms = deadline_now_ms() +
				PEERS_LONGEST_DELAY_MS + PATIENCE_MS;
			return true;
		}
	}
	return false;
}

int64_t attempts_overdue_ms(const struct attempts *attempts)
{
	int64_t next_ms = DEADLINE_NEVER;

	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->all[i].kill_at_ms < next_ms)
			next_ms = attempts->all[i].kill_at_ms;
	return next_ms;
}

void attempts_kill_overdue(struct attempts *attempts)
{
	for (size_t i = 0; i < attempts->count; i++) {
		struct attempt *attempt = &attempts->all[i];
		if (!deadline_has_passed(attempt->kill_at_ms))
			continue;
		log_error("keeper %d does not end: killed; ip=[%s]",
			(int)attempt->keeper_pid, attempt->address);
		(void)kill(attempt->keeper_pid, SIGKILL);
		attempt->kill_at_ms = DEADLINE_NEVER;
	}
}

bool attempts_has(const struct attempts *attempts, pid_t worker_pid)
{
	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->all[i].worker_pid == worker_pid &&
				!attempts->all[i].holds_session)
			return true;
	return false;
}

struct attempt *attempts_find(struct attempts *attempts, pid_t keeper_pid)
{
	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->all[i].keeper_pid == keeper_pid)
			return &attempts->all[i];
	return NULL;
}

bool attempts_take(struct attempts *attempts, pid_t keeper_pid,
	struct attempt *attempt)
{
	struct attempt *found = attempts_find(attempts, keeper_pid);

	if (found == NULL)
		return false;
	*attempt = *found;
	*found = attempts->all[--attempts->count];
	return true;
}

void attempts_hurry(const struct attempts *attempts)
{
	/* All others ignore it. */
	for (size_t i = 0; i < attempts->count; i++)
		(void)kill(attempts->all[i].keeper_pid, SIGTERM);
}

void attempts_limit(struct attempts *attempts, uint32_t most_ms)
{
	int64_t kill_at_ms = deadline_now_ms() + most_ms;

	for (size_t i = 0; i < attempts->count; i++)
		if (attempts->all[i].kill_at_ms > kill_at_ms)
			attempts->all[i].kill_at_ms = kill_at_ms;
}

void attempts_free(struct attempts *attempts)
{
	free(attempts->all);
	*attempts = (struct attempts){ .count = 0 };
}
