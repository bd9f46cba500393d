/*
 * tls.h - GnuTLS: certificates, the server's choice among them, one session
 *
 * A context is made once, before any fork, from the public chains alone; the
 * private keys are only in the signer.  The only files that know GnuTLS's TLS
 * sessions and credentials are tls.c and tls_*.c.
 */
#ifndef POSTERN_TLS_H
#define POSTERN_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "settings.h"

struct tls_context;
struct tls;

/* From how many days before its end on a certificate is warned of. */
#define TLS_EXPIRY_WARNING_DAYS 14

/* What a handshake shall be like. */
struct tls_wish {
	size_t listener;	/* index in settings.listens */
	bool allows_legacy;	/* TLS 1.0 and 1.1, whatever that one says */
	int64_t deadline_ms;
};

/*
 * Load the certificates of 'settings', which must outlive the result, and make
 * keys for session tickets.
 *
 * Every mistake is told on 'errors' as one line.  Returns NULL after a mistake;
 * tls_context_free() frees the result and wipes the ticket keys.
 */
struct tls_context *tls_context_new(const struct settings *settings,
	FILE *errors);
void tls_context_free(struct tls_context *context);

/*
 * Tell 'out', a line for each, of what is loaded and can be served, but should
 * not: a certificate that is not valid now, a chain in disorder, a staple that
 * is none.  Returns how many certificates these lines are about.
 */
unsigned tls_context_tell_flaws(const struct tls_context *context, FILE *out);

/* The same for those that will expire in TLS_EXPIRY_WARNING_DAYS. */
unsigned tls_context_tell_expiry(const struct tls_context *context, FILE *out);

/* Make new keys for session tickets; tickets of the old ones are void. */
void tls_context_renew_tickets(struct tls_context *context);

/* Wipe the ticket keys, in a process that makes no handshakes. */
void tls_context_wipe(struct tls_context *context);

#define TLS_KEY_ID_OCTETS 32

/*
 * Whether 'id', the SHA-256 of a public key, is that of the certificate with
 * the number 'number' in the settings, as it was loaded.
 */
bool tls_context_has_key(const struct tls_context *context, uint32_t number,
	const uint8_t id[TLS_KEY_ID_OCTETS]);

/* From now on ask the signer at the other end of 'signer_fd' to sign. */
void tls_context_use_signer(struct tls_context *context, int signer_fd);

/*
 * Do the server's side of a handshake on the non-blocking socket 'fd', which
 * the caller keeps.
 *
 * why: what went wrong, a static text.  Returns a session that tls_end() frees,
 * or NULL with errno ETIMEDOUT once the deadline has passed, else EPROTO.
 */
struct tls *tls_accept(struct tls_context *context, int fd,
	const struct tls_wish *wish, const char **why);

/*
 * Send the session ticket that TLS 1.3 sends after the handshake: one is
 * enough.  If it fails, the next handshake is a full one.
 */
void tls_send_ticket(struct tls *tls);

/*
 * Receive or send octets, at most one record of 16 KiB.
 *
 * Returns how many; 0 at the end (close_notify); or -1 with errno EAGAIN (wait
 * for tls_events(), then call again with the same arguments), EPIPE or EPROTO.
 */
ssize_t tls_receive(struct tls *tls, void *octets, size_t count);
ssize_t tls_send(struct tls *tls, const void *octets, size_t count);

/* What poll(2) must wait for after EAGAIN: POLLIN or POLLOUT. */
short tls_events(const struct tls *tls);

/* Send close_notify, without waiting for the peer's. */
void tls_close(struct tls *tls);

/* Free the session; says nothing to the peer. */
void tls_end(struct tls *tls);

/* Whether the negotiated version is older than TLS 1.2. */
bool tls_is_legacy(const struct tls *tls);

/* The negotiated version ("TLS1.3") and cipher ("AES-256-GCM"). */
const char *tls_version(const struct tls *tls);
const char *tls_cipher(const struct tls *tls);

/*
 * The name in the client's certificate, verified against client-ca, in this
 * session or the one that it resumes: an rfc822Name of its subjectAltName, else
 * its common name.
 *
 * Returns UTF-8 of 1 to 255 octets without control characters, as long as the
 * session lives; or NULL if there is no such certificate.
 */
const char *tls_client_name(const struct tls *tls);

/* Whether the client has shown a certificate that gives it no name. */
bool tls_is_client_unknown(const struct tls *tls);

#define TLS_BINDING_OCTETS 32

/*
 * Write the channel binding "tls-exporter" of this session.  RFC 9266.
 *
 * Returns 0; or -1 where it binds nothing: TLS 1.2 without the extended master
 * secret, older versions, and a GnuTLS that does not have it.
 */
int tls_channel_binding(const struct tls *tls,
	uint8_t octets[TLS_BINDING_OCTETS]);

#endif
