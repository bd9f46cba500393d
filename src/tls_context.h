/*
 * tls_context.h - what a context is made of; for tls*.c only
 */
#ifndef POSTERN_TLS_CONTEXT_H
#define POSTERN_TLS_CONTEXT_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>

#include "tls.h"

/* A response of an OCSP server, to be sent with a certificate. */
struct tls_staple {
	gnutls_datum_t der;	/* NULL: none */
	int64_t until_s;	/* nextUpdate; 0: not said */
	const char *flaw;	/* why it is not used; NULL: nothing is wrong */
};

/* A certificate, and what is known of its key, which only the signer has. */
struct tls_pair {
	struct tls_context *context;
	const struct pair_settings *settings;
	unsigned int algorithm, bits;
	uint8_t key_id[TLS_KEY_ID_OCTETS];
	int64_t from_s, until_s;	/* when all of the chain is valid */
	const char *flaw;		/* of the chain; NULL: none */
	struct tls_staple staple;
};

/* The certificates of one host. */
struct tls_certificate {
	const struct certificate_settings *settings;
	gnutls_certificate_credentials_t credentials;
	struct tls_pair *pairs;		/* in the order of the settings */
	size_t pair_count;
};

/* What goes for one listener, or for all that have nothing of their own. */
struct tls_set {
	const struct tls_settings *settings;
	gnutls_priority_t priority;
	gnutls_priority_t legacy_priority;	/* from TLS 1.0 on */
	gnutls_datum_t ticket_key;
	gnutls_certificate_request_t client_request;
	int64_t crl_until_s;		/* client-crl is good until then */
	struct tls_certificate *certificates;	/* [0] is the default */
	size_t certificate_count;
};

struct tls_context {
	struct tls_set *sets;		/* [0], then one for each listener */
	size_t set_count;
	int signer_fd;
};

/* What goes for the listener 'listener', an index in settings.listens. */
struct tls_set *tls_context_set(struct tls_context *context, size_t listener);

#endif
