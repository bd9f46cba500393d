/*
 * refresh.c - find the messages of a scan again, all in one pass
 *
 * Runs in: the keeper, as the mail user.  Distrusts: a single reading of a
 * folder.
 */
#include "config.h"

#include <stdlib.h>

#include "maildir/gather.h"
#include "maildir/scan.h"

/* How often both folders are read until nobody moves anything meanwhile. */
#define ROUNDS 5

/* The messages by identity, whatever their numbers are. */
struct refresh {
	struct scan *scan;
	uint32_t *by_identity;	/* indices of messages */
	bool has_news;		/* in this round */
};

static int compare_indices(const void *left, const void *right, void *context)
{
	const struct scan *scan = context;
	const struct scan_message *message =
		&scan->messages[*(const uint32_t *)right];

	return gather_compare(scan, &scan->messages[*(const uint32_t *)left],
		scan->names + message->name, message->inode);
}

/* Find a message by halving.  Returns NULL if the entry is none of them. */
static struct scan_message *find(const struct refresh *refresh,
	const struct folder_entry *entry)
{
	uint32_t low = 0, high = refresh->scan->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct scan_message *message = &refresh->scan->messages[
			refresh->by_identity[middle]];
		int order = gather_compare(refresh->scan, message,
			entry->name, entry->inode);

		if (order == 0)
			return message;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static int see_entry(void *context, const struct folder_entry *entry)
{
	struct refresh *refresh = context;
	struct scan_message *message = find(refresh, entry);

	if (message == NULL)
		return 0;
	if (message->state == GATHER_LOST || message->folder != entry->folder)
		refresh->has_news = true;
	message->state = GATHER_COUNTED;
	message->folder = (uint8_t)entry->folder;
	return gather_string(refresh->scan, &message->name, entry->name);
}

static void set_states(struct scan *scan, enum gather_state state)
{
	for (uint32_t idx = 0; idx < scan->count; idx++)
		scan->messages[idx].state = (uint8_t)state;
}

/* Whether all that was not seen in the last round is gone. */
static bool is_sure(const struct refresh *refresh, int result)
{
	return result == FOLDER_CALM ||
		(result == FOLDER_RACY && !refresh->has_news);
}

static int search(struct refresh *refresh)
{
	struct scan *scan = refresh->scan;
	int result = FOLDER_MOVED;

	set_states(scan, GATHER_LOST);
	for (int i = 0; i < ROUNDS; i++) {
		refresh->has_news = i == 0;
		result = folder_round(scan->folder_fd, see_entry, refresh);
		if (result < 0 || is_sure(refresh, result))
			break;
	}
	if (result < 0 || !is_sure(refresh, result))
		set_states(scan, GATHER_COUNTED);
	return result < 0 ? -1 : 0;
}

int scan_refresh(struct scan *scan)
{
	struct refresh refresh = {
		.scan = scan,
		.by_identity = calloc((size_t)scan->count + 1,
			sizeof(*refresh.by_identity)),
	};

	if (refresh.by_identity == NULL)
		return -1;
	for (uint32_t idx = 0; idx < scan->count; idx++)
		refresh.by_identity[idx] = idx;
	/* POSIX.1-2024 has qsort_r as glibc and musl do. */
	if (scan->count > 0)
		qsort_r(refresh.by_identity, scan->count,
			sizeof(*refresh.by_identity), compare_indices, scan);
	int status = search(&refresh);
	free(refresh.by_identity);
	return status;
}
