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
#include "auth_name.h"
#include "auth_program.h"
#include "gate.h"

/* Asked for in place of a name that must not reach a back end. */
#define NOBODY "-"

static enum auth_result ask_backend(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	static const struct kind {
		enum auth_result (*check)(const struct backend_settings *,
			const struct auth_attempt *, struct auth_identity *);
		bool is_elsewhere;	/* it costs others, not us */
	} kinds[] = {
		[BACKEND_PASSWD_FILE] = { auth_file_check, false },
		[BACKEND_PROGRAM] = { auth_program_check, false },
		[BACKEND_DOVECOT] = { auth_dovecot_check, true },
	};
	const struct kind *kind = &kinds[backend->type];
	enum auth_result result;

	memset(identity, 0, sizeof(*identity));
	memcpy(identity->name, attempt->name, strlen(attempt->name));
	if (kind->is_elsewhere)
		return kind->check(backend, attempt, identity);
	gate_enter();
	result = kind->check(backend, attempt, identity);
	gate_leave();
	return result;
}

static enum auth_result ask_all(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	enum auth_result otherwise = AUTH_DENIED;

	for (size_t i = 0; i < settings->backend_count; i++) {
		enum auth_result result = ask_backend(&settings->backends[i],
			attempt, identity);

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
	ask_all(settings, &nobody, &identity);
	return AUTH_DENIED;
}

enum auth_result auth_check(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	enum auth_result result;

	if (auth_name_is_usable(attempt->name) &&
		strnlen(attempt->password, AUTH_PASSWORD_OCTETS + 1) <=
		AUTH_PASSWORD_OCTETS)
		result = ask_all(settings, attempt, identity);
	else
		result = ask_for_nobody(settings, attempt);
	if (result == AUTH_STUCK)
		result = AUTH_TEMPORARY;
	if (result != AUTH_GRANTED)
		memset(identity, 0, sizeof(*identity));
	return result;
}
