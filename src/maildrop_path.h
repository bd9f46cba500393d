/*
 * maildrop_path.h - where a user's Maildir is
 */
#ifndef POSTERN_MAILDROP_PATH_H
#define POSTERN_MAILDROP_PATH_H

#include <stdbool.h>

#include "auth.h"

/*
 * Expand 'pattern' (mailbox.path) for a user: a first "~" and "%h" are 'home',
 * "%u" is the name, "%n" its part before '@', "%d" the part behind it.
 *
 * The name has passed auth_check(), so it holds no '/' and begins with no dot.
 * Returns 0, or -1 with errno: ENOENT when the home directory is needed and
 * there is none, ENAMETOOLONG, EINVAL when the result is not absolute.
 */
int maildrop_path(const char *pattern, const char *name, const char *home,
	char path[AUTH_PATH_BYTES]);

/* Whether the directory that holds (or would hold) 'path' exists. */
bool maildrop_has_parent(const char *path);

#endif
