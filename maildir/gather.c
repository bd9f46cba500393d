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

#define ROUNDS 5

/* One round: the first 'known' messages are sorted by identity. */
struct round {
	struct scan *scan;
	uint32_t known;
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
		.inode = entry->inode, .name = UINT32_MAX, .uidl = UINT32_MAX,
		.folder = (uint8_t)entry->folder, .state = GATHER_SEEN,
		.is_regular = entry->is_regular,
	};

	if (scan->count == scan->room && grow_messages(scan) < 0)
		return -1;
	if (gather_string(scan, &message.name, entry->name) < 0)
		return -1;
	scan->messages[scan->count++] = message;
	return 0;
}

/* By identity, and those that were added later behind. */
static int compare_messages(const void *left, const void *right, void *context)
{
	const struct scan_message *a = left, *b = right;
	const struct scan *scan = context;
	int order = gather_compare(scan, a, scan->names + b->name, b->inode);

	return order != 0 ? order : (a->name > b->name) - (a->name < b->name);
}

/* Find a known message by halving.  Returns NULL if there is none. */
static struct scan_message *find_known(const struct round *round,
	const char *name, uint64_t inode)
{
	uint32_t low = 0, high = round->known;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct scan_message *message = &round->scan->messages[middle];
		int order = gather_compare(round->scan, message, name, inode);

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
	struct round *round = context;
	struct scan *scan = round->scan;
	struct scan_message *message = find_known(round, entry->name,
		entry->inode);

	if (message == NULL) {
		round->has_news = true;
		return add_message(scan, entry);
	}
	if (message->state == GATHER_LOST)
		message->state = GATHER_SEEN;
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

void gather_collapse(struct scan *scan)
{
	struct scan_message *messages = scan->messages;
	uint32_t kept = 0;

	if (scan->count == 0)
		return;
	/* POSIX.1-2024 has qsort_r as glibc and musl do. */
	qsort_r(messages, scan->count, sizeof(*messages), compare_messages,
		scan);
	for (uint32_t idx = 1; idx < scan->count; idx++) {
		const struct scan_message *next = &messages[idx];

		if (gather_compare(scan, &messages[kept],
			scan->names + next->name, next->inode) == 0) {
			messages[kept].name = next->name;
			messages[kept].folder = next->folder;
		} else {
			messages[++kept] = *next;
		}
	}
	scan->count = kept + 1;
}

int gather_round(struct scan *scan)
{
	struct round round = { .scan = scan, .known = scan->count };
	int result;

	/* A first round has nothing that would confirm it. */
	round.has_news = scan->count == 0;
	result = folder_round(scan->folder_fd, see_entry, &round);
	if (result < 0)
		return -1;
	if (scan->count > round.known)
		gather_collapse(scan);
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

uint32_t gather_count(const struct scan *scan, enum gather_state state)
{
	uint32_t count = 0;

	for (uint32_t idx = 0; idx < scan->count; idx++)
		count += scan->messages[idx].state == state;
	return count;
}

void gather_keep(struct scan *scan, enum gather_state state)
{
	uint32_t kept = 0;

	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].state == state)
			scan->messages[kept++] = scan->messages[idx];
	scan->count = kept;
}
