/*
 * sasl_relay.c - SCRAM by the Dovecot that has the keys: we relay it
 *
 * Runs in: a keeper.  Distrusts: the client's responses, which are Dovecot's
 * to understand.
 */
#include "config.h"

#include "sasl_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MARK ",n="

/*
 * Whom the client says it is, for the log of a failure: Dovecot does not tell.
 * RFC 5802 section 7: the name in a client-first-message.
 */
static void note_name(struct sasl *sasl, const char *response)
{
	char text[WIRE_NAME_OCTETS + 1] = "";
	char *octets = NULL, *name;
	size_t count = 0;

	if (response == NULL || sasl->outcome.name[0] != '\0' ||
			gsasl_base64_from(response, strlen(response), &octets,
				&count) != GSASL_OK)
		return;
	if (count < sizeof(text))
		memcpy(text, octets, count);
	gsasl_free(octets);
	name = strstr(text, NAME_MARK);
	if (name == NULL)
		return;
	name += strlen(NAME_MARK);
	name[strcspn(name, ",")] = '\0';
	sasl_take_name(sasl, name);
}

static enum sasl_event conclude(struct sasl *sasl)
{
	struct sasl_outcome *outcome = &sasl->outcome;

	outcome->result = auth_dovecot_end(sasl->relay, &outcome->identity);
	sasl->is_relayed = true;
	if (outcome->result == AUTH_STUCK)
		outcome->result = AUTH_TEMPORARY;
	/* It may have renamed the user; a folder is not to be had so. */
	if (outcome->result == AUTH_GRANTED)
		sasl_take_name(sasl, outcome->identity.name);
	outcome->login.folder[0] = '\0';
	return SASL_OVER;
}

int sasl_relay_begin(struct sasl *sasl)
{
	sasl->relay = calloc(1, sizeof(*sasl->relay));
	sasl->relayed = sasl->facts->attempt;
	return sasl->relay == NULL ? -1 : 0;
}

enum sasl_event sasl_relay_step(struct sasl *sasl, const char *response,
	char challenge[WIRE_IMAGE_BYTES])
{
	bool goes_on;

	note_name(sasl, response);
	if (sasl->has_begun)
		goes_on = auth_dovecot_step(sasl->relay, response);
	else
		goes_on = auth_dovecot_begin(sasl->relay,
			auth_relay(&sasl->facts->settings->auth),
			&sasl->relayed,
			mechanism_name(sasl->facts->mechanism), response);
	sasl->has_begun = true;
	/* None is as long; one that is, is given up. */
	if (!goes_on || strlen(sasl->relay->challenge) >= WIRE_IMAGE_BYTES)
		return conclude(sasl);
	memcpy(challenge, sasl->relay->challenge,
		strlen(sasl->relay->challenge) + 1);
	return SASL_CHALLENGE;
}

void sasl_relay_end(struct sasl *sasl)
{
	struct auth_identity nobody;

	/* One that was never begun has nothing to end. */
	if (sasl->has_begun && !sasl->is_relayed)
		(void)auth_dovecot_end(sasl->relay, &nobody);
	free(sasl->relay);
}
