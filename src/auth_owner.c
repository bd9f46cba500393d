/*
 * auth_owner.c - who owns the mail of users of whom a back end knows no more
 *
 * Runs in: a keeper.
 */
#include "config.h"

#include "auth_owner.h"

#include <errno.h>
#include <unistd.h>

#include "auth_account.h"
#include "auth_name.h"
#include "log.h"

static const char *find_ids(const struct backend_settings *backend,
	struct auth_identity *identity)
{
	identity->uid = geteuid();
	identity->gid = getegid();
	if (*backend->uid != '\0' &&
			!account_find_uid(backend->uid, &identity->uid))
		return "its uid is neither a number nor a system user";
	if (*backend->gid != '\0' &&
			!account_find_gid(backend->gid, &identity->gid))
		return "its gid is neither a number nor a system group";
	if (geteuid() == 0 && (*backend->uid == '\0' ||
			*backend->gid == '\0'))
		return "it has no uid or no gid";
	if (identity->uid == 0 || identity->gid == 0)
		return "uid 0 and gid 0 never get a mailbox";
	return NULL;
}

enum auth_result owner_of_backend(const struct backend_settings *backend,
	struct auth_identity *identity)
{
	const char *wrong = find_ids(backend, identity);

	if (wrong == NULL && auth_name_expand(backend->home, identity->name,
			"", identity->home) < 0)
		wrong = errno == ENOENT ?
			"its home needs a domain in the user's name" :
			"its home is too long";
	if (wrong == NULL)
		return AUTH_GRANTED;
	log_error("backend %s: user %s cannot log in: %s", backend->name,
		identity->name, wrong);
	return AUTH_PERMANENT;
}
