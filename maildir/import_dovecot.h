/*
 * import_dovecot.h - read a dovecot-uidlist, version 1 or 3
 */
#ifndef POSTERN_MAILDIR_IMPORT_DOVECOT_H
#define POSTERN_MAILDIR_IMPORT_DOVECOT_H

#include "maildir/import_list.h"
#include "maildir/text.h"
#include "maildir/uidl_format.h"

/*
 * Add to 'list' what is in 'text', which is used up by that.
 *
 * format: pop3_uidl_format, which is good.
 * Returns 0, or -1 with errno: EPROTONOSUPPORT for another version, ENOMEM or
 * EOVERFLOW.
 */
int import_dovecot(struct import_list *list, struct text *text,
	const char *format, import_md5 *md5);

#endif
