/*
 * expunge.c - remove messages, or put them into the trash
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: that a name still belongs to the message that the client saw.
 */
#include "config.h"

#include "maildir/expunge.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "maildir/bits.h"
#include "maildir/move.h"

/* One removal of many. */
struct removal {
	const struct expunge_order *order;
	struct expunge_result result;
	/* By us, and not yet known to last. */
	uint32_t taken[FOLDERS][EXPUNGE_REASONS];
};

static void note_error(struct removal *removal)
{
	if (removal->result.error == 0)
		removal->result.error = errno;
}

/* Remove the file of one message: a chase_act. */
static int remove_file(void *context, struct scan *scan, uint32_t idx)
{
	const struct removal *removal = context;
	const struct expunge_order *order = removal->order;
	const struct scan_message *message = &scan->messages[idx];
	const char *name = scan_name(scan, idx);
	int folder_fd = scan->folder_fd[message->folder];
	int result = order->trash == NULL ? unlinkat(folder_fd, name, 0) :
		trash_take(order->trash, (enum folder)message->folder,
			folder_fd, name);

	/* What another program removes, that one accounts for. */
	if (result == 0 && order->quota != NULL)
		quota_removed(order->quota, name, message->size_bytes);
	return result;
}

static void tell(const struct removal *removal, const struct scan *scan,
	uint32_t idx, enum expunge_reason reason)
{
	if (removal->order->tell != NULL)
		removal->order->tell(removal->order->context,
			scan_name(scan, idx), reason);
}

static void remove_message(struct removal *removal, struct chase *chase,
	uint32_t idx, enum expunge_reason reason)
{
	if (chase_message(chase, idx, remove_file, removal) == 0) {
		removal->taken[chase->scan->messages[idx].folder][reason]++;
		tell(removal, chase->scan, idx, reason);
	} else if (errno == ENOENT) {
		removal->result.removed[reason]++;
	} else {
		note_error(removal);
		removal->result.failed[reason]++;
	}
}

/* Who wants message 'idx' to be removed; EXPUNGE_REASONS: nobody. */
static enum expunge_reason reason_for(const struct expunge_order *order,
	uint32_t idx)
{
	int reason = 0;

	while (reason < EXPUNGE_REASONS && (order->messages[reason] == NULL ||
			!bits_has(order->messages[reason], idx)))
		reason++;
	return (enum expunge_reason)reason;
}

/* Make the removals from one folder last. */
static void settle(struct removal *removal, int folder_fd,
	const uint32_t taken[EXPUNGE_REASONS], bool is_lasting)
{
	struct expunge_result *result = &removal->result;

	if (taken[EXPUNGE_MARKED] == 0 && taken[EXPUNGE_EXPIRED] == 0)
		return;
	if (move_settle(folder_fd) < 0) {
		note_error(removal);
		is_lasting = false;
	}
	for (int i = 0; i < EXPUNGE_REASONS; i++)
		*(is_lasting ? &result->removed[i] : &result->failed[i]) +=
			taken[i];
}

static void settle_all(struct removal *removal, const struct scan *scan)
{
	struct trash *trash = removal->order->trash;
	bool is_lasting = trash == NULL || trash_settle(trash) == 0;

	if (!is_lasting)
		note_error(removal);
	for (int i = 0; i < FOLDERS; i++)
		settle(removal, scan->folder_fd[i], removal->taken[i],
			is_lasting);
}

struct expunge_result expunge_messages(struct chase *chase,
	const struct expunge_order *order)
{
	struct removal removal = { .order = order };

	for (uint32_t idx = 0; idx < chase->scan->count; idx++) {
		enum expunge_reason reason = reason_for(order, idx);

		if (reason != EXPUNGE_REASONS)
			remove_message(&removal, chase, idx, reason);
	}
	settle_all(&removal, chase->scan);
	return removal.result;
}
