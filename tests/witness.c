/*
 * witness.c - a login, checked against what the journal tells
 */
#include "config.h"

#include "witness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/listing.h"
#include "maildir_fixture.h"

static void ignore_name(void *context, const char *name, const char *why)
{
	(void)context, (void)name, (void)why;	/* the listing shows it */
}

static void ignore_text(void *context, const char *text)
{
	(void)context, (void)text;	/* the listing shows it */
}

static bool complain(const struct witness *witness, const char *what,
	const char *which)
{
	journal_fail(witness->journal, "%s login %llu-%llu%s: %s %s",
		witness->may_write ? "writing" : "read-only", witness->begin,
		witness->end, witness->was_believed ? " by the index" : "",
		what, which);
	return false;
}

static bool complain_of(const struct witness *witness, const char *what,
	struct journal_file *file)
{
	char text[300];

	snprintf(text, sizeof(text), "%s: older %u, born %llu-%llu, "
		"gone %llu-%llu, marked %llu, grown %llu, inode %llu, "
		"file %u", file->path, file->older,
		atomic_load(&file->born_begin), atomic_load(&file->born_end),
		atomic_load(&file->gone_begin), atomic_load(&file->gone_end),
		journal_marked(witness->journal, file),
		atomic_load(&file->grown), (unsigned long long)file->inode,
		journal_index(witness->journal, file));
	return complain(witness, what, text);
}

static void make_rules(struct witness *witness)
{
	witness->rules = (struct drop_rules){
		.hooks = {
			.digest = fixture_digest, .left_out = ignore_name,
			.corrected = ignore_name,
		},
		.import = {
			.from = IMPORT_AUTO, .uidl_format = "%08Xu%08Xv",
			.md5 = fixture_digest, .tell = ignore_text,
		},
		.may_write = witness->may_write,
		.most_image_bytes = witness->is_long ? 0 : SIZE_MAX,
	};
}

static bool keep_entries(struct witness *witness,
	const struct listing *listing)
{
	witness->count = listing->count;
	witness->entries = calloc(listing->count + 1,
		sizeof(*witness->entries));
	if (witness->entries == NULL)
		return complain(witness, "no memory", "for a listing");
	for (uint32_t idx = 0; idx < listing->count; idx++) {
		const char *uidl = listing_uidl(listing, idx);

		witness->entries[idx].octets = listing->entries[idx].octets;
		snprintf(witness->entries[idx].uidl, NAME_UIDL_OCTETS + 1,
			"%s", uidl != NULL ? uidl : "");
	}
	return true;
}

static bool keep_short_listing(struct witness *witness)
{
	const struct drop *drop = &witness->drop;
	struct listing listing;

	if (listing_check(&listing, drop->image, drop->image_bytes) < 0)
		return complain(witness, "bad listing:", strerror(errno));
	return keep_entries(witness, &listing);
}

static bool keep_long_listing(struct witness *witness)
{
	struct listing listing;
	bool is_good;

	if (fixture_map_listing(&witness->drop, &listing) < 0)
		return complain(witness, "bad listing:", strerror(errno));
	is_good = keep_entries(witness, &listing);
	listing_unmap(&listing);
	return is_good;
}

/* FNV-1a; never 0. */
static unsigned long long hash(const char *text)
{
	unsigned long long result = 14695981039346656037ull;

	for (; *text != '\0'; text++)
		result = (result ^ (unsigned char)*text) * 1099511628211ull;
	return result | 1;
}

/*
 * A file keeps its unique-id for life.  One that went during the login may have
 * been seen beside what came in its place, and the older one of both is plain.
 */
static bool keeps_uidl(const struct witness *witness,
	struct journal_file *file, const char *uidl)
{
	unsigned long long none = 0, own = hash(uidl);
	unsigned long long gone = atomic_load(&file->gone_begin);

	return atomic_compare_exchange_strong(&file->uidl, &none, own) ||
		none == own || (gone != 0 && gone < witness->end);
}

static bool has_octets(const struct journal_file *file, uint64_t octets)
{
	char text[JOURNAL_CONTENT_BYTES];
	uint64_t own;

	(void)journal_content(file, false, text, &own);
	if (own == octets)
		return true;
	(void)journal_content(file, true, text, &own);
	return own == octets && atomic_load(&file->grown) != 0;
}

/* Whether another file may have been seen with the same unique part. */
static bool has_rivals(const struct witness *witness,
	const struct journal_file *file)
{
	return file->older != 0 || atomic_load(&witness->journal->families[
		file->family].newest) != journal_index(witness->journal,
		file) + 1;
}

/* Rivals are told apart by whoever holds the lock: others may guess. */
static bool has_right_uidl(const struct witness *witness, uint32_t idx,
	struct journal_file *file)
{
	const char *uidl = witness->entries[idx].uidl;
	char unique[NAME_UIDL_OCTETS + 1];

	journal_unique(file->family, unique);
	if (strcmp(uidl, unique) != 0 && !has_rivals(witness, file))
		return false;
	return !witness->may_write || keeps_uidl(witness, file, uidl);
}

static bool check_entry(struct witness *witness, uint32_t idx)
{
	const char *name = scan_name(&witness->drop.scan, idx);
	bool is_possible = false, is_right = false;

	for (struct journal_file *file = witness_file(witness, idx, NULL);
			file != NULL; file = witness_file(witness, idx,
				file)) {
		witness->listed[journal_index(witness->journal, file)]++;
		is_right |= has_octets(file, witness->entries[idx].octets);
		if (!journal_may_be_there(file, witness->begin,
				witness->end))
			continue;
		is_possible = true;
		if (!has_right_uidl(witness, idx, file))
			return complain_of(witness,
				witness->entries[idx].uidl, file);
	}
	if (!is_possible)
		return complain(witness, "lists what is not there:", name);
	return is_right || complain(witness, "wrong octets:", name);
}

