/*
 * tls_staple.h - OCSP responses that are sent with certificates; for tls*.c
 */
#ifndef POSTERN_TLS_STAPLE_H
#define POSTERN_TLS_STAPLE_H

#include <gnutls/x509.h>

#include "tls_context.h"

/*
 * Read the response in the file 'path', DER or PEM, for the first certificate
 * of 'chain', issued by the second one, if that is there.
 *
 * staple: empty, with its flaw, if it can't be used.
 */
void tls_staple_read(struct tls_staple *staple, const char *path,
	gnutls_x509_crt_t *chain, int count);
void tls_staple_free(struct tls_staple *staple);

/* Whether it may be sent at the time 'now_s'. */
bool tls_staple_is_fresh(const struct tls_staple *staple, int64_t now_s);

/* Let 'credentials' send it with their certificate 'idx'. */
int tls_staple_set(gnutls_certificate_credentials_t credentials, unsigned idx,
	struct tls_staple *staple);

#endif
