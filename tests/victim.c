/*
 * victim.c - what a keeper does to a Maildir, for tests that kill it
 */
#include "config.h"

#include "victim.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "maildir/bits.h"
#include "maildir/drop.h"
#include "maildir/listing.h"

#define IMAGE_BYTES 4000

struct victim *victim_new(void)
{
	void *memory = mmap(NULL, sizeof(struct victim),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void ignore_name(void *context, const char *name, const char *why)
{
	(void)context, (void)name, (void)why;	/* the listing shows it */
}

static void ignore_text(void *context, const char *text)
{
	(void)context, (void)text;	/* the listing shows it */
}

static struct drop_rules rules_of(const struct victim *victim)
{
	return (struct drop_rules){
		.hooks = {
			.digest = fixture_digest, .left_out = ignore_name,
			.corrected = ignore_name,
		},
		.import = {
			.from = IMPORT_AUTO, .uidl_format = "%08Xu%08Xv",
			.md5 = fixture_digest, .tell = ignore_text,
		},
		.may_write = true,
		.most_image_bytes = victim->has_long_listing ? 0 : IMAGE_BYTES,
	};
}

/* What the worker does with a listing. */
static int show(struct victim *victim, const struct listing *listing)
{
	for (uint32_t idx = 0; idx < listing->count; idx++) {
		struct victim_entry *entry = &victim->entries[idx];

		if (idx == VICTIM_MESSAGES)
			return -1;
		entry->octets = listing->entries[idx].octets;
		snprintf(entry->uidl, sizeof(entry->uidl), "%s",
			listing_uidl(listing, idx));
	}
	victim->count = listing->count;
	victim->is_shown = true;
	return 0;
}

static int show_short(struct victim *victim, const struct drop *drop)
{
	struct listing listing;

	if (listing_check(&listing, drop->image, drop->image_bytes) < 0)
		return -1;
	return show(victim, &listing);
}

static int show_long(struct victim *victim, struct drop *drop)
{
	struct listing listing;
	int status;

	if (fixture_map_listing(drop, &listing) < 0)
		return -1;
	status = show(victim, &listing);
	listing_unmap(&listing);
	return status;
}

static int log_in(struct victim *victim, struct drop *drop,
	const struct drop_rules *rules)
{
	bool is_short;

	if (drop_open(drop, victim->fixture->root_fd, rules) < 0)
		return -1;
	is_short = drop->image != NULL;
	if (is_short && show_short(victim, drop) < 0)
		return -1;
	/* Without an index, the next login is slower, and that is all. */
	(void)drop_settle(drop);
	return is_short ? 0 : show_long(victim, drop);
}

int victim_login(void *context)
{
	struct victim *victim = context;
	const struct drop_rules rules = rules_of(victim);
	struct drop drop;
	int status = log_in(victim, &drop, &rules);

	drop_close(&drop);
	return status < 0 ? 1 : 0;
}

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

static int quit(struct victim *victim, struct drop *drop)
{
	uint8_t marked[VICTIM_MESSAGES / 8] = { 0 };
	uint8_t retrieved[VICTIM_MESSAGES / 8] = { 0 };
	struct update_marks marks = { marked, retrieved };
	int root_fd = victim->fixture->root_fd;

	if (drop_load(drop) < 0)
		return -1;
	mark(&drop->scan, ".marked.", marked);
	mark(&drop->scan, ".read.", retrieved);
	note_listed(victim, &drop->scan);
	victim->is_quitting = true;
	if (victim->meanwhile != NULL)
		victim->meanwhile(victim->fixture);
	victim->rules.quota_root_fd = root_fd;
	victim->result = update_maildrop(&drop->scan, root_fd, &marks,
		&victim->rules);
	victim->is_done = true;
	/* The days of retrieval; if they are lost, mail is kept longer. */
	(void)drop_store(drop);
	return 0;
}

int victim_update(void *context)
{
	struct victim *victim = context;
	const struct drop_rules rules = rules_of(victim);
	struct drop drop;
	int status = log_in(victim, &drop, &rules);

	if (status == 0)
		status = quit(victim, &drop);
	drop_close(&drop);
	return status < 0 ? 1 : 0;
}
