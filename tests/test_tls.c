/*
 * test_tls.c - handshakes with a real client: who it is, what binds the channel
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authority.h"
#include "deadline.h"
#include "scratch.h"
#include "signer.h"
#include "tls.h"
#include "tls_policy.h"
#include "tls_staple.h"
#include "wire.h"

#define LONG_S 20
#define MOST_CONNECTIONS 2

#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS12_BARE TLS12 ":%NO_SESSION_HASH"
#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"

/* The server: a context, and a signer behind it. */
struct house {
	struct settings *settings;
	struct tls_context *context;
	pid_t signer_pid;
	int master_fd, worker_fd;
	bool allows_legacy;
};

/* A client: what it offers, and how often it comes, resuming its session. */
struct visitor {
	const char *priority;		/* NULL: NORMAL */
	const char *stem;		/* of its certificate; NULL: none */
	int connections;		/* 0: one */
};

/* What the client tells the server inside of TLS. */
struct told {
	uint8_t is_resumed, is_bound;
	uint8_t binding[TLS_BINDING_OCTETS];
};

/* What the server saw of the last connection. */
struct seen {
	bool is_accepted, is_legacy, is_bound, is_resumed, is_same_binding;
	char name[512];			/* "": NULL */
};

static const struct wanted_certificate server_certificate = {
	.stem = "server", .common_names = { "localhost" },
};
static const struct wanted_certificate authority = {
	.stem = "ca", .common_names = { "Authority" }, .is_authority = 1,
};

static void start_signer(struct house *house)
{
	struct wire_plain record = { WIRE_SIGNER }, ready;
	int fds[2], worker_fds[2];

	assert_int_equal(wire_pair(fds), 0);
	house->signer_pid = fork();
	if (house->signer_pid == 0) {
		struct signer signer = {
			.settings = house->settings,
			.tls_context = house->context,
			.master_fd = fds[1],
			.root_fd = dup(fds[1]), .most_workers = 4,
		};
		close(fds[0]);
		signer_run(&signer);
	}
	close(fds[1]);
	house->master_fd = fds[0];
	assert_int_equal(wire_wait(fds[0], deadline_in_s(LONG_S)), 0);
	assert_int_equal(wire_receive(fds[0], WIRE_READY, &ready,
		sizeof(ready), NULL), 0);
	assert_int_equal(wire_pair(worker_fds), 0);
	assert_int_equal(wire_send(house->master_fd, &record, sizeof(record),
		worker_fds[1]), 0);
	close(worker_fds[1]);
	house->worker_fd = worker_fds[0];
}

/* Begin a house with 'more' in its section tls. */
static void begin(struct house *house, const char *more)
{
	char certificate[SCRATCH_PATH_BYTES], text[2048];

	house->allows_legacy = false;
	authority_make(&server_certificate);
	authority_make(&authority);
	snprintf(certificate, sizeof(certificate), "%s",
		scratch_path("server.cert.pem"));
	snprintf(text, sizeof(text), "tls { certificate = \"%s\" key = \"%s\" "
		"%s }\n", certificate, scratch_path("server.key.pem"), more);
	scratch_write("postern.conf", 0600, text);
	house->settings = settings_load(scratch_path("postern.conf"), stderr);
	assert_non_null(house->settings);
	house->context = tls_context_new(house->settings, stderr);
	assert_non_null(house->context);
	start_signer(house);
	tls_context_use_signer(house->context, house->worker_fd);
}

/* The same, for clients that the authority "ca" knows. */
static void begin_with_ca(struct house *house, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text), "client-ca = \"%s\" %s",
		scratch_path("ca.cert.pem"), more);
	begin(house, text);
}

static void end(struct house *house)
{
	int status;

	close(house->worker_fd);
	close(house->master_fd);
	assert_int_equal(waitpid(house->signer_pid, &status, 0),
		house->signer_pid);
	assert_int_equal(status, 0);
	tls_context_free(house->context);
	settings_free(house->settings);
}

/* In the client's process: nothing here may fail silently. */
static void must(bool is_good, int code)
{
	if (!is_good)
		_exit(code);
}

