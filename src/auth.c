/*
 * auth.c - ask the password back ends in their order
 *
 * Owns: what the answers of several back ends mean together.  Runs in: a
 * keeper, as root or as the invoking user.  Distrusts: name and password.
 */
#include "config.h"

#include "auth.h"

#include <string.h>

#include "auth_file.h"
#include "auth_name.h"
#include "auth_normal.h"
#include "auth_program.h"

/* Asked for in place of a name that must not reach a back end. */
#define NOBODY "-"

/* What the client sent, as it is compared. */
struct normal_attempt {
	struct auth_attempt attempt;	/* of the two below */
	char name[AUTH_NAME_OCTETS + 1];
	char password[AUTH_PASSWORD_OCTETS + 1];
};

static enum auth_result ask_backend(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	static enum auth_result (*const checks[])(
		const struct backend_settings *, const struct auth_attempt *,
		struct auth_identity *) = {
		[BACKEND_PASSWD_FILE] = auth_file_check,
		[BACKEND_PROGRAM] = auth_program_check,
	};

	memset(identity, 0, sizeof(*identity));
	memcpy(identity->name, attempt->name, strlen(attempt->name));
	return checks[backend->type](backend, attempt, identity);
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
	const char *address)
{
	const struct auth_attempt nobody = { NOBODY, NOBODY, address };
	struct auth_identity identity;

	ask_all(settings, &nobody, &identity);
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

enum auth_result auth_check(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	enum auth_result result;
	struct normal_attempt normal;

	if (normalise(attempt, &normal))
		result = ask_all(settings, &normal.attempt, identity);
	else
		result = ask_for_nobody(settings, attempt->address);
	explicit_bzero(&normal, sizeof(normal));
	if (result != AUTH_GRANTED)
		memset(identity, 0, sizeof(*identity));
	return result;
}
