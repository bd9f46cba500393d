/*
 * drop.h - one maildrop, opened by its index if that is current, or by a scan
 *
 * What a session knows of a maildrop is its listing.  Where the files are is
 * read when the first message is opened or removed.
 */
#ifndef POSTERN_MAILDIR_DROP_H
#define POSTERN_MAILDIR_DROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maildir/import.h"
#include "maildir/index.h"
#include "maildir/scan.h"

struct drop_rules {
	struct scan_hooks hooks;
	struct import_rules import;
	bool may_write;			/* the session holds the lock */
	size_t most_image_bytes;	/* of a listing made at once */
};

struct drop {
	int root_fd;			/* the caller's */
	const struct drop_rules *rules;	/* the caller's */
	uint32_t count;			/* of messages */
	uint64_t octets;		/* of all of them, as RETR sends them */
	bool is_loaded;			/* 'scan' has the messages */
	bool wants_index;		/* what the scan found is not stored */
	bool lacks_ledger;		/* the ledger on the disk is behind */
	struct scan scan;
	struct index index;
	struct index_draft draft;
	void *image;			/* the listing, if it is short */
	size_t image_bytes;
};

/*
 * Open the maildrop in the Maildir at 'root_fd', and make its listing, if that
 * is short.  With root_fd -1 it is an empty one.  If the ledger had to be
 * changed, it is on the disk when this returns, or was told to be impossible.
 *
 * 'root_fd' and 'rules' must outlive the drop.  drop_close() ends it, also
 * after an error.  Returns 0, or -1 with errno.
 */
int drop_open(struct drop *drop, int root_fd, const struct drop_rules *rules);
void drop_close(struct drop *drop);

/*
 * The login is granted: free a short listing, and store the index if it is not.
 * Returns 0, or -1 with errno when the index could not be written; the next
 * login scans again then.
 */
int drop_settle(struct drop *drop);

/*
 * Make the listing, however long it is: of 'count' messages with 'octets'.
 * Returns a sealed memfd that the caller closes, or -1 with errno: ESTALE when
 * the index is spoilt where drop_open() did not look, and a scan finds anything
 * else than it told.
 */
int drop_listing(struct drop *drop);

/*
 * Open message 'idx' (0 .. count - 1) for reading.  Returns a descriptor that
 * the caller closes, or -1 with errno as scan_open() does; a message that has
 * changed in place gets its new sizes in the index, for the next session.
 */
int drop_message(struct drop *drop, uint32_t idx);

/*
 * Message 'idx' had other octets than the listing says: count it again, and
 * correct the index.  Returns 1 if it was wrong, 0 if not, or -1 with errno.
 */
int drop_doubt(struct drop *drop, uint32_t idx);

/*
 * Have 'scan' filled: before anything is removed.  Returns 0, or -1 with errno
 * as drop_listing() does.
 */
int drop_load(struct drop *drop);

/*
 * Store the index with what changed in 'scan' since it was opened, but for
 * which messages there are.  Without the lock, or where the ledger could not be
 * stored, nothing is.  Returns 0, or -1 with errno.
 */
int drop_store(struct drop *drop);

#endif
