/*
 * guessers.h - what failed logins cost, by address and by user's name
 */
#ifndef POSTERN_GUESSERS_H
#define POSTERN_GUESSERS_H

#include "master_state.h"
#include "penalty.h"

/* Failed logins not yet forgiven after which an address may not try more. */
#define GUESSERS_MOST_FAILURES 12

/* What a login of 'client' that fails costs. */
struct penalty guessers_penalty(const struct master *master,
	const struct pool_client *client);

/* Whether the address of 'client' has failed too often to try once more. */
bool guessers_is_refused(const struct master *master,
	const struct pool_client *client);

/* Remember that 'client' did what no honest one does. */
void guessers_failed(struct master *master, const struct pool_client *client);

/* Remember a failed login; 'attempt' was one, whoever it was for. */
void guessers_attempt_failed(struct master *master,
	const struct attempt *attempt);

/* Remember the failed logins that keepers have told of since the last time. */
void guessers_hear(struct master *master);

#endif
