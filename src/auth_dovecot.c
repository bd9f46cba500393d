/*
 * auth_dovecot.c - back end: the authentication server of a Dovecot
 *
 * Owns: the client's side of Dovecot's authentication protocol 1.2.  Runs in:
 * a keeper, usually as root.  Distrusts: the server, beyond its "OK"; names and
 * responses, which come from the network.
 */
#include "config.h"

#include "auth_dovecot.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "auth_ends.h"
#include "auth_name.h"
#include "auth_offer.h"
#include "auth_userdb.h"
#include "deadline.h"
#include "log.h"
#include "tabbed.h"

#define ID "1"			/* of our one request on a connection */

/* A response to PLAIN: two NULs, name and password; and it in base64. */
#define PLAIN_OCTETS (2 + AUTH_NAME_OCTETS + AUTH_PASSWORD_OCTETS)
#define PLAIN_BYTES ((PLAIN_OCTETS + 2) / 3 * 4 + 1)

/* Why a FAIL is one: as a word of its own in 1.1, as a code from 1.2 on. */
static const struct reason {
	const char *word, *code;
	enum auth_result result;
	const char *text;
} reasons[] = {
	{ "temp", "temp_fail", AUTH_TEMPORARY,
		"it could not check now (its own log tells why)" },
	{ "authz", "authz_fail", AUTH_DENIED,
		"the login may not act for this user" },
	{ "user_disabled", "user_disabled", AUTH_DENIED,
		"the user is disabled" },
	{ "pass_expired", "pass_expired", AUTH_DENIED,
		"the password has expired" },
};

/* What Dovecot's own login process would do with the user; we cannot. */
static const char *const elsewhere[] = { "nologin", "proxy", "proxy_maybe" };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The exchange is over.  Always returns false, as begin and step then do. */
static bool decide(struct auth_dovecot *exchange, enum auth_result result)
{
	exchange->result = result;
	auth_socket_close(&exchange->talk);
	return false;
}

static bool fail(struct auth_dovecot *exchange, const char *why)
{
	auth_offer_log(exchange->backend, why);
	return decide(exchange, AUTH_TEMPORARY);
}

/* OK: who it is by now, and whether that one may come to us at all. */
static bool take_ok(struct auth_dovecot *exchange, const struct tabbed *line)
{
	const char *user = tabbed_find(line, 2, "user");

	if (user == NULL || *user == '\0')
		user = exchange->attempt->name;
	if (!auth_name_is_usable(user))
		return fail(exchange, "it granted a user with a name that "
			"cannot be used here");
	snprintf(exchange->user, sizeof(exchange->user), "%s", user);
	for (size_t i = 0; i < COUNT_OF(elsewhere); i++) {
		if (tabbed_find(line, 2, elsewhere[i]) == NULL)
			continue;
		log_error("backend %s: user=%s may not log in here, says the "
			"field %s of Dovecot", exchange->backend->name, user,
			elsewhere[i]);
		return decide(exchange, AUTH_PERMANENT);
	}
	return decide(exchange, AUTH_GRANTED);
}

/* FAIL: the password is wrong, unless it tells something else. */
static bool take_fail(struct auth_dovecot *exchange, const struct tabbed *line)
{
	const char *code = tabbed_find(line, 2, "code");
	const char *user = tabbed_find(line, 2, "user");
	char safe[LOG_NAME_BYTES];

	for (size_t i = 0; i < COUNT_OF(reasons); i++) {
		const struct reason *reason = &reasons[i];

		if (tabbed_find(line, 2, reason->word) == NULL &&
			(code == NULL || strcmp(code, reason->code) != 0))
			continue;
		if (reason->result == AUTH_TEMPORARY)
			return fail(exchange, reason->text);
		log_name(user == NULL ? exchange->attempt->name : user, safe);
		log_info("backend %s: user=%s: %s", exchange->backend->name,
			safe, reason->text);
		return decide(exchange, reason->result);
	}
	return decide(exchange, AUTH_DENIED);
}

