/*
 * gather.c - the messages of a scan before they are counted: who is there
 *
 * Runs in: the keeper.  Distrusts: a single reading of a folder.
 */
#include "config.h"

#include "maildir/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/known.h"

#define ROUNDS 5

struct round {
	struct scan *scan;
	struct known known;
	bool has_news;
};

static int grow_names(struct scan *scan, uint64_t need)
{
	uint64_t room = need + need / 4 + 4096;
	char *names;

	if (need > UINT32_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (room > SIZE_MAX) {
		errno = ENOMEM;
		return -1;
	}
	names = realloc(scan->names, (size_t)room);
	if (names == NULL)
		return -1;
	scan->names = names;
	scan->names_room = (size_t)room;
	return 0;
}

static int grow_messages(struct scan *scan)
{
	uint64_t room = (uint64_t)scan->count + scan->count / 4 + 64;
	struct scan_message *messages;

	if (room > UINT32_MAX)
		room = UINT32_MAX;
	if (scan->count == UINT32_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	if (room > SIZE_MAX / sizeof(*messages)) {
		errno = ENOMEM;
		return -1;
	}
	messages = realloc(scan->messages, (size_t)room * sizeof(*messages));
	if (messages == NULL)
		return -1;
	scan->messages = messages;
	scan->room = (uint32_t)room;
	return 0;
}

static int add_message(struct scan *scan, const struct folder_entry *entry)
{
	struct scan_message message = {
		.inode = entry->inode, .name = UINT32_MAX,
		.uidl = SCAN_UIDL_NONE, .folder = (uint8_t)entry->folder,
		.state = entry->is_regular ? GATHER_SEEN_REGULAR : GATHER_SEEN,
	};

	if (scan->count == scan->room && grow_messages(scan) < 0)
		return -1;
	if (gather_string(scan, &message.name, entry->name) < 0)
		return -1;
	scan->messages[scan->count++] = message;
	return 0;
}

/* By identity, and those that were added later behind. */
int gather_by_identity(const void *left, const void *right, void *context)
{
	const struct scan_message *a = left, *b = right;
	const struct scan *scan = context;
	int order = gather_compare(scan, a, scan->names + b->name, b->inode);

	return order != 0 ? order : (a->name > b->name) - (a->name < b->name);
}

static int see_entry(void *context, const struct folder_entry *entry)
{
	struct round *round = context;
	struct scan *scan = round->scan;
	struct scan_message *message = known_find(&round->known, entry->name,
		entry->inode);

	if (message == NULL) {
		round->has_news = true;
		return add_message(scan, entry) < 0 ? -1 :
			known_add(&round->known, scan->count - 1);
	}
	if (message->state == GATHER_LOST)
		message->state = GATHER_SEEN;
	if (message->state == GATHER_MISSING) {
		message->state = GATHER_COUNTED;
		round->has_news = true;
	}
	if (message->folder == entry->folder &&
			strcmp(scan->names + message->name, entry->name) == 0)
		return 0;
	round->has_news = true;
	message->folder = (uint8_t)entry->folder;
	return gather_string(scan, &message->name, entry->name);
}

int gather_compare(const struct scan *scan,
	const struct scan_message *message, const char *name, uint64_t inode)
{
	int order = name_compare_unique(scan->names + message->name, name);

	if (order != 0)
		return order;
	return (message->inode > inode) - (message->inode < inode);
}

int gather_string(struct scan *scan, uint32_t *at, const char *text)
{
	size_t bytes = strlen(text) + 1;

	if (*at == UINT32_MAX || strlen(scan->names + *at) + 1 < bytes) {
		size_t need = scan->names_bytes + bytes;

		if (need > scan->names_room && grow_names(scan, need) < 0)
			return -1;
		*at = (uint32_t)scan->names_bytes;
		scan->names_bytes = need;
	}
	memcpy(scan->names + *at, text, bytes);
	return 0;
}

/* How many messages from the first one on are in their order. */
static uint32_t count_sorted(struct scan *scan, gather_order *compare)
{
	uint32_t count = 1;

	while (count < scan->count && compare(&scan->messages[count - 1],
			&scan->messages[count], scan) <= 0)
		count++;
	return count;
}

/* Merge the last messages, of which 'tail' is a copy, into the first ones. */
static void merge_tail(struct scan *scan, uint32_t first_count,
	const struct scan_message *tail, gather_order *compare)
{
	struct scan_message *messages = scan->messages;
	uint32_t left = first_count, right = scan->count - first_count;

	for (uint32_t at = scan->count; right > 0; at--) {
		if (left > 0 && compare(&messages[left - 1], &tail[right - 1],
				scan) > 0)
			messages[at - 1] = messages[--left];
		else
			messages[at - 1] = tail[--right];
	}
}

int gather_sort(struct scan *scan, gather_order *compare)
{
	uint32_t sorted = count_sorted(scan, compare);
	size_t rest = scan->count > sorted ? scan->count - sorted : 0;
	struct scan_message *tail;

	if (rest == 0)
		return 0;
	if (rest > sorted)
		rest = scan->count;
	/* POSIX.1-2024 has qsort_r as glibc and musl do. */
	qsort_r(scan->messages + scan->count - rest, rest, sizeof(*tail),
		compare, scan);
	if (rest == scan->count)
		return 0;
	tail = malloc(rest * sizeof(*tail));
	if (tail == NULL)
		return -1;
	memcpy(tail, scan->messages + sorted, rest * sizeof(*tail));
	merge_tail(scan, sorted, tail, compare);
	free(tail);
	return 0;
}

bool gather_is_seen(const struct scan_message *message)
{
	return message->state == GATHER_SEEN ||
		message->state == GATHER_SEEN_REGULAR;
}

/* Two entries of one message: what an index knew of it counts. */
static void merge(struct scan_message *known, const struct scan_message *next)
{
	struct scan_message newer = *next;

	if (next->uidl == SCAN_UIDL_NONE) {
		newer.uidl = known->uidl;
		newer.rank = known->rank;
		newer.retrieved_day = known->retrieved_day;
	}
	if (gather_is_seen(next) || next->state == GATHER_MISSING) {
		newer.octets = known->octets;
		newer.size_bytes = known->size_bytes;
		newer.mtime_ns = known->mtime_ns;
		newer.state = known->state;
	}
	if (gather_is_seen(next) && known->state == GATHER_MISSING)
		newer.state = GATHER_COUNTED;
	*known = newer;
}

int gather_collapse(struct scan *scan)
{
	struct scan_message *messages = scan->messages;
	uint32_t kept = 0;

	if (gather_sort(scan, gather_by_identity) < 0)
		return -1;
	for (uint32_t idx = 1; idx < scan->count; idx++) {
		const struct scan_message *next = &messages[idx];

		if (gather_compare(scan, &messages[kept],
			scan->names + next->name, next->inode) == 0)
			merge(&messages[kept], next);
		else
			messages[++kept] = *next;
	}
	if (scan->count > 0)
		scan->count = kept + 1;
	return 0;
}

int gather_round(struct scan *scan)
{
	struct round round = { .scan = scan };
	int result = -1, saved;

	/* A first round has nothing that would confirm it. */
	round.has_news = scan->count == 0;
	if (known_begin(&round.known, scan) == 0)
		result = folder_round(scan->folder_fd, see_entry, &round);
	saved = errno;
	known_end(&round.known);
	errno = saved;
	if (result < 0)
		return -1;
	return result == FOLDER_CALM ||
		(result == FOLDER_RACY && !round.has_news);
}

int gather_all(struct scan *scan)
{
	for (int i = 0; i < ROUNDS; i++) {
		int result = gather_round(scan);

		if (result != 0)
			return result < 0 ? -1 : 0;
	}
	return 0;
}

bool gather_has(const struct scan *scan, enum gather_state state)
{
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].state == state)
			return true;
	return false;
}

void gather_keep(struct scan *scan, enum gather_state state)
{
	uint32_t kept = 0;

	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].state == state)
			scan->messages[kept++] = scan->messages[idx];
	scan->count = kept;
}
