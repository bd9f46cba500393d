/*
 * commit.h - the keeper's part of a QUIT: from COMMIT records to an UPDATE
 */
#ifndef POSTERN_COMMIT_H
#define POSTERN_COMMIT_H

#include "maildrop.h"
#include "settings.h"
#include "wire.h"

/*
 * Collect the marks of one record in 'drop'.  Returns 0, or -1 if no honest
 * worker sends it: a bit is set that stands for no message, or a field is out
 * of its range.
 */
int commit_collect(struct maildrop *drop, const struct wire_commit *request);

/*
 * Carry out the UPDATE state for what was collected, by the rules of
 * 'settings'; log what expired and what failed.
 * answer: its counts are filled in.  RFC 1939 section 6.
 */
void commit_carry_out(struct maildrop *drop,
	const struct mailbox_settings *settings,
	struct wire_committed *answer);

#endif
