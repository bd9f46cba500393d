/*
 * auth_keys.h - who is who in a passwd-file, and by which SCRAM keys
 *
 * The parts of the back end that ask for no password.
 */
#ifndef POSTERN_AUTH_KEYS_H
#define POSTERN_AUTH_KEYS_H

#include "auth.h"

/* Find out who 'attempt->name' is: returns as auth_file_check(). */
enum auth_result auth_file_find(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity);

/*
 * Find the SCRAM keys of 'attempt->name': those in its field scram-sha-1= or
 * scram-sha-256=, or in a hash of that scheme, or made of a {PLAIN} password.
 *
 * Returns AUTH_GRANTED or, if the account can't be used, AUTH_REFUSED or
 * AUTH_PERMANENT, with the keys; AUTH_DENIED for a user without keys, or
 * AUTH_UNKNOWN, with such as nobody has; or AUTH_TEMPORARY.
 */
enum auth_result auth_file_find_scram(const struct backend_settings *backend,
	const struct auth_attempt *attempt, enum scram_digest digest,
	struct scram_keys *keys, struct auth_identity *identity);

/* Whether there are users, and all who can log in have such keys. */
bool auth_file_has_scram(const struct backend_settings *backend,
	enum scram_digest digest);

#endif
