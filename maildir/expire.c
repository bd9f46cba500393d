/*
 * expire.c - which messages are too old to be kept
 *
 * Pure.  Runs in: the keeper.  Distrusts: the time that a name begins with, and
 * all clocks.
 */
#include "config.h"

#include "maildir/expire.h"

#define DAY_S 86400
#define S_NS 1000000000

/* 1 January 1995: an earlier time is that of a computer without a clock. */
#define FIRST_DAY 9131

/* The day of the delivery, or today if nothing tells it. */
static uint64_t delivery_day(const char *name, int64_t mtime_ns,
	uint16_t today)
{
	uint64_t by_name = name_time(name) / DAY_S;
	uint64_t by_file = mtime_ns < 0 ? 0 :
		(uint64_t)mtime_ns / S_NS / DAY_S;
	uint64_t day = by_name > by_file ? by_name : by_file;

	return day < FIRST_DAY || day > today ? today : day;
}

bool expire_is_due(const struct expire_rules *rules, const struct scan *scan,
	uint32_t idx)
{
	const struct scan_message *message = &scan->messages[idx];

	if (rules->retrieved_days > 0 && message->retrieved_day > 0 &&
			(uint64_t)message->retrieved_day +
				rules->retrieved_days < rules->today)
		return true;
	return rules->days > 0 &&
		delivery_day(scan_name(scan, idx), message->mtime_ns,
			rules->today) + rules->days < rules->today;
}
