/*
 * deeds.h - what other programs do to the files of a Maildir
 *
 * Whoever calls has claimed the file's family, so that programs never lose each
 * other's mail; the session that is tested knows nothing of that.
 */
#ifndef POSTERN_TESTS_DEEDS_H
#define POSTERN_TESTS_DEEDS_H

#include "other.h"

/* Something done to a file that was there a moment ago, or nothing. */
typedef void deed(struct other *other, struct journal_file *file);

/* Rename it: new flags, the other folder, with or without its sizes. */
deed deeds_set_flags, deeds_to_new, deeds_to_cur, deeds_set_sizes;

/* Rename it as programs do that know no rename: two names for a moment. */
deed deeds_move_by_links;

/* Append a line to it in place: no folder shows that. */
deed deeds_grow;

/* Give the same file to another message, too. */
deed deeds_share;

/* Put a copy with the same unique part beside it, once. */
deed deeds_copy;

/* Put another file with another content in its place at once. */
deed deeds_replace;

/* Unlink it, or move it to another folder, from where it may come back. */
deed deeds_erase, deeds_put_away;

/* What is gone comes back under its old name: the same file, or a copy. */
deed deeds_restore;

/* Deliver a new message by way of tmp/. */
void deeds_deliver(struct other *other);

#endif
