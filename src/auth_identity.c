/*
 * auth_identity.c - who a user is here: a back end's own words, or settings
 *
 * Owns: which of both counts.  Runs in: a keeper.  Distrusts: nobody; both are
 * the administrator's.
 */
#include "config.h"

#include "auth_identity.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "auth_account.h"
#include "auth_name.h"

/* The user's own value, or else that of the back end; "" if both are empty. */
static const char *choose(const char *own, const char *usual)
{
	return *own != '\0' ? own : usual;
}

/* Without rights there is one user we can be, so nobody need name it. */
static const char *find_ids(const struct backend_settings *backend,
	const struct auth_words *words, struct auth_identity *identity)
{
	const char *uid = choose(words->uid, backend->uid);
	const char *gid = choose(words->gid, backend->gid);

	identity->uid = geteuid();
	identity->gid = getegid();
	if (*uid != '\0' && !account_find_uid(uid, &identity->uid))
		return "its uid is neither a number nor a system user";
	if (*gid != '\0' && !account_find_gid(gid, &identity->gid))
		return "its gid is neither a number nor a system group";
	if (geteuid() == 0 && (*uid == '\0' || *gid == '\0'))
		return "it has no uid or no gid, and neither has the backend";
	if (identity->uid == 0 || identity->gid == 0)
		return "uid 0 and gid 0 never get a mailbox";
	return NULL;
}

/* The user's own home is taken as it is; only the back end's is a pattern. */
static const char *find_home(const struct backend_settings *backend,
	const char *home, struct auth_identity *identity)
{
	int result = 0;

	if (*home == '\0')
		result = auth_name_expand(backend->home, identity->name, "",
			identity->home);
	else if (strlen(home) < sizeof(identity->home))
		memcpy(identity->home, home, strlen(home) + 1);
	else
		return "its home is too long";
	if (result == 0)
		return NULL;
	return errno == ENOENT ?
		"the home of the backend needs a domain in the user's name" :
		"its home is too long";
}

const char *auth_identity_find(const struct backend_settings *backend,
	const struct auth_words *words, struct auth_identity *identity)
{
	const char *wrong = find_ids(backend, words, identity);

	return wrong != NULL ? wrong :
		find_home(backend, words->home, identity);
}
