/*
 * audit.h - what is on the disk, and what an UPDATE did, by the journal
 */
#ifndef POSTERN_TESTS_AUDIT_H
#define POSTERN_TESTS_AUDIT_H

#include "chance.h"
#include "maildir/update.h"
#include "witness.h"

/* One UPDATE. */
struct audit_quit {
	uint8_t marked[JOURNAL_FILES / 8 + 1];
	uint8_t retrieved[JOURNAL_FILES / 8 + 1];
	uint32_t marks;		/* messages */
	struct update_rules rules;
	struct update_result result;
	unsigned long long begin, end;
};

struct audit {
	struct journal *journal;
	struct witness witness;		/* the session */
	struct audit_quit quit;
	unsigned int removed, failed;	/* so far */
	/* By file of the journal: */
	bool may_be_trashed[JOURNAL_FILES];
	bool is_kept[JOURNAL_FILES], is_trashed[JOURNAL_FILES];
};

/*
 * Look at all files, while nobody changes anything: each must be one of the
 * journal, octet for octet, and nothing may be gone but what was removed.
 * Returns whether all is right; if not, the journal has failed.
 */
bool audit_disk(struct audit *audit);

/* Mark some of the session's messages at random, and carry out the UPDATE. */
void audit_begin_quit(struct audit *audit, struct chance *chance);

/* While nobody changes anything: check what that did, and the disk. */
bool audit_end_quit(struct audit *audit);

#endif
