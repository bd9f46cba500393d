/*
 * tls.c - one TLS session over a non-blocking socket
 *
 * Runs in: a worker.  Distrusts: the client, in every octet.
 */
#include "config.h"

#include "tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "tls_certificate.h"
#include "tls_client.h"
#include "tls_context.h"

struct tls {
	gnutls_session_t session;
	struct tls_set *set;
	char client_name[TLS_CLIENT_NAME_BYTES];	/* "": not known */
};

/* The longest host name of RFC 1035 and a NUL. */
#define HOST_OCTETS 256

/* Before the certificate is sent: choose it by the name the client asks for. */
static int choose_certificate(gnutls_session_t session)
{
	const struct tls *tls = gnutls_session_get_ptr(session);
	char host[HOST_OCTETS];
	size_t count = sizeof(host);
	unsigned int type;

	if (gnutls_server_name_get(session, host, &count, &type, 0) < 0)
		return 0;
	return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
		tls_certificate_choose(tls->set, host)->credentials);
}

static int set_protocols(gnutls_session_t session, enum alpn alpn)
{
	const gnutls_datum_t pop3 = { (unsigned char *)"pop3", 4 };

	return gnutls_alpn_set_protocols(session, &pop3, 1,
		alpn == ALPN_STRICT ? GNUTLS_ALPN_MANDATORY : 0);
}

static int prepare(struct tls *tls, int fd, bool allows_legacy)
{
	struct tls_set *set = tls->set;
	int status = gnutls_init(&tls->session, GNUTLS_SERVER |
		GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL |
		GNUTLS_NO_AUTO_SEND_TICKET);

	if (status < 0)
		return status;
	gnutls_session_set_ptr(tls->session, tls);
	gnutls_transport_set_int(tls->session, fd);
	gnutls_handshake_set_post_client_hello_function(tls->session,
		choose_certificate);
	status = gnutls_priority_set(tls->session, allows_legacy ?
		set->legacy_priority : set->priority);
	if (status >= 0)
		status = gnutls_credentials_set(tls->session,
			GNUTLS_CRD_CERTIFICATE,
			set->certificates[0].credentials);
	/*
	 * A ticket holds the client's certificate, and every worker the key of
	 * tickets: one that is broken into could forge anybody's.
	 */
	if (status >= 0 && set->client_request == GNUTLS_CERT_IGNORE)
		status = gnutls_session_ticket_enable_server(tls->session,
			&set->ticket_key);
	if (status >= 0)
		status = set_protocols(tls->session, set->settings->alpn);
	if (set->client_request != GNUTLS_CERT_IGNORE)
		gnutls_certificate_server_set_request(tls->session,
			set->client_request);
	return status;
}

static int wait_for_client(const struct tls *tls, int fd, int64_t deadline_ms)
{
	struct pollfd wanted = { .fd = fd, .events = tls_events(tls) };
	int ready;

	do
		ready = poll(&wanted, 1, deadline_poll_ms(deadline_ms));
	while (ready < 0 && errno == EINTR);
	return ready > 0 ? 0 : GNUTLS_E_TIMEDOUT;
}

static int handshake(struct tls *tls, int fd, int64_t deadline_ms)
{
	for (;;) {
		int status = gnutls_handshake(tls->session);
		if (status != GNUTLS_E_AGAIN && status != GNUTLS_E_INTERRUPTED
				&& (status >= 0 ||
					gnutls_error_is_fatal(status)))
			return status;
		/* Asked each time: a client may dribble for ever. */
		if (deadline_has_passed(deadline_ms))
			return GNUTLS_E_TIMEDOUT;
		if (status == GNUTLS_E_AGAIN)
			status = wait_for_client(tls, fd, deadline_ms);
		if (status == GNUTLS_E_TIMEDOUT)
			return status;
	}
}

/* What a failed call of GnuTLS means for us, as errno. */
static int errno_of(int status)
{
	switch (status) {
	case GNUTLS_E_AGAIN:
	case GNUTLS_E_INTERRUPTED:
		return EAGAIN;
	case GNUTLS_E_PREMATURE_TERMINATION:
	case GNUTLS_E_PUSH_ERROR:
	case GNUTLS_E_PULL_ERROR:
		return EPIPE;
	case GNUTLS_E_TIMEDOUT:
		return ETIMEDOUT;
	default:
		return EPROTO;
	}
}