static void tell(gnutls_session_t session)
{
	struct told told = {
		.is_resumed = gnutls_session_is_resumed(session) != 0,
	};
	gnutls_datum_t binding = { NULL, 0 };

#if HAVE_DECL_GNUTLS_CB_TLS_EXPORTER
	if (gnutls_session_channel_binding(session, GNUTLS_CB_TLS_EXPORTER,
			&binding) == 0) {
		must(binding.size == sizeof(told.binding), 3);
		told.is_bound = 1;
		memcpy(told.binding, binding.data, sizeof(told.binding));
	}
#endif
	gnutls_free(binding.data);
	must(gnutls_record_send(session, &told, sizeof(told)) ==
		sizeof(told), 4);
}

static int connect_once(gnutls_session_t session, int fd,
	gnutls_datum_t *ticket)
{
	char octet;
	int status;

	gnutls_transport_set_int(session, fd);
	gnutls_handshake_set_timeout(session, LONG_S * 1000);
	if (ticket->size > 0)
		must(gnutls_session_set_data(session, ticket->data,
			ticket->size) == 0, 5);
	do
		status = gnutls_handshake(session);
	while (status < 0 && !gnutls_error_is_fatal(status));
	if (status < 0)
		return status;
	do
		status = (int)gnutls_record_recv(session, &octet, 1);
	while (status == GNUTLS_E_AGAIN || status == GNUTLS_E_INTERRUPTED);
	if (status != 1)
		return GNUTLS_E_PULL_ERROR;
	tell(session);
	gnutls_free(ticket->data);
	ticket->data = NULL;
	/* Who is asked for a certificate gets no ticket. */
	if (gnutls_session_get_data2(session, ticket) < 0)
		*ticket = (gnutls_datum_t){ NULL, 0 };
	return 0;
}

static void set_own_certificate(gnutls_certificate_credentials_t credentials,
	const char *stem)
{
	char certificate[64], key[64];

	snprintf(certificate, sizeof(certificate), "%s.cert.pem", stem);
	snprintf(key, sizeof(key), "%s.key.pem", stem);
	must(gnutls_certificate_set_x509_key_file(credentials,
		scratch_path(certificate), scratch_path(key),
		GNUTLS_X509_FMT_PEM) >= 0, 7);
}

/* The client's process.  Exits with 0, or 1 if a handshake failed. */
static _Noreturn void visit(const struct visitor *visitor, const int *fds,
	int count)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_datum_t ticket = { NULL, 0 };
	int status = 0;

	must(gnutls_certificate_allocate_credentials(&credentials) == 0, 8);
	if (visitor->stem != NULL)
		set_own_certificate(credentials, visitor->stem);
	for (int i = 0; i < count && status >= 0; i++) {
		gnutls_session_t session;
		must(gnutls_init(&session, GNUTLS_CLIENT |
			/* Show it, whatever authorities are asked for. */
			GNUTLS_FORCE_CLIENT_CERT) == 0, 9);
		must(gnutls_priority_set_direct(session,
			visitor->priority != NULL ? visitor->priority :
			"NORMAL", NULL) == 0, 10);
		gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
			credentials);
		status = connect_once(session, fds[i], &ticket);
		gnutls_deinit(session);
		close(fds[i]);
	}
	_exit(status < 0 ? 1 : 0);
}

static bool receive_all(struct tls *tls, int fd, void *octets, size_t count)
{
	size_t have = 0;

	while (have < count) {
		struct pollfd wanted = { .fd = fd, .events = tls_events(tls) };
		ssize_t received = tls_receive(tls, (char *)octets + have,
			count - have);
		if (received > 0)
			have += (size_t)received;
		else if (received == 0 || errno != EAGAIN ||
				poll(&wanted, 1, LONG_S * 1000) <= 0)
			return false;
	}
	return true;
}

static void look(struct tls *tls, int fd, struct seen *seen)
{
	uint8_t binding[TLS_BINDING_OCTETS];
	struct told told = { .is_bound = 0 };

	seen->is_accepted = true;
	seen->is_legacy = tls_is_legacy(tls);
	tls_send_ticket(tls);
	assert_int_equal(tls_send(tls, "x", 1), 1);
	assert_true(receive_all(tls, fd, &told, sizeof(told)));
	seen->is_resumed = told.is_resumed;
	seen->is_bound = tls_channel_binding(tls, binding) == 0;
	seen->is_same_binding = seen->is_bound && told.is_bound &&
		memcmp(binding, told.binding, sizeof(binding)) == 0;
	snprintf(seen->name, sizeof(seen->name), "%s",
		tls_client_name(tls) != NULL ? tls_client_name(tls) : "");
}

