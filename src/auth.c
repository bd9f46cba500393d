/*
 * auth.c - ask the password back ends in their order
 *
 * Owns: what the answers of several back ends mean together.  Runs in: a
 * keeper, as root or as the invoking user.  Distrusts: name and password.
 */
#include "config.h"

#include "auth.h"

#include <string.h>

#include "auth_dovecot.h"
#include "auth_file.h"
#include "auth_identity.h"
#include "auth_keys.h"
#include "auth_name.h"
#include "auth_normal.h"
#include "auth_offer.h"
#include "auth_program.h"
#include "gate.h"
#include "log.h"
#include "mechanism.h"

/* Asked for in place of a name that must not reach a back end. */
#define NOBODY "-"

/* What the client sent, as it is compared. */
struct normal_attempt {
	struct auth_attempt attempt;	/* of the two below */
	char name[AUTH_NAME_OCTETS + 1];
	char password[AUTH_PASSWORD_OCTETS + 1];
};

static const struct type {
	bool is_elsewhere;	/* what it costs is not ours */
	enum auth_result (*check)(const struct backend_settings *,
		const struct auth_attempt *, struct auth_identity *);
	/* NULL, here and below: it can't. */
	enum auth_result (*find)(const struct backend_settings *,
		const struct auth_attempt *, struct auth_identity *);
	enum auth_result (*find_scram)(const struct backend_settings *,
		const struct auth_attempt *, enum scram_digest,
		struct scram_keys *, struct auth_identity *);
	bool (*has_scram)(const struct backend_settings *, enum scram_digest);
	bool (*has_cleartext)(const struct backend_settings *);
} types[] = {
	[BACKEND_PASSWD_FILE] = { false, auth_file_check, auth_file_find,
		auth_file_find_scram, auth_file_has_scram,
		auth_file_has_cleartext },
	[BACKEND_PROGRAM] = { .check = auth_program_check },
	[BACKEND_TOKEN] = { .check = NULL },
	[BACKEND_DOVECOT] = { .check = auth_dovecot_check,
		.is_elsewhere = true },
};

static void begin_identity(const struct auth_attempt *attempt,
	struct auth_identity *identity)
{
	memset(identity, 0, sizeof(*identity));
	memcpy(identity->name, attempt->name, strlen(attempt->name));
}

/* What is found by asking for a password, or ('is_find') for a name only. */
static enum auth_result ask_all(const struct auth_settings *settings,
	const struct auth_attempt *attempt, bool is_find,
	struct auth_identity *identity)
{
	enum auth_result otherwise = AUTH_UNKNOWN;

	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend =
			&settings->backends[i];
		const struct type *type = &types[backend->type];
		enum auth_result (*ask)(const struct backend_settings *,
			const struct auth_attempt *, struct auth_identity *) =
			is_find ? type->find : type->check;
		enum auth_result result = AUTH_UNKNOWN;

		if (ask == NULL || (attempt->is_exposed &&
				type->has_cleartext == NULL))
			continue;
		begin_identity(attempt, identity);
		if (!type->is_elsewhere)
			gate_enter();
		result = ask(backend, attempt, identity);
		gate_leave();
		if (result == AUTH_TEMPORARY)
			otherwise = AUTH_TEMPORARY;
		else if (result != AUTH_UNKNOWN)
			return result;
	}
	return otherwise;
}

/* Refuse, but only after the work that a usable name would have cost. */
static enum auth_result ask_for_nobody(const struct auth_settings *settings,
	const struct auth_attempt *attempt)
{
	struct auth_attempt nobody = *attempt;
	struct auth_identity identity;

	nobody.name = nobody.password = NOBODY;
	ask_all(settings, &nobody, false, &identity);
	return AUTH_DENIED;
}

/* Returns whether that may reach a back end. */
static bool normalise(const struct auth_attempt *sent,
	struct normal_attempt *normal)
{
	normal->attempt = *sent;
	normal->attempt.name = normal->name;
	normal->attempt.password = normal->password;

	bool has_name = auth_normal_write(sent->name, normal->name,
		sizeof(normal->name));
	bool has_password = auth_normal_write(sent->password,
		normal->password, sizeof(normal->password));

	return has_name && has_password && auth_name_is_usable(normal->name);
}

/* To the client it is all one whether no back end knows a user. */
static enum auth_result conclude(enum auth_result result,
	struct auth_identity *identity)
{
	if (result == AUTH_GRANTED)
		return result;
	memset(identity, 0, sizeof(*identity));
	if (result == AUTH_STUCK)
		return AUTH_TEMPORARY;
	return result == AUTH_UNKNOWN || result == AUTH_REFUSED ?
		AUTH_DENIED : result;
}

/* Whose mailbox a token opens: the user of that name in a list, if any. */
static enum auth_result find_owner(const struct auth_settings *settings,
	const struct backend_settings *backend,
	const struct auth_attempt *attempt, const char *name,
	struct auth_identity *identity)
{
	struct auth_attempt owner = *attempt;
	const struct auth_words nothing = { "", "", "" };
	char normal[AUTH_NAME_OCTETS + 1];
	enum auth_result result;
	const char *wrong;

	if (!auth_normal_write(name, normal, sizeof(normal)) ||
			!auth_name_is_usable(normal))
		return AUTH_DENIED;
	owner.name = normal;
	owner.password = "";
	if (*attempt->name != '\0' &&
			!auth_normal_is_of(attempt->name, normal)) {
		log_warning("backend %s: the token of one user came for "
			"another", backend->name);
		return AUTH_DENIED;
	}
	result = ask_all(settings, &owner, true, identity);
	if (result != AUTH_UNKNOWN)
		return result;
	begin_identity(&owner, identity);
	wrong = auth_identity_find(backend, &nothing, identity);
	if (wrong == NULL)
		return AUTH_GRANTED;
	log_error("backend %s: user %s cannot log in: %s", backend->name, name,
		wrong);
	return AUTH_PERMANENT;
}

