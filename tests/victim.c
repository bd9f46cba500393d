/*
 * victim.c - what a keeper does to a Maildir, for tests that kill it
 */
#include "config.h"

#include "victim.h"

#include <string.h>
#include <sys/mman.h>

#include "maildir/bits.h"

struct victim *victim_new(void)
{
	void *memory = mmap(NULL, sizeof(struct victim),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void ignore_left_out(void *context, const char *name, const char *why)
{
	(void)context, (void)name, (void)why;	/* it was not there, then */
}

static const struct scan_hooks hooks = {
	.digest = fixture_digest,
	.left_out = ignore_left_out,
};

/* Set the bit of each message whose name has 'word' in it. */
static void mark(const struct scan *scan, const char *word, uint8_t *bits)
{
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (strstr(scan_name(scan, idx), word) != NULL)
			bits_set(bits, idx);
}

static void note_listed(struct victim *victim, const struct scan *scan)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		unsigned int number = census_number(scan_name(scan, idx));

		if (number < CENSUS_MESSAGES)
			victim->was_listed[number] = true;
	}
}

int victim_update(void *context)
{
	struct victim *victim = context;
	uint8_t marked[CENSUS_MESSAGES] = { 0 };
	uint8_t retrieved[CENSUS_MESSAGES] = { 0 };
	struct update_marks marks = { marked, retrieved };
	struct scan scan;

	if (scan_maildir(&scan, victim->fixture->root_fd, &hooks) < 0)
		return 1;
	mark(&scan, ".marked.", marked);
	mark(&scan, ".read.", retrieved);
	note_listed(victim, &scan);
	victim->is_quitting = true;
	if (victim->meanwhile != NULL)
		victim->meanwhile(victim->fixture);
	victim->result = update_maildrop(&scan, victim->fixture->root_fd,
		&marks, &victim->rules);
	victim->is_done = true;
	scan_free(&scan);
	return 0;
}
