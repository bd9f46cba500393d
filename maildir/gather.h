/*
 * gather.h - the messages of a scan before they are counted: who is there
 *
 * For scan.c, refresh.c and uidls.c only.  An identity is a unique part and an
 * inode number: it stays when another program renames a message, and two files
 * that share a unique part have two.
 */
#ifndef POSTERN_MAILDIR_GATHER_H
#define POSTERN_MAILDIR_GATHER_H

#include <stdbool.h>
#include <stdint.h>

#include "maildir/scan.h"

/* What scan_message.state says. */
enum gather_state {
	GATHER_SEEN,		/* a folder has shown it; not opened yet */
	GATHER_SEEN_REGULAR,	/* the same, and that it is a regular file */
	GATHER_LOST,		/* not under that name, and not seen since */
	GATHER_COUNTED,
	GATHER_MISSING,		/* counted in an earlier scan; not seen yet */
	GATHER_LEFT_OUT,
	GATHER_CHANGED		/* no more the file that the session knows */
};

/*
 * Compare the identity of 'message' with that of a file called 'name' whose
 * inode number is 'inode'.  Returns <0, 0 or >0 as strcmp does.
 */
int gather_compare(const struct scan *scan,
	const struct scan_message *message, const char *name, uint64_t inode);

/* An order of messages, for qsort_r; the context is their scan. */
typedef int gather_order(const void *left, const void *right, void *scan);

/* By identity, and those that were added later behind. */
gather_order gather_by_identity;

/*
 * Sort the messages.  Quick if all but the last ones are sorted.  Returns 0, or
 * -1 with errno ENOMEM.
 */
int gather_sort(struct scan *scan, gather_order *compare);

/* Whether a message was seen and waits for being counted. */
bool gather_is_seen(const struct scan_message *message);

/*
 * Make the string at '*at' in scan->names the string 'text'; a new place is
 * found for it if it is longer, or if '*at' is UINT32_MAX.
 * Returns 0, or -1 with errno ENOMEM or EOVERFLOW (4 GiB of names).
 */
int gather_string(struct scan *scan, uint32_t *at, const char *text);

/*
 * Read both folders once more and merge what is there: unknown identities are
 * added, known ones get their newest name, lost ones become seen, missing ones
 * counted.  Nothing is taken away, and no message moves.
 *
 * Returns 1 if all that is there is known now, 0 if another round might find
 * more, or -1 with errno.
 */
int gather_round(struct scan *scan);

/* Read the folders until all is known, in at most five rounds.  0, or -1. */
int gather_all(struct scan *scan);

/*
 * Sort the messages by identity; where several have the same one, keep one with
 * the name that was added last, and with what was known before.  Returns 0, or
 * -1 with errno ENOMEM.
 */
int gather_collapse(struct scan *scan);

/* Whether any message has the state 'state'. */
bool gather_has(const struct scan *scan, enum gather_state state);

/* Take away all messages but those whose state is 'state'. */
void gather_keep(struct scan *scan, enum gather_state state);

#endif
