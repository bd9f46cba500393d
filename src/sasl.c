/*
 * sasl.c - the server's side of one SASL exchange, by GNU SASL
 *
 * Owns: what a mechanism wants to know, and what its end means.
 * Runs in: a keeper, as root or as the invoking user.
 * Distrusts: every response.
 *
 * GNU SASL knows no mechanism for bearer tokens: theirs is one response, which
 * token.c takes apart.
 */
#include "config.h"

#include "sasl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sasl_state.h"
#include "token.h"

/* RFC 7628 section 3.2.2; XOAUTH2 has the same, with other words. */
#define TOKEN_REFUSED "{\"status\":\"invalid_token\",\"schemes\":\"bearer\"}"

#define BASE64_BYTES(octets) (((octets) + 2) / 3 * 4 + 1)

static enum sasl_event finish(struct sasl *sasl, enum auth_result result)
{
	if (result != AUTH_GRANTED)
		memset(&sasl->outcome.identity, 0,
			sizeof(sasl->outcome.identity));
	sasl->outcome.result = result;
	return SASL_OVER;
}

static enum sasl_event finish_malformed(struct sasl *sasl)
{
	sasl->outcome.is_malformed = true;
	return finish(sasl, AUTH_DENIED);
}

static enum sasl_event give_up(struct sasl *sasl, const char *why)
{
	log_error("mechanism %s: %s",
		mechanism_name(sasl->facts->mechanism), why);
	return finish(sasl, AUTH_TEMPORARY);
}

/* Write octets as a challenge, if it is not too long. */
static enum sasl_event challenge_with(struct sasl *sasl, const char *octets,
	size_t count, char challenge[WIRE_IMAGE_BYTES])
{
	char *text = NULL;
	size_t bytes = 0;

	if (BASE64_BYTES(count) > WIRE_IMAGE_BYTES)
		return give_up(sasl, "its challenge is too long");
	if (count > 0 && gsasl_base64_to(octets, count, &text, &bytes) !=
			GSASL_OK)
		return give_up(sasl, "out of memory");
	snprintf(challenge, WIRE_IMAGE_BYTES, "%s", count > 0 ? text : "");
	gsasl_free(text);
	return SASL_CHALLENGE;
}

/* What GNU SASL says after the exchange has failed. */
static enum sasl_event judge_failure(struct sasl *sasl, int status)
{
	/* In SCRAM the result is of the keys, and the proof was wrong. */
	if (sasl->has_keys || sasl->outcome.result == AUTH_GRANTED)
		sasl->outcome.result = AUTH_DENIED;
	if (status == GSASL_AUTHENTICATION_ERROR)
		return finish(sasl, sasl->outcome.result);
	if (status == GSASL_MALLOC_ERROR || status == GSASL_CRYPTO_ERROR ||
			status == GSASL_NO_CALLBACK)
		return give_up(sasl, gsasl_strerror(status));
	return finish_malformed(sasl);
}

/* A step of a mechanism that GNU SASL has. */
static enum sasl_event step_library(struct sasl *sasl, char *octets,
	size_t count, char challenge[WIRE_IMAGE_BYTES])
{
	char *answer = NULL;
	size_t bytes = 0;

	sasl->octets = octets;
	sasl->count = count;
	int status = gsasl_step(sasl->session, octets, count, &answer,
		&bytes);
	enum sasl_event event;

	if (sasl->outcome.result == AUTH_TEMPORARY) {
		event = finish(sasl, AUTH_TEMPORARY);
	} else if (status == GSASL_NEEDS_MORE ||
			(status == GSASL_OK && bytes > 0)) {
		/* RFC 5034 section 4: success brings no data in POP3. */
		sasl->has_said_last = status == GSASL_OK;
		event = challenge_with(sasl, answer, bytes, challenge);
	} else if (status == GSASL_OK) {
		event = finish(sasl, sasl->outcome.result);
	} else {
		event = judge_failure(sasl, status);
	}
	gsasl_free(answer);
	return event;
}

static void make_farewell(struct sasl *sasl)
{
	char challenge[WIRE_IMAGE_BYTES];

	if (challenge_with(sasl, TOKEN_REFUSED, strlen(TOKEN_REFUSED),
			challenge) == SASL_CHALLENGE)
		snprintf(sasl->outcome.farewell,
			sizeof(sasl->outcome.farewell), "%.127s", challenge);
}

