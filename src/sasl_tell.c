/*
 * sasl_tell.c - what GNU SASL wants to know: passwords, keys, names, bindings
 *
 * Runs in: a keeper.  Distrusts: names and passwords.
 */
#include "config.h"

#include "sasl_state.h"

#include <stdio.h>
#include <string.h>

/* RFC 4422 section 3.4.1: nobody here may act as somebody else. */
static void take_names(struct sasl *sasl, const char *name,
	const char *authzid)
{
	sasl_take_name(sasl, name);
	if (authzid != NULL && *authzid != '\0' &&
			strcmp(authzid, sasl->outcome.name) != 0)
		sasl->outcome.login.user[0] = '\0';
}

static const char *authzid_of(const struct sasl *sasl)
{
	return gsasl_property_fast(sasl->session, GSASL_AUTHZID);
}

/*
 * PLAIN: "authzid NUL name NUL password", as GNU SASL has seen already.  What
 * it tells of them has gone through SASLprep, which changes more than the form
 * that USER and PASS are compared in (auth_normal.h): one password, one form.
 */
static int validate_plain(struct sasl *sasl)
{
	char text[WIRE_RESPONSE_BYTES];
	const char *name, *password;

	memcpy(text, sasl->octets, sasl->count);
	text[sasl->count] = '\0';
	name = text + strlen(text) + 1;
	password = name + strlen(name) + 1;
	take_names(sasl, name, text);
	struct auth_attempt attempt = sasl_attempt(sasl, password);
	sasl->outcome.result = auth_check(&sasl->facts->settings->auth,
		&attempt, &sasl->outcome.identity);
	explicit_bzero(text, sasl->count);
	return sasl->outcome.result == AUTH_GRANTED ? GSASL_OK :
		GSASL_AUTHENTICATION_ERROR;
}

/* LOGIN: name and password are there. */
static int validate_simple(struct sasl *sasl)
{
	const char *password = gsasl_property_fast(sasl->session,
		GSASL_PASSWORD);

	if (sasl->facts->mechanism == MECHANISM_PLAIN)
		return validate_plain(sasl);
	take_names(sasl, gsasl_property_fast(sasl->session, GSASL_AUTHID),
		authzid_of(sasl));
	struct auth_attempt attempt = sasl_attempt(sasl,
		password == NULL ? "" : password);
	sasl->outcome.result = auth_check(&sasl->facts->settings->auth,
		&attempt, &sasl->outcome.identity);
	return sasl->outcome.result == AUTH_GRANTED ? GSASL_OK :
		GSASL_AUTHENTICATION_ERROR;
}

/* EXTERNAL: the certificate says who it is. */
static int validate_external(struct sasl *sasl)
{
	take_names(sasl, sasl->facts->client_name, authzid_of(sasl));
	/* A name in a certificate is somebody's, and no way to a folder. */
	if (sasl->outcome.login.folder[0] != '\0')
		sasl->outcome.login.user[0] = '\0';
	struct auth_attempt attempt = sasl_attempt(sasl, "");
	sasl->outcome.result = auth_find(&sasl->facts->settings->auth,
		&attempt, &sasl->outcome.identity);
	return sasl->outcome.result == AUTH_GRANTED ? GSASL_OK :
		GSASL_AUTHENTICATION_ERROR;
}

static enum scram_digest digest_of(const struct sasl *sasl)
{
	enum mechanism mechanism = sasl->facts->mechanism;

	return mechanism == MECHANISM_SCRAM_SHA_1 ||
		mechanism == MECHANISM_SCRAM_SHA_1_PLUS ?
		SCRAM_SHA_1 : SCRAM_SHA_256;
}

/* SCRAM: the keys of the user, or such as nobody has. */
static void find_keys(struct sasl *sasl)
{
	if (sasl->has_keys)
		return;
	take_names(sasl, gsasl_property_fast(sasl->session, GSASL_AUTHID),
		authzid_of(sasl));
	struct auth_attempt attempt = sasl_attempt(sasl, "");
	sasl->outcome.result = auth_find_scram(&sasl->facts->settings->auth,
		&attempt, digest_of(sasl), &sasl->keys,
		&sasl->outcome.identity);
	sasl->has_keys = true;
}

static int set_octets(struct sasl *sasl, Gsasl_property property,
	const uint8_t *octets, size_t count)
{
	char *text;
	size_t bytes;
	int result = gsasl_base64_to((const char *)octets, count, &text,
		&bytes);

	if (result != GSASL_OK)
		return result;
	result = gsasl_property_set(sasl->session, property, text);
	gsasl_free(text);
	return result;
}

static int set_iterations(struct sasl *sasl)
{
	char text[16];

	snprintf(text, sizeof(text), "%lu",
		(unsigned long)sasl->keys.iterations);
	return gsasl_property_set(sasl->session, GSASL_SCRAM_ITER, text);
}

static int tell_scram(struct sasl *sasl, Gsasl_property property)
{
	struct scram_keys *keys = &sasl->keys;
	size_t key_bytes = scram_digest_bytes(digest_of(sasl));

	find_keys(sasl);
	if (sasl->outcome.result == AUTH_TEMPORARY)
		return GSASL_NO_CALLBACK;
	switch (property) {
	case GSASL_SCRAM_ITER:
		return set_iterations(sasl);
	case GSASL_SCRAM_SALT:
		return set_octets(sasl, property, keys->salt,
			keys->salt_bytes);
	case GSASL_SCRAM_STOREDKEY:
		return set_octets(sasl, property, keys->stored_key,
			key_bytes);
	default:
		return set_octets(sasl, property, keys->server_key,
			key_bytes);
	}
}

/*
 * Without a binding GNU SASL takes a client at its word that says we offered
 * none; with one it does not.  RFC 5802 section 6.
 */
static int tell_binding(struct sasl *sasl)
{
	if (sasl->facts->binding == NULL)
		return GSASL_NO_CALLBACK;
	return set_octets(sasl, GSASL_CB_TLS_EXPORTER, sasl->facts->binding,
		WIRE_BINDING_BYTES);
}

void sasl_take_name(struct sasl *sasl, const char *name)
{
	struct sasl_outcome *outcome = &sasl->outcome;

	snprintf(outcome->name, sizeof(outcome->name), "%s",
		name == NULL ? "" : name);
	/* Of a name that is cut nobody may be made. */
	auth_name_split(name == NULL || strlen(name) >= sizeof(outcome->name) ?
		"" : name,
		sasl->facts->settings->mailbox.folder_separator,
		&outcome->login);
}

struct auth_attempt sasl_attempt(const struct sasl *sasl, const char *secret)
{
	struct auth_attempt attempt = sasl->facts->attempt;

	attempt.name = sasl->outcome.login.user;
	attempt.password = secret;
	return attempt;
}

int sasl_tell(Gsasl *library, Gsasl_session *session,
	Gsasl_property property)
{
	struct sasl *sasl = gsasl_session_hook_get(session);

	(void)library;
	switch (property) {
	case GSASL_VALIDATE_SIMPLE:
		return validate_simple(sasl);
	case GSASL_VALIDATE_EXTERNAL:
		return validate_external(sasl);
	case GSASL_CB_TLS_EXPORTER:
		return tell_binding(sasl);
	case GSASL_SCRAM_ITER:
	case GSASL_SCRAM_SALT:
	case GSASL_SCRAM_STOREDKEY:
	case GSASL_SCRAM_SERVERKEY:
		return tell_scram(sasl, property);
	default:
		return GSASL_NO_CALLBACK;
	}
}

