/*
 * tls_key.h - private keys that only the signer has; for tls*.c only
 */
#ifndef POSTERN_TLS_KEY_H
#define POSTERN_TLS_KEY_H

#include "tls_context.h"

/*
 * Give 'chain', of 'count' certificates, to 'credentials', with the key that
 * the signer has for 'pair', which must outlive them.
 *
 * Returns 0, and has taken over the chain; or an error of GnuTLS.
 */
int tls_key_set(gnutls_certificate_credentials_t credentials,
	struct tls_pair *pair, gnutls_pcert_st *chain, unsigned int count);

#endif