static void serve(struct house *house, int fd, struct seen *seen)
{
	struct tls_wish wish = {
		.allows_legacy = house->allows_legacy,
		.deadline_ms = deadline_in_s(LONG_S),
	};
	const char *why;

	*seen = (struct seen){ .is_accepted = false };
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	struct tls *tls = tls_accept(house->context, fd, &wish, &why);
	if (tls != NULL) {
		look(tls, fd, seen);
		tls_close(tls);
		tls_end(tls);
	}
	close(fd);
}

/* Let a client come.  Returns what the server saw of its last connection. */
static struct seen meet(struct house *house, const struct visitor *visitor)
{
	int count = visitor->connections > 0 ? visitor->connections : 1;
	int client_fds[MOST_CONNECTIONS], server_fds[MOST_CONNECTIONS];
	struct seen seen = { .is_accepted = false };
	int status;

	for (int i = 0; i < count; i++) {
		int pair[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
		client_fds[i] = pair[0];
		server_fds[i] = pair[1];
	}
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < count; i++)
			close(server_fds[i]);
		visit(visitor, client_fds, count);
	}
	for (int i = 0; i < count; i++)
		close(client_fds[i]);
	for (int i = 0; i < count; i++)
		serve(house, server_fds[i], &seen);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return seen;
}

static void the_channel_binding_is_the_clients(void **state)
{
#if HAVE_DECL_GNUTLS_CB_TLS_EXPORTER
	struct house house;
	struct seen seen;

	(void)state;
	begin(&house, "");
	seen = meet(&house, &(struct visitor){ .priority = TLS13 });
	assert_true(seen.is_same_binding);
	seen = meet(&house, &(struct visitor){ .priority = TLS12 });
	assert_true(seen.is_same_binding);
	seen = meet(&house, &(struct visitor){ .priority = TLS13,
		.connections = 2 });
	assert_true(seen.is_resumed && seen.is_same_binding);
	end(&house);
#else
	(void)state;
	skip();
#endif
}

static void without_extended_master_secret_nothing_binds(void **state)
{
	struct house house;
	struct seen seen;

	(void)state;
	begin(&house, "");
	seen = meet(&house, &(struct visitor){ .priority = TLS12_BARE });
	assert_true(seen.is_accepted);
	assert_false(seen.is_bound);
	end(&house);
}

/* One certificate of a client, and the name that must be found in it. */
static const struct name_case {
	struct wanted_certificate wanted;
	const char *name;
} name_cases[] = {
	{ { .address = "joe@example.net", .common_names = { "Joe" } },
		"joe@example.net" },
	{ { .common_names = { "joe" } }, "joe" },
	{ { .common_names = { "j\xc3\xb6" } }, "j\xc3\xb6" },
	{ { .common_names = { "joe", "ann" } }, "" },
	{ { .common_names = { NULL } }, "" },
	{ { .common_names = { "j\noe" } }, "" },
	{ { .common_names = { "joe" }, .address = "jo\ne@example" }, "" },
	{ { .common_names = { "joe" }, .address = "joe\0@example.net",
		.address_count = 16 }, "" },
	{ { .common_names = { "joe" }, .address = "joe@\xff.net" }, "" },
	{ { .common_names = { "joe" }, .address = "joe@example.net\0",
		.address_count = 16 }, "" },
	{ { .common_names = { "joe" }, .purpose = GNUTLS_KP_TLS_WWW_CLIENT },
		"joe" },
	{ { .common_names = { "joe" }, .purpose = GNUTLS_KP_TLS_WWW_SERVER },
		"" },
	{ { .common_names = { "joe" }, .valid_s = -60 }, "" },
	{ { .common_names = { "joe" }, .issuer = "stranger" }, "" },
};

static void make_client(const struct name_case *one)
{
	struct wanted_certificate wanted = one->wanted;

	wanted.stem = "client";
	if (wanted.issuer == NULL)
		wanted.issuer = "ca";
	authority_make(&wanted);
}

