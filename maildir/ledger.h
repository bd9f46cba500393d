/*
 * ledger.h - unique-ids that file names do not tell, and the order of messages
 *
 * The file postern.uidls in the Maildir holds what was taken over from another
 * server, and what we gave to files whose unique part is not theirs alone.  It
 * is no cache: it is written with fsync, and entries are never taken out, so no
 * unique-id is ever given twice.  That it exists says that we have seen mail
 * here: nothing is imported any more.
 */
#ifndef POSTERN_MAILDIR_LEDGER_H
#define POSTERN_MAILDIR_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_ANY_INODE 0

/* No file name is longer, so no unique part is. */
#define LEDGER_UNIQUE_OCTETS 255

struct ledger_entry {
	uint64_t inode;		/* of the one file meant; LEDGER_ANY_INODE */
	uint32_t unique;	/* where its unique part begins in .strings */
	uint32_t uidl;		/* where its unique-id begins in .strings */
	uint32_t rank;		/* 1 ..: its place in the order; 0: none */
};

struct ledger {
	struct ledger_entry *entries;
	uint32_t count, room;
	char *strings;		/* NUL-terminated strings */
	size_t strings_bytes, strings_room;
	/* The library's own: who finds an entry by its key, by its unique-id */
	uint32_t *by_key, *by_uidl;
	uint32_t slots, used_slots;
	bool is_missing;	/* there was no file */
	bool is_changed;	/* entries were added since it was read */
	uint32_t bad_lines;	/* that were read over, because broken */
};

/*
 * Read the ledger of the Maildir at 'root_fd'.  A missing one is empty.  Broken
 * lines are counted and read over.  ledger_free() ends it, also after an error.
 * Returns 0, or -1 with errno (also for a file that is no regular one, or that
 * is too large: then it must not be taken for an empty one).
 */
int ledger_read(struct ledger *ledger, int root_fd);
void ledger_free(struct ledger *ledger);

/* Read a ledger from 'bytes' bytes at 'text'; as ledger_read(). */
int ledger_parse(struct ledger *ledger, const char *text, size_t bytes);

/*
 * Add an entry.
 *
 * unique: the unique part has 'unique_octets' octets, any but NUL and '/', at
 * most LEDGER_UNIQUE_OCTETS.
 * uidl: 1 to 70 octets of 0x21 to 0x7E.
 * facts: inode and rank; the rest of it is not looked at.
 * Returns 0, or -1 with errno: EINVAL if one of them is not as said above,
 * EEXIST if the ledger has that unique-id already, or that unique part and
 * inode; ENOMEM or EOVERFLOW.
 */
int ledger_add(struct ledger *ledger, const char *unique,
	size_t unique_octets, const char *uidl,
	const struct ledger_entry *facts);

/*
 * Find the entry of a file with that name and inode; one for that inode goes
 * before one for any.  Returns NULL if there is none.  It is good until the
 * next ledger_add().
 */
const struct ledger_entry *ledger_find(const struct ledger *ledger,
	const char *name, uint64_t inode);

/* Whether any entry is for files with the unique part of 'name'. */
bool ledger_has_unique(const struct ledger *ledger, const char *name);

/* Whether any entry has the unique-id of 'octets' octets at 'uidl'. */
bool ledger_has_uidl(const struct ledger *ledger, const char *uidl,
	size_t octets);

/*
 * Replace the file in the Maildir at 'root_fd' by this ledger, so that a crash
 * leaves the old one or the new one.  The caller holds the maildrop's lock.  If
 * lines of the old one were read over, it is kept as postern.uidls.damaged,
 * unless an older one is.
 * Returns 0, or -1 with errno; then the old one is there still, unless just the
 * last fsync has failed.
 */
int ledger_write(const struct ledger *ledger, int root_fd);

#endif
