/*
 * stamp.h - whether files that we depend on have changed on disk
 */
#ifndef POSTERN_STAMP_H
#define POSTERN_STAMP_H

#include <stdint.h>

#include "settings.h"

/*
 * Look at all certificates, keys, staples and client-ca files of 'settings',
 * without opening them.
 *
 * strange: set to one that is missing or no regular file, else to NULL; it
 * belongs to 'settings'.  Returns a number that is another one once any of them
 * has been written, replaced or removed.
 */
uint64_t stamp_files(const struct settings *settings, const char **strange);

/* The same of all passwd-files; one that is missing may still come. */
uint64_t stamp_users(const struct settings *settings);

#endif
