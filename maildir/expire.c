/*
 * expire.c - which messages are too old to be kept
 *
 * Pure.  Runs in: the keeper.  Distrusts: the time that a name begins with, and
 * all clocks.
 */
#include "config.h"

#include "maildir/expire.h"

#include "maildir/name.h"

#define DAY_S 86400

/* 1 January 1995: an earlier time is that of a computer without a clock. */
#define FIRST_DAY 9131

/* The day of the delivery, or today if nothing tells it. */
static uint64_t delivery_day(const char *name, int64_t mtime_s,
	uint16_t today)
{
	uint64_t by_name = name_time(name) / DAY_S;
	uint64_t by_file = mtime_s < 0 ? 0 : (uint64_t)mtime_s / DAY_S;
	uint64_t day = by_name > by_file ? by_name : by_file;

	return day < FIRST_DAY || day > today ? today : day;
}

bool expire_is_due(const struct expire_rules *rules, const char *name,
	int64_t mtime_s, uint16_t retrieved_day)
{
	if (rules->retrieved_days > 0 && retrieved_day > 0 &&
			(uint64_t)retrieved_day + rules->retrieved_days <
				rules->today)
		return true;
	return rules->days > 0 &&
		delivery_day(name, mtime_s, rules->today) + rules->days <
			rules->today;
}
