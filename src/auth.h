/*
 * auth.h - is this the user's password, and who is that user on this machine
 *
 * Runs in a keeper, as root or as the invoking user, for one attempt.
 */
#ifndef POSTERN_AUTH_H
#define POSTERN_AUTH_H

#include <stdbool.h>
#include <sys/types.h>

#include "settings.h"

/* Names longer than this are refused; RFC 1939's 40 are not enough for mail. */
#define AUTH_NAME_OCTETS 255
#define AUTH_PASSWORD_OCTETS 512
#define AUTH_PATH_BYTES 4096

enum auth_result {
	AUTH_GRANTED,
	AUTH_DENIED,		/* no such user, or not that password */
	AUTH_UNKNOWN,		/* not in this back end: ask the next */
	AUTH_TEMPORARY,		/* could not be checked now; logged */
	AUTH_PERMANENT		/* right password, no usable account; logged */
};

struct auth_attempt {
	const char *name;	/* as the client sent it; auth_check checks */
	const char *password;
	const char *address;	/* of the client, numeric, for PAM_RHOST */
};

struct auth_identity {
	uid_t uid;
	gid_t gid;
	bool has_groups;	/* a system user: initgroups() applies */
	bool is_read_only;	/* may remove and change nothing */
	char name[AUTH_NAME_OCTETS + 1];
	char home[AUTH_PATH_BYTES];	/* absolute; "" if there is none */
};

/*
 * Check 'attempt' against the back ends of 'settings' in their order, name and
 * password in their normal form (auth_normal.h).
 *
 * A name that auth_name_is_usable() refuses is denied, at the usual cost, and
 * so is a password of more than AUTH_PASSWORD_OCTETS.  An unknown name costs
 * the time of a known one.  A back end that refuses a user it knows is the last
 * one asked; a program cannot say that it does not know one.  Returns
 * AUTH_GRANTED and fills 'identity', or another result but AUTH_UNKNOWN.  Never
 * grants uid 0.  Blocks; SIGCHLD may be at its default afterwards.
 */
enum auth_result auth_check(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity);

#endif
