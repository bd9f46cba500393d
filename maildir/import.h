/*
 * import.h - take over unique-ids and order from the server before us
 */
#ifndef POSTERN_MAILDIR_IMPORT_H
#define POSTERN_MAILDIR_IMPORT_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/ledger.h"
#include "maildir/scan.h"
#include "maildir/uidl_format.h"

enum import_from {
	IMPORT_AUTO,		/* by the file that lies there, if one does */
	IMPORT_NONE,
	IMPORT_DOVECOT,		/* dovecot-uidlist */
	IMPORT_COURIER,		/* courierpop3dsizelist */
	IMPORT_QMAIL,		/* the name up to ':' */
	IMPORT_SOLID,		/* its MD5, as solid-pop3d and tpop3d make it */
	IMPORT_POPA3D		/* MD5 of some header lines */
};

struct import_rules {
	enum import_from from;
	/* pop3_uidl_format of that Dovecot; see uidl_format_check(). */
	const char *uidl_format;
	import_md5 *md5;
	/* Called with a line for the log: what was, or can't be, imported. */
	void (*tell)(void *context, const char *text);
	void *context;
};

/*
 * Add to 'ledger' what the server before us called the messages of 'scan', and
 * their order.  Its files are in the Maildir at 'root_fd' and stay as they are.
 * What is broken in them is passed over, and told.
 *
 * scan: in the order of name_compare(), with inodes and times of last change.
 * Names in it are made the present ones where they have become others.
 * Returns 0, or -1 with errno if the unique-ids may be there, but can't be read
 * now; also told.  Then the caller must not write the ledger, for they would be
 * lost for ever: EACCES, EIO, EOPNOTSUPP (no regular file), EPROTONOSUPPORT (of
 * a newer version), EINVAL (the format is wrong), ENOMEM or others.
 */
int import_uidls(struct ledger *ledger, int root_fd, struct scan *scan,
	const struct import_rules *rules);

#endif
