/*
 * update.h - the UPDATE state: all that a QUIT does to a maildrop
 *
 * RFC 1939 section 6.  A session that ends in another way never comes here.
 */
#ifndef POSTERN_MAILDIR_UPDATE_H
#define POSTERN_MAILDIR_UPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "maildir/expire.h"
#include "maildir/expunge.h"
#include "maildir/quota.h"
#include "maildir/scan.h"

/* What the settings want. */
struct update_rules {
	bool has_trash;			/* else what is removed is gone */
	uint32_t trash_days;		/* then the trash forgets it */
	bool mark_seen;			/* what was retrieved gets the flag S */
	struct expire_rules expire;	/* and today */
	enum quota_counts quota;	/* who else counts the mail */
	int quota_root_fd;	/* where maildirsize lies; -1: nowhere */
	expunge_tell *tell;	/* is told of each removal; NULL: nobody */
	void *context;		/* its own */
};

/* What the client did: bits for the messages, see bits.h. */
struct update_marks {
	const uint8_t *marked;		/* by DELE */
	const uint8_t *retrieved;	/* whole, by RETR */
};

struct update_result {
	uint32_t removed;	/* marked and gone, by us or another program */
	uint32_t failed;	/* marked and still there */
	uint32_t expired;	/* gone by the rules; none of them was marked */
	uint32_t not_expired;	/* due, and still there */
	uint32_t not_seen;	/* retrieved, and the flag could not be set */
	/* errno of the first failure of each kind; 0: none */
	int remove_error;	/* marked or expired messages */
	int seen_error;
	int purge_error;	/* the trash could not forget */
	int quota_error;	/* maildirsize does not know what is removed */
};

/*
 * Carry out the UPDATE state in the maildrop at 'root_fd' (-1: there is none
 * yet, and 'scan' has no messages), in this order: note in retrieved_day what
 * was retrieved for the first time; remove what is marked or expired, as
 * expunge_messages() does; set S on what was retrieved and is to stay; let the
 * trash forget.
 *
 * When it returns, what counts as removed will stay so.  Nothing is removed
 * that is neither marked nor expired by 'rules'.
 */
struct update_result update_maildrop(struct scan *scan, int root_fd,
	const struct update_marks *marks, const struct update_rules *rules);

#endif
