/*
 * guessers.h - what failed logins cost, by address and by user's name
 */
#ifndef POSTERN_GUESSERS_H
#define POSTERN_GUESSERS_H

#include "master_state.h"

/* Failed logins not yet forgiven after which an address may not try more. */
#define GUESSERS_MOST_FAILURES 12

/*
 * How far failed logins by other addresses raise the wait of a name: whoever
 * owns it and mistypes must not wait for long.
 */
#define GUESSERS_MOST_NAME_FAILURES 2

/* How long a login of 'client' that fails must wait, in milliseconds. */
uint32_t guessers_delay_ms(const struct master *master,
	const struct pool_client *client, const struct peer_key *name);

/* Whether the address of 'client' has failed too often to try once more. */
bool guessers_is_refused(const struct master *master,
	const struct pool_client *client);

/* Remember that 'client' did what no honest one does. */
void guessers_failed(struct master *master, const struct pool_client *client);

/* Remember a failed login; 'attempt' was one. */
void guessers_attempt_failed(struct master *master,
	const struct attempt *attempt);

#endif
