/*
 * tls_certificate.h - the certificates of one host; for tls*.c only
 */
#ifndef POSTERN_TLS_CERTIFICATE_H
#define POSTERN_TLS_CERTIFICATE_H

#include <stdio.h>

#include "tls_context.h"

/*
 * Load the certificates and staples of 'settings', for handshakes that ask the
 * signer of 'context'; both must outlive 'certificate'.  Those without RSA come
 * first: a client gets the first one that it understands.
 *
 * Returns 0; or -1, after telling 'errors' one line.  In any case
 * tls_certificate_free() frees what was loaded.
 */
int tls_certificate_load(struct tls_certificate *certificate,
	const struct certificate_settings *settings,
	struct tls_context *context, FILE *errors);
void tls_certificate_free(struct tls_certificate *certificate);

/*
 * The certificates for the host that the client named (SNI): without regard to
 * case or a final dot, exact names before "*." ones; the default for any other.
 */
struct tls_certificate *tls_certificate_choose(struct tls_set *set,
	const char *host);

#endif