/* CONT: its challenge must be nothing but base64. */
static bool take_challenge(struct auth_dovecot *exchange,
	const struct tabbed *line)
{
	static const char octets[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/=";
	static char none[] = "";

	exchange->challenge = line->count > 2 ? line->fields[2] : none;
	if (exchange->challenge[strspn(exchange->challenge, octets)] != '\0')
		return fail(exchange, "it sent a challenge that is not base64");
	return true;
}

static bool read_answer(struct auth_dovecot *exchange, int64_t deadline_ms)
{
	static const struct answer {
		const char *word;
		bool (*take)(struct auth_dovecot *, const struct tabbed *);
	} answers[] = {
		{ "OK", take_ok }, { "FAIL", take_fail },
		{ "CONT", take_challenge },
	};
	char *text = auth_socket_line(&exchange->talk, deadline_ms);
	struct tabbed line;

	if (text == NULL)
		return fail(exchange, auth_socket_why(errno));
	if (tabbed_split(text, &line) && line.count >= 2 &&
		strcmp(line.fields[1], ID) == 0)
		for (size_t i = 0; i < COUNT_OF(answers); i++)
			if (strcmp(line.fields[0], answers[i].word) == 0)
				return answers[i].take(exchange, &line);
	return fail(exchange, auth_socket_why(EBADMSG));
}

/* Send one request, which may hold a password, and read the answer. */
static bool ask(struct auth_dovecot *exchange, struct tabbed_line *request,
	int64_t deadline_ms)
{
	int result;

	tabbed_add(request, "\n");
	if (request->is_full) {
		explicit_bzero(request->octets, request->room);
		return decide(exchange, AUTH_DENIED);
	}
	result = auth_socket_send(&exchange->talk, request->octets,
		deadline_ms);
	explicit_bzero(request->octets, request->room);
	if (result < 0)
		return fail(exchange, auth_socket_why(errno));
	return read_answer(exchange, deadline_ms);
}

int auth_dovecot_mechanisms(const struct backend_settings *backend,
	char *list, size_t room)
{
	struct auth_socket talk;

	if (auth_offer_connect(backend, &talk, list, room,
			deadline_in_s(backend->timeout_s)) < 0)
		return -1;
	auth_socket_close(&talk);
	return 0;
}

bool auth_dovecot_begin(struct auth_dovecot *exchange,
	const struct backend_settings *backend,
	const struct auth_attempt *attempt, const char *mechanism,
	const char *response)
{
	int64_t deadline_ms = deadline_in_s(backend->timeout_s);
	char list[AUTH_OFFER_BYTES], octets[AUTH_SOCKET_OCTETS];
	struct tabbed_line request;

	exchange->challenge = NULL;
	exchange->backend = backend;
	exchange->attempt = attempt;
	exchange->result = AUTH_TEMPORARY;
	exchange->talk.fd = -1;
	if (auth_offer_connect(backend, &exchange->talk, list, sizeof(list),
			deadline_ms) < 0)
		return false;
	/* It would close the connection, without an answer. */
	if (!auth_offer_has(list, mechanism)) {
		log_error("backend %s: %s: it does not offer %s (its setting "
			"auth_mechanisms)", backend->name, backend->path,
			mechanism);
		return decide(exchange, AUTH_TEMPORARY);
	}
	tabbed_begin(&request, octets, sizeof(octets));
	tabbed_add(&request, "AUTH\t" ID "\t");
	tabbed_add(&request, mechanism);
	auth_ends_add(&request, attempt);
	/* The last one, and escaped: one field, whatever the client sent. */
	if (response != NULL) {
		tabbed_add(&request, "\tresp=");
		tabbed_add_escaped(&request, response);
	}
	return ask(exchange, &request, deadline_ms);
}

bool auth_dovecot_step(struct auth_dovecot *exchange, const char *response)
{
	char octets[AUTH_SOCKET_OCTETS];
	struct tabbed_line request;

	tabbed_begin(&request, octets, sizeof(octets));
	tabbed_add(&request, "CONT\t" ID "\t");
	tabbed_add_escaped(&request, response);
	return ask(exchange, &request,
		deadline_in_s(exchange->backend->timeout_s));
}

enum auth_result auth_dovecot_end(struct auth_dovecot *exchange,
	struct auth_identity *identity)
{
	if (exchange->talk.fd >= 0)
		decide(exchange, AUTH_DENIED);
	if (exchange->result != AUTH_GRANTED)
		return exchange->result;
	memset(identity, 0, sizeof(*identity));
	memcpy(identity->name, exchange->user, sizeof(exchange->user));
	return auth_userdb_find(exchange->backend, exchange->attempt,
		identity);
}

/* RFC 4616: the user, and nobody else in whose place to come. */
static void make_plain(const struct auth_attempt *attempt,
	char response[PLAIN_BYTES])
{
	char octets[PLAIN_OCTETS + 1];
	int count = snprintf(octets, sizeof(octets), "%c%s%c%s", '\0',
		attempt->name, '\0', attempt->password);
	const gnutls_datum_t message = { (unsigned char *)octets,
		(unsigned int)count };
	gnutls_datum_t encoded;

	if (count < 0 || (size_t)count >= sizeof(octets) ||
			gnutls_base64_encode2(&message, &encoded) < 0)
		bug("a response to PLAIN has no room");
	snprintf(response, PLAIN_BYTES, "%.*s", (int)encoded.size,
		(const char *)encoded.data);
	explicit_bzero(octets, sizeof(octets));
	explicit_bzero(encoded.data, encoded.size);
	gnutls_free(encoded.data);
}

enum auth_result auth_dovecot_check(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	struct auth_dovecot exchange;
	char response[PLAIN_BYTES];
	bool goes_on;

	make_plain(attempt, response);
	goes_on = auth_dovecot_begin(&exchange, backend, attempt, "PLAIN",
		response);
	explicit_bzero(response, sizeof(response));
	if (goes_on)
		fail(&exchange, "it asks for more after a whole password");
	return auth_dovecot_end(&exchange, identity);
}
