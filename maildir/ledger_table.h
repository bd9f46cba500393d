/*
 * ledger_table.h - find the entries of a ledger by their key or unique-id
 *
 * For ledger.c and ledger_file.c only.  A key is a unique part and an inode.
 */
#ifndef POSTERN_MAILDIR_LEDGER_TABLE_H
#define POSTERN_MAILDIR_LEDGER_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maildir/ledger.h"

/* More entries a ledger can't have. */
#define LEDGER_TABLE_MOST ((uint32_t)1 << 29)

/*
 * Make room for 'count' entries in all: for sure if that is one more than there
 * are, else as a guess.  At most LEDGER_TABLE_MOST.
 * Returns 0, or -1 with errno ENOMEM.
 */
int ledger_table_reserve(struct ledger *ledger, uint32_t count);

/*
 * Note the entry 'idx', for which there is room.  Returns false, and does not,
 * if another one has its unique-id, or its unique part and inode.
 */
bool ledger_table_note(struct ledger *ledger, uint32_t idx);

/*
 * Find the entry of a unique part and inode.  Returns NULL if there is none.
 */
const struct ledger_entry *ledger_table_find(const struct ledger *ledger,
	const char *unique, size_t octets, uint64_t inode);

/* Whether there is an entry of that unique part, for whatever inode. */
bool ledger_table_has_unique(const struct ledger *ledger, const char *unique,
	size_t octets);

/* Whether there is an entry of that unique-id. */
bool ledger_table_has_uidl(const struct ledger *ledger, const char *uidl,
	size_t octets);

#endif
