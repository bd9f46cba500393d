/*
 * auth_hash.h - stored passwords that are one digest, and PBKDF2; pure
 *
 * As Dovecot writes them: {SHA256}, {SSHA512}, {PLAIN-MD5}, {SHA1.HEX} ...
 */
#ifndef POSTERN_AUTH_HASH_H
#define POSTERN_AUTH_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "auth_scheme.h"

/* PBKDF2 with more rounds costs us too much. */
#define HASH_MOST_ROUNDS 1000000

/* Whether the scheme named by the first 'count' octets of 'name' is of them. */
bool hash_is_known(const char *name, size_t count);

/*
 * Compare 'password' with 'stored', what stands behind the scheme that 'name'
 * begins with, of 'count' octets, which is known.  Returns SCHEME_MATCH,
 * SCHEME_DIFFERENT, or SCHEME_UNSUPPORTED if 'stored' is none of that scheme,
 * or GnuTLS may not make that digest.
 */
enum scheme_result hash_check(const char *name, size_t count,
	const char *stored, const char *password);

/* The same for "$1$salt$rounds$hex": PBKDF2 with SHA-1. */
enum scheme_result hash_check_pbkdf2(const char *stored,
	const char *password);

#endif
