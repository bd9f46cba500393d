/*
 * scan_maildir.h - a scan as a first login makes it, without index and ledger
 */
#ifndef POSTERN_TESTS_SCAN_MAILDIR_H
#define POSTERN_TESTS_SCAN_MAILDIR_H

#include "maildir/scan.h"

/*
 * Scan the Maildir whose root directory is 'root_fd', which the caller keeps,
 * give unique-ids and order.  scan_free() ends it, also after an error.
 * Returns 0, or -1 with errno.
 */
int scan_maildir(struct scan *scan, int root_fd,
	const struct scan_hooks *hooks);

#endif
