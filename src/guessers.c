/*
 * guessers.c - what failed logins cost, by address and by user's name
 *
 * Runs in: the master.  Owns: the rule that nobody is kept out by what others
 * do: a name's failures make wrong passwords wait, and refuse no login.
 */
#include "config.h"

#include "guessers.h"

#include <string.h>

#include "deadline.h"

/* The name of a login whose worker does not know it. */
static const struct peer_key nobody;

static bool is_nobody(const struct peer_key *name)
{
	return memcmp(name, &nobody, sizeof(nobody)) == 0;
}

/* 0 turns all penalties off. */
static bool is_exempt(const struct pool_client *client)
{
	return client->is_trusted || client->rules.failure_delay_ms == 0;
}

static uint32_t failures_of(const struct master *master,
	const struct pool_client *client)
{
	return attempts_waiting(&master->attempts, &client->key) +
		peers_failures(master->peers, &client->key, deadline_now_ms());
}

uint32_t guessers_delay_ms(const struct master *master,
	const struct pool_client *client, const struct peer_key *name)
{
	uint32_t failures = failures_of(master, client);
	uint32_t of_name = is_nobody(name) ? 0 :
		peers_failures(master->names, name, deadline_now_ms());

	if (of_name > GUESSERS_MOST_NAME_FAILURES)
		of_name = GUESSERS_MOST_NAME_FAILURES;
	return is_exempt(client) ? 0 : peers_delay_ms(
		client->rules.failure_delay_ms,
		failures > of_name ? failures : of_name);
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
	if (!is_nobody(&attempt->name))
		peers_failed(master->names, &attempt->name,
			deadline_now_ms());
}
