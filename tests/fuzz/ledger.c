/*
 * ledger.c - fuzz target: the file postern.uidls
 */
#include "config.h"

#include "maildir/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "maildir/ledger_file.h"

static const char *string_at(const struct ledger *ledger, uint32_t at)
{
	return ledger->strings + at;
}

/* Each entry is legal, and is the one that is found. */
static void check_entries(const struct ledger *ledger)
{
	for (uint32_t idx = 0; idx < ledger->count; idx++) {
		const struct ledger_entry *entry = &ledger->entries[idx];
		const char *uidl = string_at(ledger, entry->uidl);
		const char *unique = string_at(ledger, entry->unique);

		FUZZ_CHECK(name_is_uidl(uidl, strlen(uidl)));
		FUZZ_CHECK(ledger_has_uidl(ledger, uidl, strlen(uidl)));
		FUZZ_CHECK(strlen(unique) <= LEDGER_UNIQUE_OCTETS);
		FUZZ_CHECK(strchr(unique, '/') == NULL);
		/* No file name leads to an entry with one of these. */
		if (name_unique(unique) != strlen(unique))
			continue;
		FUZZ_CHECK(ledger_has_unique(ledger, unique));
		FUZZ_CHECK(ledger_find(ledger, unique, entry->inode) ==
			entry);
	}
}

static char *text_of(const struct ledger *ledger)
{
	size_t room = 64 + (size_t)ledger->count * LEDGER_LINE_BYTES;
	char *text = malloc(room), *end = text;

	FUZZ_CHECK(text != NULL);
	end += snprintf(end, room, "%s\n", LEDGER_NAME LEDGER_VERSION);
	for (uint32_t idx = 0; idx < ledger->count; idx++)
		end += ledger_line(ledger, idx, end);
	snprintf(end, 32, "end %u\n", ledger->count);
	return text;
}

/* What was understood is written and read back without a loss. */
static void check_copy(const struct ledger *ledger)
{
	struct ledger copy;
	char *text = text_of(ledger);

	FUZZ_CHECK(ledger_parse(&copy, text, strlen(text)) == 0);
	FUZZ_CHECK(copy.bad_lines == 0);
	FUZZ_CHECK(copy.count == ledger->count);
	for (uint32_t idx = 0; idx < copy.count; idx++) {
		const struct ledger_entry *a = &copy.entries[idx];
		const struct ledger_entry *b = &ledger->entries[idx];

		FUZZ_CHECK(a->rank == b->rank && a->inode == b->inode);
		FUZZ_CHECK(strcmp(string_at(&copy, a->unique),
			string_at(ledger, b->unique)) == 0);
		FUZZ_CHECK(strcmp(string_at(&copy, a->uidl),
			string_at(ledger, b->uidl)) == 0);
	}
	ledger_free(&copy);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	struct ledger_entry facts = { .inode = 12, .rank = 7 };
	struct ledger ledger;

	FUZZ_CHECK(ledger_parse(&ledger, (const char *)octets, count) == 0);
	FUZZ_CHECK(!ledger.is_missing && !ledger.is_changed);
	check_entries(&ledger);
	check_copy(&ledger);
	if (ledger_add(&ledger, "1.new", 5, "new", &facts) == 0)
		FUZZ_CHECK(ledger.is_changed);
	FUZZ_CHECK(ledger_has_uidl(&ledger, "new", 3) ||
		ledger_find(&ledger, "1.new", 12) != NULL);
	check_entries(&ledger);
	ledger_free(&ledger);
	return 0;
}
