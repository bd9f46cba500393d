/*
 * expunge.h - remove messages, or put them into the trash
 */
#ifndef POSTERN_MAILDIR_EXPUNGE_H
#define POSTERN_MAILDIR_EXPUNGE_H

#include <stdint.h>

#include "maildir/chase.h"
#include "maildir/quota.h"
#include "maildir/trash.h"

/* Who wants a message to be removed. */
enum expunge_reason {
	EXPUNGE_MARKED,		/* the client */
	EXPUNGE_EXPIRED,	/* the settings */
	EXPUNGE_REASONS
};

/* Called with the name of each message that we removed, whether it lasts. */
typedef void expunge_tell(void *context, const char *name,
	enum expunge_reason reason);

struct expunge_order {
	/* Bits for the messages, see bits.h; NULL: none. */
	const uint8_t *messages[EXPUNGE_REASONS];
	struct trash *trash;	/* where to put them; NULL: unlink them */
	struct quota *quota;	/* is told of what we remove; NULL: nobody */
	expunge_tell *tell;	/* NULL: nobody */
	void *context;		/* its own */
};

struct expunge_result {
	uint32_t removed[EXPUNGE_REASONS];	/* by us or another program */
	uint32_t failed[EXPUNGE_REASONS];	/* still there */
	int error;		/* errno of the first failure; 0: none */
};

/*
 * Remove the messages of 'order', wherever each file is by now; then fsync each
 * folder that changed, once, the trash before the others.
 *
 * A file that is not the one that was scanned (another inode, size or kind) is
 * left alone and counts as failed.  A message that another program removed
 * counts as removed.  When an fsync fails, all that were removed from that
 * folder count as failed: they may come back after a crash.  What the trash
 * does not take stays.  RFC 1939 section 6 (UPDATE).
 */
struct expunge_result expunge_messages(struct chase *chase,
	const struct expunge_order *order);

#endif
