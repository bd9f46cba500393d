/*
 * known.c - find a message of a scan by its identity: unique part and inode
 *
 * Pure.  Runs in: the keeper.  Distrusts: names, which may want to collide.
 */
#include "config.h"

#include "maildir/known.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "maildir/gather.h"

#define LEAST_SLOTS 64

/* FNV-1a over the unique part; the inode and a seed go in first. */
static uint32_t hash(const struct known *known, const char *name,
	uint64_t inode)
{
	const uint32_t factor = 16777619;
	uint32_t result = (known->seed ^ (uint32_t)inode) * factor;

	result = (result ^ (uint32_t)(inode >> 32)) * factor;
	for (; *name != '\0' && *name != ',' && *name != ':'; name++)
		result = (result ^ (unsigned char)*name) * factor;
	return result ^ result >> 15;
}

static void enter(struct known *known, uint32_t idx)
{
	const struct scan_message *message = &known->scan->messages[idx];
	uint32_t at = hash(known, known->scan->names + message->name,
		message->inode);

	while (known->slots[at & known->mask] != 0)
		at++;
	known->slots[at & known->mask] = idx + 1;
	known->count++;
}

/* Half of the slots stay empty. */
static int make_slots(struct known *known, uint32_t count)
{
	uint64_t slots = LEAST_SLOTS;

	while (slots < (uint64_t)count * 2)
		slots *= 2;
	if (slots > UINT32_MAX || slots > SIZE_MAX / sizeof(*known->slots)) {
		errno = ENOMEM;
		return -1;
	}
	free(known->slots);
	known->slots = calloc((size_t)slots, sizeof(*known->slots));
	known->mask = (uint32_t)slots - 1;
	known->count = 0;
	return known->slots == NULL ? -1 : 0;
}

static int enter_all(struct known *known, uint32_t count)
{
	if (make_slots(known, count) < 0)
		return -1;
	for (uint32_t idx = 0; idx < count; idx++)
		enter(known, idx);
	return 0;
}

int known_begin(struct known *known, const struct scan *scan)
{
	struct timespec now = { 0, 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);	/* any time will do */
	*known = (struct known){
		.scan = scan, .seed = (uint32_t)now.tv_nsec * 2654435761u,
	};
	return enter_all(known, scan->count);
}

void known_end(struct known *known)
{
	free(known->slots);
	known->slots = NULL;
}

int known_add(struct known *known, uint32_t idx)
{
	if (known->count >= known->mask / 2 + 1)
		return enter_all(known, idx + 1);
	enter(known, idx);
	return 0;
}

struct scan_message *known_find(const struct known *known, const char *name,
	uint64_t inode)
{
	uint32_t at = hash(known, name, inode), idx;

	while ((idx = known->slots[at & known->mask]) != 0) {
		struct scan_message *message =
			&known->scan->messages[idx - 1];

		if (message->inode == inode && name_compare_unique(
				known->scan->names + message->name, name) == 0)
			return message;
		at++;
	}
	return NULL;
}
