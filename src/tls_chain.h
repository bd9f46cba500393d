/*
 * tls_chain.h - whether a chain of certificates is good; for tls*.c only
 */
#ifndef POSTERN_TLS_CHAIN_H
#define POSTERN_TLS_CHAIN_H

#include <gnutls/x509.h>

#include "tls_context.h"

/* A longer chain is a mistake. */
#define TLS_CHAIN_MOST 16

/*
 * Read the certificates of 'pem', at most TLS_CHAIN_MOST.  Returns how many, or
 * an error of GnuTLS; tls_chain_free() frees them.
 */
int tls_chain_read(const gnutls_datum_t *pem,
	gnutls_x509_crt_t chain[TLS_CHAIN_MOST]);
void tls_chain_free(gnutls_x509_crt_t *chain, int count);

/* Fill in when 'chain' is valid, and whether each is signed by the next. */
void tls_chain_check(gnutls_x509_crt_t *chain, int count,
	struct tls_pair *pair);

/* What is wrong with 'pair' at the time 'now_s': a static text, or NULL. */
const char *tls_chain_flaw(const struct tls_pair *pair, int64_t now_s);

#endif
