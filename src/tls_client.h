/*
 * tls_client.h - who a client is, by its certificate; for tls.c only
 */
#ifndef POSTERN_TLS_CLIENT_H
#define POSTERN_TLS_CLIENT_H

#include <gnutls/gnutls.h>

/* The longest name that a login may have, and a NUL. */
#define TLS_CLIENT_NAME_BYTES 256

/*
 * Verify the certificate that the client of 'session' has shown, now or in the
 * session that it resumes, and write the name in it.
 *
 * That is the first rfc822Name (RFC 5280 section 4.2.1.6), or, if there is
 * none, the only common name.  name: "" if there is no certificate, if it does
 * not lead to a client-ca, is not for TLS clients or not valid now, or if what
 * it names is too long, is no text or has control characters.
 */
void tls_client_identify(gnutls_session_t session,
	char name[TLS_CLIENT_NAME_BYTES]);

#endif
