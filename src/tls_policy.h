/*
 * tls_policy.h - which versions and ciphers are spoken; for tls*.c only
 */
#ifndef POSTERN_TLS_POLICY_H
#define POSTERN_TLS_POLICY_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdio.h>

#include "settings.h"

/*
 * Whether this processor has instructions for AES that GnuTLS will use.  Asks
 * the processor, the system's vector, or /proc/cpuinfo: call it before any
 * confinement.
 */
bool tls_policy_has_aes(void);

/*
 * Order the 'count' names of ciphers (as GnuTLS has them) so that what this
 * machine does fastest comes first; those of no rank stay in their order.
 */
void tls_policy_order_ciphers(const char **ciphers, size_t count,
	bool has_aes);

/*
 * The same with names of groups.  Where the server's order counts, a group for
 * which most clients bring no share would cost them a round trip.
 */
void tls_policy_order_groups(const char **groups, size_t count);

/*
 * Make a priority: the policy of the system, ours from 'minimum' on with the
 * ciphers in order, then 'addition', which has the last word.
 *
 * Returns 0; or -1, after telling 'errors' one line that begins with 'place'.
 */
int tls_policy_make(gnutls_priority_t *priority, enum tls_version minimum,
	const char *addition, const char *place, FILE *errors);

#endif
