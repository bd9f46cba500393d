/*
 * update.c - the UPDATE state: all that a QUIT does to a maildrop
 *
 * Runs in: the keeper, as the mail user.  RFC 1939 section 6.
 */
#include "config.h"

#include "maildir/update.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "maildir/bits.h"
#include "maildir/chase.h"
#include "maildir/expunge.h"
#include "maildir/seen.h"
#include "maildir/trash.h"

#define S_NS 1000000000

/* What follows for the messages from marks and rules: bits. */
struct plan {
	const uint8_t *marked;
	uint8_t *expired, *seen;
	uint32_t removals, sightings;
};

static void note_retrieved(struct scan *scan, const uint8_t *retrieved,
	uint16_t today)
{
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (bits_has(retrieved, idx) &&
				scan->messages[idx].retrieved_day == 0)
			scan->messages[idx].retrieved_day = today;
}

/*
 * Whether a message is due by what its file tells now: its time may have been
 * set since it was scanned, and a folder does not show that.
 */
static bool is_due(const struct expire_rules *rules,
	const struct scan *scan, uint32_t idx)
{
	const struct scan_message *message = &scan->messages[idx];
	const char *name = scan_name(scan, idx);
	struct stat status;

	if (!expire_is_due(rules, name, message->mtime_ns / S_NS,
			message->retrieved_day))
		return false;
	/* Renaming leaves the time as it is. */
	if (fstatat(scan->folder_fd[message->folder], name, &status,
			AT_SYMLINK_NOFOLLOW) < 0)
		return true;
	return expire_is_due(rules, name, status.st_mtim.tv_sec,
		message->retrieved_day);
}

static void plan_message(struct plan *plan, const struct scan *scan,
	const struct update_marks *marks, const struct update_rules *rules,
	uint32_t idx)
{
	if (bits_has(marks->marked, idx)) {
		plan->removals++;
	} else if (is_due(&rules->expire, scan, idx)) {
		bits_set(plan->expired, idx);
		plan->removals++;
	} else if (rules->mark_seen && bits_has(marks->retrieved, idx)) {
		bits_set(plan->seen, idx);
		plan->sightings++;
	}
}

/* Returns 0, or -1 with errno ENOMEM. */
static int make_plan(struct plan *plan, const struct scan *scan,
	const struct update_marks *marks, const struct update_rules *rules)
{
	size_t bytes = (size_t)scan->count / 8 + 1;

	*plan = (struct plan){
		.marked = marks->marked, .expired = calloc(2, bytes),
	};
	if (plan->expired == NULL)
		return -1;
	plan->seen = plan->expired + bytes;
	for (uint32_t idx = 0; idx < scan->count; idx++)
		plan_message(plan, scan, marks, rules, idx);
	return 0;
}

static void expunge(struct chase *chase, const struct expunge_order *order,
	struct update_result *result)
{
	struct expunge_result expunged = expunge_messages(chase, order);

	result->removed = expunged.removed[EXPUNGE_MARKED];
	result->failed = expunged.failed[EXPUNGE_MARKED];
	result->expired = expunged.removed[EXPUNGE_EXPIRED];
	result->not_expired = expunged.failed[EXPUNGE_EXPIRED];
	result->remove_error = expunged.error;
}

static void put_into_trash(struct chase *chase, int root_fd,
	struct expunge_order *order, struct update_result *result)
{
	struct trash trash;

	trash_open(&trash, root_fd);
	order->trash = &trash;
	expunge(chase, order, result);
	trash_close(&trash);
}

static void remove_messages(struct chase *chase, int root_fd,
	const struct plan *plan, const struct update_rules *rules,
	struct update_result *result)
{
	struct quota quota;
	struct expunge_order order = {
		.messages = { plan->marked, plan->expired }, .quota = &quota,
		.tell = rules->tell, .context = rules->context,
	};

	quota_begin(&quota, rules->quota_root_fd, rules->quota);
	if (rules->has_trash)
		put_into_trash(chase, root_fd, &order, result);
	else
		expunge(chase, &order, result);
	if (quota_end(&quota) < 0)
		result->quota_error = errno;
}

static void mark_seen(struct chase *chase, const uint8_t *which,
	struct update_result *result)
{
	struct seen_result seen = seen_mark(chase, which);

	result->not_seen = seen.failed;
	result->seen_error = seen.error;
}

static void carry_out(struct scan *scan, int root_fd, const struct plan *plan,
	const struct update_rules *rules, struct update_result *result)
{
	struct chase chase = { .scan = scan };

	if (plan->removals > 0)
		remove_messages(&chase, root_fd, plan, rules, result);
	if (plan->sightings > 0)
		mark_seen(&chase, plan->seen, result);
	/* A maildrop that does not exist yet has no trash. */
	if (rules->has_trash && root_fd >= 0 && trash_purge(root_fd,
			rules->trash_days, rules->expire.today) < 0)
		result->purge_error = errno;
}

struct update_result update_maildrop(struct scan *scan, int root_fd,
	const struct update_marks *marks, const struct update_rules *rules)
{
	struct update_result result = { .removed = 0 };
	struct plan plan;

	note_retrieved(scan, marks->retrieved, rules->expire.today);
	if (make_plan(&plan, scan, marks, rules) == 0) {
		carry_out(scan, root_fd, &plan, rules, &result);
	} else {
		result.remove_error = errno;
		result.failed = bits_count(marks->marked, scan->count);
	}
	free(plan.expired);
	return result;
}
