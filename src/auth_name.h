/*
 * auth_name.h - which names are safe, their parts, paths made of them; pure
 */
#ifndef POSTERN_AUTH_NAME_H
#define POSTERN_AUTH_NAME_H

#include <stdbool.h>
#include <stddef.h>

#include "auth.h"

/* What the name that a client sent asks for. */
struct auth_login {
	char user[AUTH_NAME_OCTETS + 1];
	char folder[AUTH_FOLDER_OCTETS + 1];	/* "": the INBOX */
};

/*
 * Return true if 'name' has 1 to AUTH_NAME_OCTETS octets, neither begins with
 * '.' nor has one behind an '@', and holds no '/' and no control character: so
 * neither it nor its parts can lead a path elsewhere.
 */
bool auth_name_is_usable(const char *name);

/*
 * Return true if the first 'count' octets of 'name' can be a folder, without
 * its first dot; auth_name_split() says what that is.
 */
bool auth_name_is_folder(const char *name, size_t count);

/*
 * Take 'sent' apart into user and folder.
 *
 * separator: one octet, or "" if there are no folders.  The folder stands
 * behind the first one, to the next '@' or to the end: with "+" both
 * "joe+Junk@example.net" and "joe@example.net+Junk" are the user
 * joe@example.net.  A folder has 1 to AUTH_FOLDER_OCTETS octets, does not begin
 * with '.', and holds no "..", no '/' and no control character: behind a dot it
 * is one name in a directory.  Of all that is not as it must be, and above
 * AUTH_NAME_OCTETS in all, 'user' becomes "": auth_check() denies that like an
 * unknown one, whoever it is that stands before the separator.
 */
void auth_name_split(const char *sent, const char *separator,
	struct auth_login *login);

/*
 * Write 'pattern' to 'path' with %u replaced by 'name', %n by what stands
 * before its last '@' (or all of it), %d by what stands behind, %h, and a
 * leading ~, by 'home', and %% by %.
 *
 * home: absolute, or "" if there is none.
 * Returns 0, or -1 with errno ENAMETOOLONG, or ENOENT if 'home' or the domain
 * is needed and empty.
 */
int auth_name_expand(const char *pattern, const char *name, const char *home,
	char path[AUTH_PATH_BYTES]);

#endif
