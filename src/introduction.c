/*
 * introduction.c - a proxy tells who its client is, and the master if it may
 * stay
 *
 * Runs in: a worker.  Distrusts: the header.
 */
#include "config.h"

#include "introduction.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "deadline.h"
#include "peers.h"
#include "proxy.h"

/* How long to wait for a header where tls-timeout sets no limit. */
#define PATIENCE_S 15

/* What is looked at in one go; most headers are shorter. */
#define PIECE_OCTETS 512

/* Apart: too large for a stack. */
static struct proxy proxy;

/* What the master says that holds for this client. */
static struct session_rules rules;

/* Take what is there of the header.  Returns whether it is over. */
static bool take_piece(int fd, enum proxy_event *event, const char **why)
{
	uint8_t octets[PIECE_OCTETS];
	ssize_t count = recv(fd, octets, sizeof(octets), MSG_PEEK);
	size_t taken;

	if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK ||
			errno == EINTR))
		return false;
	if (count <= 0) {
		*why = "the connection ended before it";
		return true;
	}
	*event = proxy_take(&proxy, octets, (size_t)count, &taken);
	/* They are there: nobody else reads from this socket. */
	if (recv(fd, octets, taken, 0) != (ssize_t)taken)
		*event = PROXY_BAD;
	if (*event == PROXY_BAD)
		*why = "there is none, or too long a one";
	return *event != PROXY_MORE;
}

/* Read the header.  Returns NULL, or words that say what is wrong. */
static const char *read_header(struct session *session,
	struct proxy_header *header)
{
	uint32_t limit_s = session->rules->tls_timeout_s;
	int64_t deadline_ms = deadline_in_s(limit_s > 0 ? limit_s :
		PATIENCE_S);
	enum proxy_event event = PROXY_MORE;
	const char *why = NULL;

	memset(&proxy, 0, sizeof(proxy));
	while (!take_piece(session->stream.fd, &event, &why))
		if (wire_wait(session->stream.fd, deadline_ms) < 0)
			return "it did not come in time";
	if (why == NULL)
		why = proxy_parse(&proxy, header);
	if (why == NULL && !header->is_local &&
			session->listener->proxy_tls == PROXY_TLS_ALWAYS)
		header->has_tls = true;
	return why;
}

static uint16_t take_address(const struct sockaddr_storage *address,
	uint8_t octets[16])
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	if (address->ss_family == AF_INET) {
		memcpy(octets, &in->sin_addr, sizeof(in->sin_addr));
		return ntohs(in->sin_port);
	}
	memcpy(octets, &in6->sin6_addr, sizeof(in6->sin6_addr));
	return ntohs(in6->sin6_port);
}

/* Ask the master.  Returns 0, or -1 if it is gone. */
static int ask_master(const struct session *session,
	const struct proxy_header *header, struct wire_admitted *admitted)
{
	struct wire_peer peer = {
		.kind = WIRE_PEER, .has_tls = header->has_tls,
	};

	if (!header->is_local) {
		peer.family = header->source.ss_family == AF_INET ? 4 : 6;
		peer.port = take_address(&header->source, peer.address);
		peer.local_port = take_address(&header->destination,
			peer.local_address);
	}
	if (wire_send(session->master_fd, &peer, sizeof(peer), -1) < 0)
		return -1;
	return wire_receive(session->master_fd, WIRE_PEER, admitted,
		sizeof(*admitted), NULL);
}

/* RFC 8996; the names are those of OpenSSL. */
static bool is_legacy(const char *version)
{
	static const char *const versions[] = {
		"SSLv2", "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1",
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (strcmp(versions[i], version) == 0)
			return true;
	return false;
}

static void note_tls(struct session *session,
	const struct proxy_header *header)
{
	struct wire_session *report = &session->report;
	const char *name = header->client_name;

	session->has_proxy_tls = true;
	snprintf(report->tls, sizeof(report->tls), "%s", header->tls_version);
	snprintf(report->cipher, sizeof(report->cipher), "%s",
		header->cipher);
	report->is_legacy_tls = is_legacy(header->tls_version);
	snprintf(report->note, sizeof(report->note),
		*name == '\0' ? "TLS ended at the proxy" :
		"TLS ended at the proxy; certificate of %s", name);
}

/* Greeting and QUIT are all that a check of its health needs. */
static void bar_login(struct session *session)
{
	rules.cleartext = CLEARTEXT_NEVER;
	session->abilities = 0;
}

static enum pop3_event settle(struct session *session,
	const struct proxy_header *header,
	const struct wire_admitted *admitted)
{
	rules = admitted->rules;
	session->rules = &rules;
	session->is_trusted = admitted->is_trusted != 0;
	if (header->has_tls)
		note_tls(session, header);
	if (header->is_local)
		bar_login(session);
	if (!admitted->is_refused)
		return POP3_CONTINUE;
	/* Nobody waits for it, so nobody cares if it is lost. */
	if (session->listener->tls != TLS_IMPLICIT)
		(void)stream_write(&session->stream, PEERS_REFUSAL,
			strlen(PEERS_REFUSAL));
	return pop3_over(session, WIRE_END_DISCONNECTED);
}

/* The certificate that a proxy has seen is none that we have. */
static const char *check_certificate(const struct session *session,
	const struct proxy_header *header)
{
	const struct tls_settings *tls = settings_tls_of(session->settings,
		session->listener);

	return header->has_tls && session->listener->tls != TLS_NONE &&
		tls->client_certificate == CLIENT_REQUIRED ?
		"TLS ended at the proxy, but a certificate is required" : NULL;
}

enum pop3_event introduction_await(struct session *session)
{
	struct proxy_header header;
	struct wire_admitted admitted;

	if (session->listener->proxies.count == 0)
		return POP3_CONTINUE;
	const char *why = read_header(session, &header);
	if (why == NULL)
		why = check_certificate(session, &header);
	if (why != NULL) {
		snprintf(session->report.note, sizeof(session->report.note),
			"%s", why);
		return pop3_over(session, WIRE_END_NO_PROXY_HEADER);
	}
	if (ask_master(session, &header, &admitted) < 0)
		return pop3_over(session, WIRE_END_DISCONNECTED);
	return settle(session, &header, &admitted);
}
