/*
 * tls_trust.h - whose certificates of clients count; for tls*.c only
 */
#ifndef POSTERN_TLS_TRUST_H
#define POSTERN_TLS_TRUST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "tls_context.h"

/*
 * Load client-ca and client-crl of 'set' into all of its credentials, which are
 * there.  Returns 0; or -1 after a line to 'errors'.
 */
int tls_trust_load(struct tls_set *set, FILE *errors);

/*
 * Write a line to 'out' if client-crl is out of date.  Returns whether it is:
 * it counts for those whom it names, but there may be more.
 */
bool tls_trust_tell_flaw(const struct tls_set *set, int64_t now_s, FILE *out);

#endif
