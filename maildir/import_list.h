/*
 * import_list.h - what another server called its messages, and their order
 *
 * For the importers only: each fills a list, which then goes into the ledger.
 */
#ifndef POSTERN_MAILDIR_IMPORT_LIST_H
#define POSTERN_MAILDIR_IMPORT_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "maildir/ledger.h"
#include "maildir/scan.h"

struct import_record {
	uint64_t major, minor;	/* its place among the others */
	uint64_t inode;		/* LEDGER_ANY_INODE: only its name is known */
	uint32_t name;		/* base name: where it begins in .strings */
	uint32_t uidl;		/* where it begins in .strings */
	uint32_t sequence;	/* how many were added before it */
	bool is_replaced;	/* another one holds for its file */
};

struct import_list {
	struct import_record *records;
	uint32_t count, room;
	char *strings;		/* NUL-terminated strings */
	size_t strings_bytes, strings_room;
	/* What is passed over: */
	uint32_t broken;	/* lines that are none */
	uint32_t illegal;	/* unique-ids that POP3 does not permit */
	uint32_t doubled;	/* unique-ids that another message has */
	uint32_t unmade;	/* unique-ids that need a uidvalidity */
	uint32_t unread;	/* messages that can't be read */
};

/*
 * Add a message, unless its name or unique-id is not legal, which is counted.
 *
 * place: .major, .minor and .inode are taken from it.
 * name: a file name; its ':' and what follows is left away.
 * Returns 0, or -1 with errno ENOMEM or EOVERFLOW.
 */
int import_list_add(struct import_list *list,
	const struct import_record *place, const char *name, const char *uidl);

/*
 * Add all to 'ledger', with ranks from 1 on, and count in 'added' those that
 * were not there.  Entries that the ledger has stay as they are.
 *
 * Several with the same unique part: if files of 'scan' have several of their
 * base names, each holds for the file of its name; if just one is there, it
 * holds, else the last one does.  'scan' is in the order of name_compare().
 * Returns 0, or -1 with errno ENOMEM or EOVERFLOW.
 */
int import_list_into(struct import_list *list, const struct scan *scan,
	struct ledger *ledger, uint32_t *added);

/* Free all that the list holds, and make it an empty one. */
void import_list_free(struct import_list *list);

#endif