static int compare_entries(const void *left, const void *right)
{
	const struct witness_entry *const *a = left, *const *b = right;

	return strcmp((*a)->uidl, (*b)->uidl);
}

static bool check_unique(const struct witness *witness)
{
	const struct witness_entry **sorted = calloc(witness->count + 1,
		sizeof(*sorted));
	const char *twice = NULL;

	if (sorted == NULL)
		return complain(witness, "no memory", "to sort");
	for (uint32_t idx = 0; idx < witness->count; idx++)
		sorted[idx] = &witness->entries[idx];
	qsort(sorted, witness->count, sizeof(*sorted), compare_entries);
	for (uint32_t idx = 1; idx < witness->count; idx++)
		if (strcmp(sorted[idx - 1]->uidl, sorted[idx]->uidl) == 0)
			twice = sorted[idx]->uidl;
	free(sorted);
	return twice == NULL || complain(witness, "a unique-id twice:", twice);
}

static bool check_files(struct witness *witness)
{
	struct journal *journal = witness->journal;
	uint32_t count = atomic_load(&journal->file_count);

	for (uint32_t i = 0; i < count && i < JOURNAL_FILES; i++) {
		struct journal_file *file = &journal->files[i];

		if (witness->listed[i] > 1)
			return complain_of(witness, "lists twice", file);
		if (witness->listed[i] == 0 && journal_was_there(journal,
				file, witness->begin, witness->end))
			return complain_of(witness, "does not list", file);
	}
	return true;
}

static bool check(struct witness *witness)
{
	memset(witness->listed, 0, sizeof(witness->listed));
	if (witness->count != witness->drop.scan.count)
		return complain(witness, "another count", "in the index");
	for (uint32_t idx = 0; idx < witness->count; idx++)
		if (!check_entry(witness, idx))
			return false;
	return check_unique(witness) && check_files(witness);
}

bool witness_log_in(struct witness *witness)
{
	int status;

	make_rules(witness);
	witness->entries = NULL;
	witness->begin = journal_now(witness->journal);
	status = drop_open(&witness->drop, witness->root_fd,
		&witness->rules);
	witness->end = journal_now(witness->journal);
	witness->was_believed = status == 0 && !witness->drop.is_loaded;
	if (status < 0)
		return complain(witness, "drop_open:", strerror(errno));
	if (!witness->is_long && !keep_short_listing(witness))
		return false;
	if (drop_settle(&witness->drop) < 0)
		return complain(witness, "drop_settle:", strerror(errno));
	if (witness->is_long && !keep_long_listing(witness))
		return false;
	if (drop_load(&witness->drop) < 0)
		return complain(witness, "drop_load:", strerror(errno));
	return check(witness);
}

void witness_log_out(struct witness *witness)
{
	free(witness->entries);
	drop_close(&witness->drop);
}

struct journal_file *witness_file(const struct witness *witness, uint32_t idx,
	struct journal_file *file)
{
	const struct scan *scan = &witness->drop.scan;
	const char *name = scan_name(scan, idx);
	uint32_t family = journal_family_of(name);
	char unique[NAME_UIDL_OCTETS + 1];

	if (family == JOURNAL_FAMILIES)
		return NULL;
	journal_unique(family, unique);
	if (strlen(unique) != name_unique(name) ||
		strncmp(name, unique, strlen(unique)) != 0)
		return NULL;
	file = file == NULL ? journal_newest(witness->journal, family) :
		journal_older(witness->journal, file);
	while (file != NULL && file->inode != scan->messages[idx].inode)
		file = journal_older(witness->journal, file);
	return file;
}

bool witness_has_content(const struct journal_file *file, int fd)
{
	char text[JOURNAL_CONTENT_BYTES], wanted[JOURNAL_CONTENT_BYTES];
	ssize_t bytes = pread(fd, text, sizeof(text), 0);
	uint64_t octets;

	for (int is_grown = 0; is_grown < 2; is_grown++)
		if (bytes == (ssize_t)journal_content(file, is_grown != 0,
				wanted, &octets) &&
			memcmp(text, wanted, (size_t)bytes) == 0)
			return true;
	return false;
}

static bool check_content(struct witness *witness, uint32_t idx, int fd,
	unsigned long long end)
{
	for (struct journal_file *file = witness_file(witness, idx, NULL);
			file != NULL; file = witness_file(witness, idx,
				file))
		if (journal_may_be_there(file, witness->begin, end) &&
			witness_has_content(file, fd))
			return true;
	return complain(witness, "reads another content:",
		scan_name(&witness->drop.scan, idx));
}

/* Whether opening it may fail: it was gone at some time, or has changed. */
static bool check_refusal(struct witness *witness, uint32_t idx, int error,
	unsigned long long end)
{
	uint32_t count = 0;
	bool is_whole = false;

	for (struct journal_file *file = witness_file(witness, idx, NULL);
			file != NULL; file = witness_file(witness, idx,
				file), count++)
		is_whole |= journal_was_there(witness->journal, file,
			witness->begin, end) &&
			atomic_load(&file->grown) == 0;
	if ((error == ENOENT || error == ESTALE) &&
		!(is_whole && count == 1))
		return true;
	return complain(witness, strerror(error),
		scan_name(&witness->drop.scan, idx));
}

bool witness_read(struct witness *witness, uint32_t idx)
{
	int fd = drop_message(&witness->drop, idx), error = errno;
	unsigned long long end = journal_now(witness->journal);
	bool is_right;

	if (fd < 0)
		return check_refusal(witness, idx, error, end);
	is_right = check_content(witness, idx, fd, end);
	close(fd);
	return is_right;
}
