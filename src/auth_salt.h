/*
 * auth_salt.h - SCRAM salts for those who have none of their own
 */
#ifndef POSTERN_AUTH_SALT_H
#define POSTERN_AUTH_SALT_H

#include "auth_scram.h"

/*
 * Make the secret that the salts depend on: once, before any process is forked
 * that needs them.
 */
void salt_begin(void);

/* Give 'keys' the salt of 'name': always the same, and nobody can tell why. */
void salt_of(const char *name, struct scram_keys *keys);

#endif
