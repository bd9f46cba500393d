/*
 * guessers.c - what failed logins cost, by address and by user's name
 *
 * Runs in: the master.  Owns: the rule that nobody is kept out by what others
 * do: a name's failures make wrong passwords wait, and refuse no login.
 */
#include "config.h"

#include "guessers.h"

#include "deadline.h"

/* 0 turns all penalties off. */
static bool is_exempt(const struct pool_client *client)
{
	return client->is_trusted || client->rules.failure_delay_ms == 0;
}

static uint32_t failures_of(const struct master *master,
	const struct pool_client *client)
{
	return peers_failures(master->peers, &client->key, deadline_now_ms());
}

struct penalty guessers_penalty(const struct master *master,
	const struct pool_client *client)
{
	return (struct penalty){
		.first_ms = is_exempt(client) ? 0 :
			client->rules.failure_delay_ms,
		.failures = failures_of(master, client),
		.names = master->names, .report_fd = master->reports[1],
	};
}

bool guessers_is_refused(const struct master *master,
	const struct pool_client *client)
{
	return !is_exempt(client) &&
		failures_of(master, client) >= GUESSERS_MOST_FAILURES;
}

void guessers_failed(struct master *master, const struct pool_client *client)
{
	if (!client->is_trusted)
		peers_failed(master->peers, &client->key, deadline_now_ms());
}

void guessers_attempt_failed(struct master *master,
	const struct attempt *attempt)
{
	if (attempt->is_trusted)
		return;
	peers_failed(master->peers, &attempt->key, deadline_now_ms());
}

/* A keeper may have ended since; then its exit status was counted. */
void guessers_hear(struct master *master)
{
	struct penalty_report report;

	while (penalty_hear(master->reports[0], &report)) {
		struct attempt *attempt = attempts_find(&master->attempts,
			report.keeper_pid);

		if (attempt == NULL || attempt->has_failed)
			continue;
		attempt->has_failed = true;
		guessers_attempt_failed(master, attempt);
		if (!attempt->is_trusted && !penalty_is_nobody(&report.name))
			peers_failed(master->names, &report.name,
				deadline_now_ms());
	}
}