/* A session that is resumed may have begun where no certificate was asked. */
static int identify_client(struct tls *tls)
{
	if (tls->set->client_request == GNUTLS_CERT_IGNORE)
		return 0;
	tls_client_identify(tls->session, tls->client_name);
	if (tls->set->client_request == GNUTLS_CERT_REQUIRE &&
			tls->client_name[0] == '\0')
		return GNUTLS_E_CERTIFICATE_ERROR;
	return 0;
}

struct tls *tls_accept(struct tls_context *context, int fd,
	const struct tls_wish *wish, const char **why)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (tls == NULL) {
		*why = "out of memory";
		errno = EPROTO;
		return NULL;
	}
	tls->set = tls_context_set(context, wish->listener);
	int status = prepare(tls, fd, wish->allows_legacy);
	if (status >= 0)
		status = handshake(tls, fd, wish->deadline_ms);
	if (status >= 0)
		status = identify_client(tls);
	if (status < 0) {
		*why = gnutls_strerror(status);
		if (status != GNUTLS_E_TIMEDOUT && tls->session != NULL)
			(void)gnutls_alert_send_appropriate(tls->session,
				status);
		tls_end(tls);
		errno = status == GNUTLS_E_TIMEDOUT ? ETIMEDOUT : EPROTO;
		return NULL;
	}
	return tls;
}

void tls_send_ticket(struct tls *tls)
{
	if (gnutls_protocol_get_version(tls->session) == GNUTLS_TLS1_3 &&
			tls->set->client_request == GNUTLS_CERT_IGNORE)
		(void)gnutls_session_ticket_send(tls->session, 1, 0);
}

ssize_t tls_receive(struct tls *tls, void *octets, size_t count)
{
	ssize_t received = gnutls_record_recv(tls->session, octets, count);

	/* A client that wants to renegotiate (TLS 1.2) is told no and left. */
	if (received == GNUTLS_E_REHANDSHAKE)
		(void)gnutls_alert_send(tls->session, GNUTLS_AL_WARNING,
			GNUTLS_A_NO_RENEGOTIATION);
	if (received >= 0)
		return received;
	errno = errno_of((int)received);
	return -1;
}

ssize_t tls_send(struct tls *tls, const void *octets, size_t count)
{
	ssize_t sent = gnutls_record_send(tls->session, octets, count);

	if (sent >= 0)
		return sent;
	errno = errno_of((int)sent);
	return -1;
}

short tls_events(const struct tls *tls)
{
	return gnutls_record_get_direction(tls->session) ? POLLOUT : POLLIN;
}

void tls_close(struct tls *tls)
{
	/* Nobody is left who could be told that it failed. */
	(void)gnutls_bye(tls->session, GNUTLS_SHUT_WR);
}

void tls_end(struct tls *tls)
{
	if (tls->session != NULL)
		gnutls_deinit(tls->session);
	free(tls);
}

bool tls_is_legacy(const struct tls *tls)
{
	return gnutls_protocol_get_version(tls->session) < GNUTLS_TLS1_2;
}

const char *tls_version(const struct tls *tls)
{
	return gnutls_protocol_get_name(
		gnutls_protocol_get_version(tls->session));
}

const char *tls_cipher(const struct tls *tls)
{
	return gnutls_cipher_get_name(gnutls_cipher_get(tls->session));
}

const char *tls_client_name(const struct tls *tls)
{
	return tls->client_name[0] != '\0' ? tls->client_name : NULL;
}

bool tls_is_client_unknown(const struct tls *tls)
{
	unsigned int count;

	return tls->set->client_request != GNUTLS_CERT_IGNORE &&
		tls->client_name[0] == '\0' &&
		gnutls_certificate_get_peers(tls->session, &count) != NULL;
}

int tls_channel_binding(const struct tls *tls,
	uint8_t octets[TLS_BINDING_OCTETS])
{
#if HAVE_DECL_GNUTLS_CB_TLS_EXPORTER
	gnutls_datum_t binding = { NULL, 0 };
	int status = -1;

	if (tls_is_legacy(tls) || gnutls_session_channel_binding(tls->session,
			GNUTLS_CB_TLS_EXPORTER, &binding) < 0)
		return -1;
	if (binding.size == TLS_BINDING_OCTETS) {
		memcpy(octets, binding.data, TLS_BINDING_OCTETS);
		status = 0;
	}
	gnutls_free(binding.data);
	return status;
#else
	(void)tls, (void)octets;
	return -1;
#endif
}
