/*
 * known.h - find a message of a scan by its identity: unique part and inode
 *
 * For the files of gather.h only.
 */
#ifndef POSTERN_MAILDIR_KNOWN_H
#define POSTERN_MAILDIR_KNOWN_H

#include <stdint.h>

#include "maildir/scan.h"

/* A hash table of places in scan.messages, each at its identity. */
struct known {
	const struct scan *scan;
	uint32_t *slots;	/* index of a message plus 1; 0: empty */
	uint32_t mask;		/* slots minus 1; they are a power of 2 */
	uint32_t count;
	uint32_t seed;		/* nobody shall choose names that collide */
};

/*
 * Make a table of all messages of 'scan', which must keep their places.  Names
 * may be replaced by others with the same unique part.
 * Returns 0, or -1 with errno ENOMEM.  known_end() frees it, also after that.
 */
int known_begin(struct known *known, const struct scan *scan);
void known_end(struct known *known);

/* Add message 'idx', which came last.  Returns 0, or -1 with errno ENOMEM. */
int known_add(struct known *known, uint32_t idx);

/* Find a message.  Returns NULL if there is none. */
struct scan_message *known_find(const struct known *known, const char *name,
	uint64_t inode);

#endif
