/*
 * auth_name.h - which user names are safe, and paths made of them; pure
 */
#ifndef POSTERN_AUTH_NAME_H
#define POSTERN_AUTH_NAME_H

#include <stdbool.h>

#include "auth.h"

/*
 * Return true if 'name' has 1 to AUTH_NAME_OCTETS octets, neither begins with
 * '.' nor has one behind an '@', and holds no '/' and no control character: so
 * neither it nor its parts can lead a path elsewhere.
 */
bool auth_name_is_usable(const char *name);

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