static void a_verified_name_is_plain_text_or_nothing(void **state)
{
	static const char *const priorities[] = { TLS12, TLS13 };
	struct house house;
	struct wanted_certificate stranger = authority;

	(void)state;
	begin_with_ca(&house, "");
	stranger.stem = "stranger";
	authority_make(&stranger);
	for (size_t i = 0; i < sizeof(name_cases) / sizeof(*name_cases); i++) {
		make_client(&name_cases[i]);
		for (size_t j = 0; j < 2; j++) {
			struct seen seen = meet(&house, &(struct visitor){
				.priority = priorities[j], .stem = "client" });
			assert_true(seen.is_accepted);
			assert_string_equal(seen.name, name_cases[i].name);
		}
	}
	end(&house);
}

static void a_name_too_long_is_no_name(void **state)
{
	static char longest[256], too_long[257];
	struct name_case one = { .name = longest };
	struct house house;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	memset(too_long, 'x', sizeof(too_long) - 1);
	begin_with_ca(&house, "");
	one.wanted.address = longest;
	make_client(&one);
	assert_string_equal(meet(&house, &(struct visitor){
		.stem = "client" }).name, longest);
	one.wanted.address = too_long;
	make_client(&one);
	assert_string_equal(meet(&house, &(struct visitor){
		.stem = "client" }).name, "");
	end(&house);
}

static void who_is_asked_shows_a_certificate_each_time(void **state)
{
	static const char *const priorities[] = { TLS12, TLS13 };
	struct house house;

	(void)state;
	begin_with_ca(&house, "");
	make_client(&name_cases[0]);
	for (size_t i = 0; i < 2; i++) {
		struct seen seen = meet(&house, &(struct visitor){
			.priority = priorities[i], .stem = "client",
			.connections = 2 });
		assert_false(seen.is_resumed);
		assert_string_equal(seen.name, name_cases[0].name);
	}
	end(&house);
}

static void who_is_not_asked_has_no_name(void **state)
{
	struct house house;

	(void)state;
	begin(&house, "");
	make_client(&name_cases[0]);
	struct seen seen = meet(&house, &(struct visitor){ .stem = "client" });
	assert_true(seen.is_accepted);
	assert_string_equal(seen.name, "");
	end(&house);
}

static void a_certificate_is_optional_unless_required(void **state)
{
	struct house house;

	(void)state;
	begin_with_ca(&house, "");
	assert_true(meet(&house, &(struct visitor){ NULL }).is_accepted);
	end(&house);

	begin_with_ca(&house, "client-certificate = required");
	assert_false(meet(&house, &(struct visitor){ NULL }).is_accepted);
	make_client(&(struct name_case){ .wanted = {
		.common_names = { "joe" }, .issuer = "server" } });
	assert_false(meet(&house, &(struct visitor){
		.stem = "client" }).is_accepted);
	make_client(&name_cases[0]);
	assert_string_equal(meet(&house, &(struct visitor){
		.stem = "client" }).name, name_cases[0].name);
	end(&house);
}

static void a_client_ca_without_certificates_is_told(void **state)
{
	struct house house;
	char more[512];

	(void)state;
	begin(&house, "");
	scratch_write("empty.pem", 0600, "");
	snprintf(more, sizeof(more), "%s", scratch_path("empty.pem"));
	free(house.settings->tls.client_ca);
	house.settings->tls.client_ca = strdup(more);
	assert_null(tls_context_new(house.settings, stderr));
	assert_non_null(strstr(scratch_errors(), "empty.pem\": no PEM"));
	unlink(more);
	assert_null(tls_context_new(house.settings, stderr));
	assert_non_null(strstr(scratch_errors(), "empty.pem\": can't read"));
	end(&house);
}

static void expect_order(const char *const wanted[5], bool has_aes)
{
	const char *ciphers[] = { "AES-256-GCM", "CHACHA20-POLY1305",
		"AES-256-CBC", "AES-128-GCM", "AES-128-CBC" };

	tls_policy_order_ciphers(ciphers, 5, has_aes);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(ciphers[i], wanted[i]);
	tls_policy_order_ciphers(ciphers, 0, has_aes);
}