static enum sasl_event check_token(struct sasl *sasl, char *octets,
	size_t count)
{
	bool is_xoauth2 = sasl->facts->mechanism == MECHANISM_XOAUTH2;
	struct token token;
	int status = is_xoauth2 ? token_parse_xoauth2(octets, count, &token) :
		token_parse_oauthbearer(octets, count, &token);

	if (status < 0)
		return finish_malformed(sasl);
	sasl_take_name(sasl, token.name);
	struct auth_attempt attempt = sasl_attempt(sasl, token.bearer);
	enum auth_result result = *token.name != '\0' &&
		*sasl->outcome.login.user == '\0' ? AUTH_DENIED :
		auth_check_token(&sasl->facts->settings->auth, &attempt,
			&sasl->outcome.identity);
	if (result == AUTH_DENIED)
		make_farewell(sasl);
	if (result == AUTH_GRANTED && *token.name == '\0')
		sasl_take_name(sasl, sasl->outcome.identity.name);
	return finish(sasl, result);
}

/* The one step of a mechanism for tokens. */
static enum sasl_event step_token(struct sasl *sasl, const char *response,
	size_t count)
{
	char octets[WIRE_RESPONSE_BYTES];
	enum sasl_event event;

	/* What GNU SASL decodes has no NUL behind it. */
	memcpy(octets, response, count);
	octets[count] = '\0';
	event = check_token(sasl, octets, count);
	explicit_bzero(octets, count);
	return event;
}

static enum sasl_event step(struct sasl *sasl, char *octets, size_t count,
	char challenge[WIRE_IMAGE_BYTES])
{
	if (sasl->session != NULL)
		return step_library(sasl, octets, count, challenge);
	if (octets == NULL)
		return challenge_with(sasl, "", 0, challenge);
	return step_token(sasl, octets, count);
}

/* GNU SASL asks for the name in LOGIN in any case: let it, unheard. */
static void ask_unheard(struct sasl *sasl)
{
	char *challenge = NULL;
	size_t bytes;

	(void)gsasl_step(sasl->session, NULL, 0, &challenge, &bytes);
	gsasl_free(challenge);
}

static bool is_token(enum mechanism mechanism)
{
	return mechanism == MECHANISM_OAUTHBEARER ||
		mechanism == MECHANISM_XOAUTH2;
}

/* Without what Dovecot can't know, the TLS channel. */
static bool is_scram(enum mechanism mechanism)
{
	return mechanism == MECHANISM_SCRAM_SHA_1 ||
		mechanism == MECHANISM_SCRAM_SHA_256;
}

struct sasl *sasl_begin(const struct sasl_facts *facts)
{
	struct sasl *sasl = calloc(1, sizeof(*sasl));

	if (sasl == NULL)
		return NULL;
	sasl->facts = facts;
	sasl->outcome.result = AUTH_DENIED;
	if (is_token(facts->mechanism))
		return sasl;
	if (is_scram(facts->mechanism) &&
			auth_relay(&facts->settings->auth) != NULL) {
		if (sasl_relay_begin(sasl) == 0)
			return sasl;
		free(sasl);
		return NULL;
	}
	if (gsasl_init(&sasl->library) != GSASL_OK) {
		free(sasl);
		return NULL;
	}
	gsasl_callback_set(sasl->library, sasl_tell);
	if (gsasl_server_start(sasl->library,
			mechanism_name(facts->mechanism),
			&sasl->session) != GSASL_OK) {
		sasl_end(sasl);
		return NULL;
	}
	gsasl_session_hook_set(sasl->session, sasl);
	return sasl;
}

enum sasl_event sasl_step(struct sasl *sasl, const char *response,
	char challenge[WIRE_IMAGE_BYTES])
{
	char *octets = NULL;
	size_t count = 0;
	enum sasl_event event;

	if (sasl->relay != NULL)
		return sasl_relay_step(sasl, response, challenge);
	if (sasl->has_said_last)
		return response != NULL && *response == '\0' ?
			finish(sasl, sasl->outcome.result) :
			finish_malformed(sasl);
	if (response != NULL && gsasl_base64_from(response, strlen(response),
			&octets, &count) != GSASL_OK)
		return finish_malformed(sasl);
	if (sasl->facts->mechanism == MECHANISM_LOGIN && response != NULL &&
			!sasl->has_begun)
		ask_unheard(sasl);
	sasl->has_begun = true;
	event = step(sasl, octets, count, challenge);
	if (octets != NULL)
		explicit_bzero(octets, count);
	gsasl_free(octets);
	return event;
}

const struct sasl_outcome *sasl_outcome(const struct sasl *sasl)
{
	return &sasl->outcome;
}

void sasl_end(struct sasl *sasl)
{
	if (sasl->relay != NULL)
		sasl_relay_end(sasl);
	if (sasl->session != NULL)
		gsasl_finish(sasl->session);
	if (sasl->library != NULL)
		gsasl_done(sasl->library);
	explicit_bzero(sasl, sizeof(*sasl));
	free(sasl);
}
