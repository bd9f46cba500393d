/*
 * tls_context.h - what tls.c needs of a context; for nobody else
 */
#ifndef POSTERN_TLS_CONTEXT_H
#define POSTERN_TLS_CONTEXT_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "tls.h"

struct tls_certificate {
	const char *host;	/* lower case; NULL: the default */
	gnutls_certificate_credentials_t credentials;
	struct tls_context *context;
	uint32_t key;		/* what the signer calls it */
	unsigned int algorithm, bits;
};

struct tls_context {
	gnutls_priority_t priority;
	gnutls_datum_t ticket_key;
	gnutls_certificate_request_t client_request;
	struct tls_certificate *certificates;	/* [0] is the default */
	size_t certificate_count;
	int signer_fd;
};

/*
 * The certificate for the host that the client named (SNI): without regard to
 * case or a final dot, exact names before "*." ones; the default for any other.
 */
struct tls_certificate *tls_context_choose(struct tls_context *context,
	const char *host);

#endif
