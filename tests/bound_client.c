/*
 * bound_client.c - a POP3 client that logs in by a mechanism bound to TLS
 *
 *	bound_client port certificate mechanism user password [wrong]
 *
 * GNU SASL's own client over GnuTLS, to 127.0.0.1 and implicit TLS; "wrong"
 * spoils the binding, as somebody between client and server would.  Prints the
 * last reply.  Exits with 0 if that is +OK and the server proved, too, that it
 * knows the user; 1 if it is -ERR; 2 for anything else.
 */
#include "config.h"

#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <gsasl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_BYTES 4096

static gnutls_session_t session;
static gnutls_certificate_credentials_t credentials;

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "bound_client: %s\n", what);
	exit(2);
}

static int connect_to(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address,
			sizeof(address)) < 0)
		fail("can't connect");
	return fd;
}

static void begin_tls(int fd, const char *certificate)
{
	if (gnutls_certificate_allocate_credentials(&credentials) < 0 ||
			gnutls_certificate_set_x509_trust_file(credentials,
				certificate, GNUTLS_X509_FMT_PEM) < 1 ||
			gnutls_init(&session, GNUTLS_CLIENT) < 0 ||
			gnutls_set_default_priority(session) < 0 ||
			gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
				credentials) < 0)
		fail("can't prepare TLS");
	gnutls_session_set_verify_cert(session, "localhost", 0);
	gnutls_transport_set_int(session, fd);
	if (gnutls_handshake(session) < 0)
		fail("no handshake");
}

static void send_line(const char *text)
{
	char line[LINE_BYTES];
	int count = snprintf(line, sizeof(line), "%s\r\n", text);

	if (gnutls_record_send(session, line, (size_t)count) != count)
		fail("can't send");
}

static void receive_line(char line[LINE_BYTES])
{
	size_t count = 0;
	ssize_t got;

	while (count == 0 || line[count - 1] != '\n') {
		do
			got = gnutls_record_recv(session, line + count, 1);
		while (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED);
		if (got <= 0 || ++count == LINE_BYTES)
			fail("the server has gone");
	}
	line[count - 1] = '\0';
	line[strcspn(line, "\r")] = '\0';
}

static void set_binding(Gsasl_session *exchange, int is_wrong)
{
	gnutls_datum_t binding;
	char *text;
	size_t bytes;

	if (gnutls_session_channel_binding(session, GNUTLS_CB_TLS_EXPORTER,
			&binding) < 0)
		fail("no channel binding");
	binding.data[0] ^= (unsigned char)is_wrong;
	if (gsasl_base64_to((char *)binding.data, binding.size, &text,
			&bytes) != GSASL_OK || gsasl_property_set(exchange,
			GSASL_CB_TLS_EXPORTER, text) != GSASL_OK)
		fail("no memory");
	gsasl_free(text);
	gnutls_free(binding.data);
}

/* Returns the last reply; 'is_proved' when the server's proof is good. */
static void log_in(Gsasl_session *exchange, const char *mechanism,
	char line[LINE_BYTES], int *is_proved)
{
	char *text, command[LINE_BYTES];
	int status = gsasl_step64(exchange, NULL, &text);

	if (status != GSASL_NEEDS_MORE)
		fail(gsasl_strerror(status));
	snprintf(command, sizeof(command), "AUTH %s %s", mechanism, text);
	gsasl_free(text);
	send_line(command);
	receive_line(line);
	while (strncmp(line, "+ ", 2) == 0) {
		status = gsasl_step64(exchange, line + 2, &text);
		if (status != GSASL_NEEDS_MORE && status != GSASL_OK)
			fail(gsasl_strerror(status));
		*is_proved = status == GSASL_OK;
		send_line(text);
		gsasl_free(text);
		receive_line(line);
	}
}

int main(int argc, char **argv)
{
	char line[LINE_BYTES];
	Gsasl *library;
	Gsasl_session *exchange;
	int is_proved = 0;

	if (argc < 6)
		fail("port certificate mechanism user password [wrong]");
	begin_tls(connect_to(argv[1]), argv[2]);
	receive_line(line);
	if (gsasl_init(&library) != GSASL_OK || gsasl_client_start(library,
			argv[3], &exchange) != GSASL_OK ||
			gsasl_property_set(exchange, GSASL_AUTHID,
				argv[4]) != GSASL_OK ||
			gsasl_property_set(exchange, GSASL_PASSWORD,
				argv[5]) != GSASL_OK)
		fail("no such mechanism");
	set_binding(exchange, argc > 6);
	log_in(exchange, argv[3], line, &is_proved);
	puts(line);
	gsasl_finish(exchange);
	gsasl_done(library);
	int result = strncmp(line, "-ERR ", 5) == 0 ? 1 :
		strncmp(line, "+OK ", 4) == 0 && is_proved ? 0 : 2;
	if (result == 0) {
		send_line("QUIT");
		receive_line(line);
	}
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	return result;
}
