/*
 * other.h - one other program, and what all that it does needs
 */
#ifndef POSTERN_TESTS_OTHER_H
#define POSTERN_TESTS_OTHER_H

#include "chance.h"
#include "journal.h"

#define OTHER_FLAGS "DFPRST"

struct other {
	struct journal *journal;
	int root_fd;		/* the Maildir */
	struct chance chance;
};

/* A number from 0 to 'limit' - 1. */
uint32_t other_choose(struct other *other, uint32_t limit);

/* Fail the journal for what happened to a file. */
void other_complain(struct other *other, const struct journal_file *file,
	const char *what);

/* Set a stamp to the present time. */
void other_stamp(struct other *other, journal_stamp *which);

/* Write the path that a file should have by what is known of it. */
void other_compose(const struct journal_file *file,
	char path[JOURNAL_PATH_BYTES]);

/* The number behind ",T=", by which a twin's names differ from the others'. */
uint32_t other_twin_of(const char *name);

/*
 * Find a file in the Maildir and correct its path: a session may move it to
 * cur/, and set S.  No other program does, while the family is claimed.
 */
bool other_find(struct other *other, struct journal_file *file);

/*
 * A call has failed, with errno: find the file again.  If that is not possible,
 * a session must have removed it, or it is lost.
 */
void other_seek(struct other *other, struct journal_file *file);

/* Whether there may be two files with its unique part at once. */
bool other_has_twins(const struct other *other,
	const struct journal_file *file);

#endif
