/*
 * expire.h - which messages are too old to be kept
 */
#ifndef POSTERN_MAILDIR_EXPIRE_H
#define POSTERN_MAILDIR_EXPIRE_H

#include <stdbool.h>
#include <stdint.h>

/* 0 days stand for never: nothing expires within its first day. */
struct expire_rules {
	uint32_t days;			/* after the delivery */
	uint32_t retrieved_days;	/* after the first RETR */
	uint16_t today;			/* in days since the epoch */
};

/*
 * Whether a message called 'name' is due: whole days, the broken first one not
 * counted, so that a message never goes too early.
 *
 * It was delivered at the later one of the times that its name and the last
 * change of its file tell.  A time in the future, or before there were
 * Maildirs, is the mistake of a clock, and then the delivery is now.
 *
 * mtime_s: the last change, in seconds since the epoch.  retrieved_day: of the
 * first RETR, in days since the epoch; 0: never.
 * RFC 2449 section 6.7 (EXPIRE).
 */
bool expire_is_due(const struct expire_rules *rules, const char *name,
	int64_t mtime_s, uint16_t retrieved_day);

#endif
