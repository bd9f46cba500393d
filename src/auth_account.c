/*
 * auth_account.c - the uid and gid of a user, from numbers or system names
 *
 * Owns: what is a number and what a name.  Runs in: a keeper.
 * Distrusts: nobody; a uid comes from the administrator's file.
 */
#include "config.h"

#include "auth_account.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* Ids have 32 bits; the last of them means "leave it as it is" in setresuid. */
static bool read_id(const char *text, uint32_t *id)
{
	uint64_t number = 0;

	for (; *text != '\0'; text++) {
		number = number * 10 + (uint64_t)(*text - '0');
		if (number >= UINT32_MAX)
			return false;
	}
	*id = (uint32_t)number;
	return true;
}

bool account_find_uid(const char *text, uid_t *uid)
{
	const struct passwd *user;

	if (is_number(text))
		return read_id(text, uid);
	user = getpwnam(text);
	if (user != NULL)
		*uid = user->pw_uid;
	return user != NULL;
}

bool account_find_gid(const char *text, gid_t *gid)
{
	const struct group *group;

	if (is_number(text))
		return read_id(text, gid);
	group = getgrnam(text);
	if (group != NULL)
		*gid = group->gr_gid;
	return group != NULL;
}

bool account_is_system_user(const char *name, uid_t uid)
{
	const struct passwd *user = getpwnam(name);

	return user != NULL && user->pw_uid == uid;
}
