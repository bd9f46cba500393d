/*
 * imports.c - what the fuzz targets of the importers share
 */
#include "config.h"

#include "imports.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Some files that are there, in the order of their names. */
static char names[] = "1.a,S=1:2,S\0" "1.a,S=3\0" "17.M1P1.host\0" "x";
static struct scan_message messages[] = {
	{ .name = 0, .inode = 11 },
	{ .name = 12, .inode = 13 },
	{ .name = 20, .inode = 17 },
	{ .name = 33, .inode = 19 },
};
static const struct scan scan = {
	.messages = messages, .names = names,
	.count = sizeof(messages) / sizeof(*messages),
};

void imports_digest(const void *octets, size_t count, uint8_t digest[16])
{
	memset(digest, (int)count, 16);
	memcpy(digest, octets, count < 16 ? count : 16);
}

static void check_entries(const struct ledger *ledger)
{
	for (uint32_t idx = 0; idx < ledger->count; idx++) {
		const struct ledger_entry *entry = &ledger->entries[idx];
		const char *uidl = ledger->strings + entry->uidl;
		const char *unique = ledger->strings + entry->unique;

		FUZZ_CHECK(name_is_uidl(uidl, strlen(uidl)));
		FUZZ_CHECK(ledger_find(ledger, unique, entry->inode) == entry);
		FUZZ_CHECK(idx == 0 || entry->rank > entry[-1].rank);
	}
}

/* Returns how many entries the ledger has got. */
static uint32_t import_once(struct ledger *ledger, imports_fill *fill,
	const uint8_t *octets, size_t count)
{
	struct import_list list = { .records = NULL };
	uint32_t before = ledger->count, added;

	fill(&list, octets, count);
	FUZZ_CHECK(import_list_into(&list, &scan, ledger, &added) == 0);
	FUZZ_CHECK(added == ledger->count - before && added <= list.count);
	FUZZ_CHECK(list.doubled <= list.count);
	import_list_free(&list);
	check_entries(ledger);
	return added;
}

void imports_check(imports_fill *fill, const uint8_t *octets, size_t count)
{
	struct ledger ledger = { .entries = NULL };

	(void)import_once(&ledger, fill, octets, count);	/* any number */
	FUZZ_CHECK(import_once(&ledger, fill, octets, count) == 0);
	ledger_free(&ledger);
}