static uint32_t relayed_abilities(const struct backend_settings *dovecot)
{
	char list[AUTH_OFFER_BYTES];
	uint32_t abilities = 0;

	if (auth_dovecot_mechanisms(dovecot, list, sizeof(list)) < 0)
		return 0;
	if (auth_offer_has(list, "SCRAM-SHA-1"))
		abilities |= ABILITY_SCRAM_SHA_1;
	if (auth_offer_has(list, "SCRAM-SHA-256"))
		abilities |= ABILITY_SCRAM_SHA_256;
	return abilities;
}

/* Keys that nobody has in a back end may be in another that is asked, too. */
static uint32_t scram_abilities(const struct backend_settings *backend)
{
	const struct type *type = &types[backend->type];
	uint32_t abilities = ABILITY_PLUS;

	if (type->has_scram == NULL)
		return 0;
	if (type->has_scram(backend, SCRAM_SHA_1))
		abilities |= ABILITY_SCRAM_SHA_1;
	if (type->has_scram(backend, SCRAM_SHA_256))
		abilities |= ABILITY_SCRAM_SHA_256;
	return abilities;
}

static bool has_own_keys(enum auth_result result)
{
	return result == AUTH_GRANTED || result == AUTH_PERMANENT ||
		result == AUTH_REFUSED;
}

enum auth_result auth_check(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	enum auth_result result;
	struct normal_attempt normal;

	if (normalise(attempt, &normal))
		result = ask_all(settings, &normal.attempt, false, identity);
	else
		result = ask_for_nobody(settings, attempt);
	explicit_bzero(&normal, sizeof(normal));
	return conclude(result, identity);
}

enum auth_result auth_find(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	enum auth_result result = AUTH_UNKNOWN;
	struct normal_attempt normal;

	if (normalise(attempt, &normal))
		result = ask_all(settings, &normal.attempt, true, identity);
	return conclude(result, identity);
}

enum auth_result auth_find_scram(const struct auth_settings *settings,
	const struct auth_attempt *attempt, enum scram_digest digest,
	struct scram_keys *keys, struct auth_identity *identity)
{
	enum auth_result otherwise = AUTH_TEMPORARY;
	struct normal_attempt normal;
	bool is_usable = normalise(attempt, &normal);
	struct auth_attempt asked = normal.attempt;

	if (!is_usable)
		asked.name = NOBODY;
	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend =
			&settings->backends[i];
		struct scram_keys found;

		if (types[backend->type].find_scram == NULL)
			continue;
		begin_identity(&asked, identity);
		gate_enter();
		enum auth_result result = types[backend->type].find_scram(
			backend, &asked, digest, &found, identity);
		gate_leave();
		if (result == AUTH_TEMPORARY)
			return result;
		/* The first one makes up keys for all that nobody knows. */
		if (otherwise == AUTH_TEMPORARY || has_own_keys(result))
			*keys = found;
		explicit_bzero(&found, sizeof(found));
		/* Nobody shall learn that the password of such a user fits. */
		if (result == AUTH_REFUSED && scram_make_up(keys) < 0)
			return AUTH_TEMPORARY;
		if (result != AUTH_UNKNOWN)
			return !is_usable || result == AUTH_REFUSED ?
				AUTH_DENIED : result;
		otherwise = AUTH_DENIED;
	}
	return otherwise;
}

enum auth_result auth_check_token(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	enum auth_result otherwise = AUTH_DENIED;

	memset(identity, 0, sizeof(*identity));
	if (*attempt->name != '\0' && !auth_name_is_usable(attempt->name))
		return AUTH_DENIED;
	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend =
			&settings->backends[i];
		char name[AUTH_NAME_OCTETS + 1];

		if (backend->type != BACKEND_TOKEN)
			continue;
		/* It asks others, which may take long: not inside the gate. */
		enum auth_result result = auth_program_token(backend, attempt,
			name);
		if (result == AUTH_GRANTED)
			return conclude(find_owner(settings, backend, attempt,
				name, identity), identity);
		if (result == AUTH_TEMPORARY)
			otherwise = AUTH_TEMPORARY;
	}
	return otherwise;
}

const struct backend_settings *auth_relay(const struct auth_settings *settings)
{
	const struct backend_settings *only = NULL;

	for (size_t i = 0; i < settings->backend_count; i++) {
		if (settings->backends[i].type == BACKEND_TOKEN)
			continue;
		if (only != NULL)
			return NULL;
		only = &settings->backends[i];
	}
	return only != NULL && only->type == BACKEND_DOVECOT ? only : NULL;
}

uint32_t auth_abilities(const struct auth_settings *settings)
{
	uint32_t all = ABILITY_SCRAM_SHA_1 | ABILITY_SCRAM_SHA_256 |
		ABILITY_PLUS, any = 0;

	for (size_t i = 0; i < settings->backend_count; i++) {
		const struct backend_settings *backend =
			&settings->backends[i];

		if (backend->type == BACKEND_TOKEN) {
			any |= ABILITY_TOKEN;
			continue;
		}
		any |= ABILITY_PASSWORD;
		if (types[backend->type].find != NULL)
			any |= ABILITY_NAME;
		if (types[backend->type].has_cleartext != NULL &&
				types[backend->type].has_cleartext(backend))
			any |= ABILITY_CLEARTEXT;
		all &= scram_abilities(backend);
	}
	if (auth_relay(settings) != NULL)
		all = relayed_abilities(auth_relay(settings));
	return (any & ABILITY_PASSWORD) != 0 ? any | all : any;
}
