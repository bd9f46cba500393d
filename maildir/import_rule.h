/*
 * import_rule.h - servers that make unique-ids of names or messages by a rule
 */
#ifndef POSTERN_MAILDIR_IMPORT_RULE_H
#define POSTERN_MAILDIR_IMPORT_RULE_H

#include "maildir/import_list.h"
#include "maildir/uidl_format.h"

/*
 * Add to 'list' what qmail-pop3d, solid-pop3d (and tpop3d), or popa3d called
 * the messages of 'scan'.  Return 0, or -1 with errno ENOMEM, EOVERFLOW, or
 * what opening or reading a message said that says nothing about the message.
 */
int import_qmail(struct import_list *list, const struct scan *scan);
int import_solid(struct import_list *list, const struct scan *scan,
	import_md5 *md5);
int import_of_popa3d(struct import_list *list, struct scan *scan,
	import_md5 *md5);

#endif
