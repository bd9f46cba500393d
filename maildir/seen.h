/*
 * seen.h - set the flag S of messages that a client has retrieved
 */
#ifndef POSTERN_MAILDIR_SEEN_H
#define POSTERN_MAILDIR_SEEN_H

#include <limits.h>
#include <stdint.h>

#include "maildir/chase.h"

struct seen_result {
	uint32_t failed;
	int error;		/* errno of the first failure; 0: none */
};

/*
 * Write the file name that a message called 'name' has once it is seen: with S
 * among its flags, which are in ASCII order then.  A name that has S stays as
 * it is.
 *
 * Returns 0, or -1 with errno EINVAL if what follows the ':' is not of the kind
 * "2," (flags), or ENAMETOOLONG.
 */
int seen_name(const char *name, char seen[NAME_MAX + 1]);

/*
 * Move each message whose bit is set in 'which' (see bits.h) to cur/ with the
 * flag S, wherever its file is by now, and fsync cur/ once.  Never replaces a
 * file.  Updates names and folders of the scan.
 *
 * A message that is gone, or whose name has no flags but something else, is
 * passed over.  One that can't be moved stays where it is and counts as failed.
 */
struct seen_result seen_mark(struct chase *chase, const uint8_t *which);

#endif
