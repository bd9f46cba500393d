/*
 * witness.h - a login, checked against what the journal tells
 */
#ifndef POSTERN_TESTS_WITNESS_H
#define POSTERN_TESTS_WITNESS_H

#include "journal.h"
#include "maildir/drop.h"

struct witness_entry {
	uint64_t octets;
	char uidl[NAME_UIDL_OCTETS + 1];
};

struct witness {
	struct journal *journal;
	int root_fd;
	bool may_write;
	bool is_long;			/* the listing becomes a memfd */
	struct drop_rules rules;
	struct drop drop;
	unsigned long long begin, end;	/* of drop_open() */
	bool was_believed;		/* the index was */
	uint32_t count;
	struct witness_entry *entries;	/* the listing */
	uint16_t listed[JOURNAL_FILES];	/* how often */
};

/*
 * Log in: open the maildrop, keep its listing, store the index, load the
 * messages.  What is wrong by the journal fails it: a message that was there
 * all the time and is not listed once, one that was not there and is, wrong
 * octets, a unique-id that is another's or was another one before.
 *
 * Returns whether all is right; witness_log_out() follows in any case.
 */
bool witness_log_in(struct witness *witness);
void witness_log_out(struct witness *witness);

/* Open message 'idx': its content must be the message's, or it is gone. */
bool witness_read(struct witness *witness, uint32_t idx);

/*
 * The newest file that message 'idx' may be, or the next older one after
 * 'file'; NULL: no more.
 */
struct journal_file *witness_file(const struct witness *witness, uint32_t idx,
	struct journal_file *file);

/* Whether the open file has the content that a file of the journal has. */
bool witness_has_content(const struct journal_file *file, int fd);

#endif