static void the_fastest_cipher_comes_first(void **state)
{
	const char *groups[] = { "SECP384R1", "X448", "X25519",
		"X25519-MLKEM768" };

	(void)state;
	expect_order((const char *const[]){ "AES-256-GCM", "AES-128-GCM",
		"CHACHA20-POLY1305", "AES-256-CBC", "AES-128-CBC" }, true);
	expect_order((const char *const[]){ "CHACHA20-POLY1305",
		"AES-128-GCM", "AES-256-GCM", "AES-256-CBC", "AES-128-CBC" },
		false);
	tls_policy_order_groups(groups, 4);
	assert_string_equal(groups[0], "X25519-MLKEM768");
	assert_string_equal(groups[1], "X25519");
	assert_string_equal(groups[2], "SECP384R1");
}

static void a_staple_is_fresh_until_its_next_update(void **state)
{
	struct tls_staple staple = { .der = { (unsigned char *)"x", 1 } };

	(void)state;
	assert_true(tls_staple_is_fresh(&staple, 1000));
	staple.until_s = 1000;
	assert_true(tls_staple_is_fresh(&staple, 999));
	assert_false(tls_staple_is_fresh(&staple, 1000));
	staple.der.data = NULL;
	assert_false(tls_staple_is_fresh(&staple, 0));
}

/* What the context of 'house' tells of its certificate; "" for nothing. */
static void expect_told(struct house *house, unsigned (*say)(
	const struct tls_context *, FILE *), const char *wanted)
{
	char text[1024] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	unsigned count = say(house->context, out);

	fclose(out);
	assert_int_equal(count, wanted[0] != '\0');
	if (count > 0)
		assert_non_null(strstr(text, wanted));
}

static void an_end_is_told_for_two_weeks(void **state)
{
	static const struct {
		long valid_s;
		const char *flaw, *warning;
	} cases[] = {
		{ 14 * 86400L + 60, "", "" },
		{ 14 * 86400L - 60, "", "it expires in 13 days" },
		{ 3600, "", "it expires in 0 days" },
		{ -60, "it has expired", "" },
	};
	struct house house;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wanted_certificate wanted = server_certificate;
		begin(&house, "");
		wanted.valid_s = cases[i].valid_s;
		authority_make(&wanted);
		tls_context_free(house.context);
		house.context = tls_context_new(house.settings, stderr);
		assert_non_null(house.context);
		expect_told(&house, tls_context_tell_flaws, cases[i].flaw);
		expect_told(&house, tls_context_tell_expiry,
			cases[i].warning);
		end(&house);
	}
}

static void a_wish_for_old_versions_counts_where_they_are_refused(void **state)
{
	struct visitor old = { .priority = "NORMAL:-VERS-ALL:+VERS-TLS1.0" };
	struct house house;

	(void)state;
	begin(&house, "min-version = 1.3");
	assert_false(meet(&house, &old).is_accepted);
	house.allows_legacy = true;
	struct seen seen = meet(&house, &old);
	assert_true(seen.is_accepted && seen.is_legacy && !seen.is_bound);
	seen = meet(&house, &(struct visitor){ .priority = TLS13 });
	assert_true(seen.is_accepted && !seen.is_legacy);
	end(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("the channel binding is the client's",
			the_channel_binding_is_the_clients),
		SCRATCH_CASE("TLS 1.2 without the extended master secret has "
			"no channel binding",
			without_extended_master_secret_nothing_binds),
		SCRATCH_CASE("a verified name is plain text, or nothing",
			a_verified_name_is_plain_text_or_nothing),
		SCRATCH_CASE("a name of 256 octets is no name",
			a_name_too_long_is_no_name),
		SCRATCH_CASE("who is asked for a certificate shows it again",
			who_is_asked_shows_a_certificate_each_time),
		SCRATCH_CASE("who is not asked for a certificate has no name",
			who_is_not_asked_has_no_name),
		SCRATCH_CASE("a certificate is optional, unless it is required",
			a_certificate_is_optional_unless_required),
		PLAIN_CASE("the fastest cipher comes first",
			the_fastest_cipher_comes_first),
		PLAIN_CASE("a staple is fresh until its next update",
			a_staple_is_fresh_until_its_next_update),
		SCRATCH_CASE("an end is told for two weeks, then as a flaw",
			an_end_is_told_for_two_weeks),
		SCRATCH_CASE("a wish for old versions counts where they are "
			"refused",
			a_wish_for_old_versions_counts_where_they_are_refused),
		SCRATCH_CASE("a client-ca without certificates is told",
			a_client_ca_without_certificates_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
