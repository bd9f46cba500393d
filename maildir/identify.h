/*
 * identify.h - the unique-ids of a maildrop: ledger, import, and what is new
 */
#ifndef POSTERN_MAILDIR_IDENTIFY_H
#define POSTERN_MAILDIR_IDENTIFY_H

#include <stdbool.h>

#include "maildir/import.h"
#include "maildir/scan.h"

struct identify_rules {
	const struct scan_hooks *hooks;
	const struct import_rules *import;
	bool may_write;			/* the session holds the lock */
};

enum identify_result {
	IDENTIFY_STORED,		/* the ledger knows all that it must */
	IDENTIFY_NOT_STORED		/* told; the same is found again */
};

/*
 * Give the new messages of 'scan', which is in the order of identities, their
 * unique-ids: from the ledger in the Maildir at 'root_fd', from the server
 * before us if there is no ledger yet, or from their names.  What the ledger
 * has to learn is on the disk when this returns.
 * Returns an enum identify_result, or -1 with errno.
 */
int identify_messages(struct scan *scan, int root_fd,
	const struct identify_rules *rules);

#endif
