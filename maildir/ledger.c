/*
 * ledger.c - unique-ids that file names do not tell, and the order of messages
 *
 * Pure.  Runs in: the keeper.
 * Distrusts: what is to be added.
 */
#include "config.h"

#include "maildir/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/ledger_table.h"
#include "maildir/name.h"

static int grow_entries(struct ledger *ledger)
{
	uint64_t room = (uint64_t)ledger->count + ledger->count / 2 + 64;
	struct ledger_entry *entries;

	if (ledger->count == LEDGER_TABLE_MOST) {
		errno = EOVERFLOW;
		return -1;
	}
	if (room > SIZE_MAX / sizeof(*entries)) {
		errno = ENOMEM;
		return -1;
	}
	entries = realloc(ledger->entries, (size_t)room * sizeof(*entries));
	if (entries == NULL)
		return -1;
	ledger->entries = entries;
	ledger->room = (uint32_t)room;
	return 0;
}

static int grow_strings(struct ledger *ledger, size_t more)
{
	uint64_t need = (uint64_t)ledger->strings_bytes + more;
	uint64_t room = need + need / 4 + 4096;
	char *strings;

	if (need <= ledger->strings_room)
		return 0;
	if (need > UINT32_MAX || room > SIZE_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	strings = realloc(ledger->strings, (size_t)room);
	if (strings == NULL)
		return -1;
	ledger->strings = strings;
	ledger->strings_room = (size_t)room;
	return 0;
}

/* Append a string for which there is room; return where it begins. */
static uint32_t append(struct ledger *ledger, const char *octets, size_t count)
{
	size_t at = ledger->strings_bytes;

	memcpy(ledger->strings + at, octets, count);
	ledger->strings[at + count] = '\0';
	ledger->strings_bytes = at + count + 1;
	return (uint32_t)at;
}

static bool is_unique(const char *octets, size_t count)
{
	return count <= LEDGER_UNIQUE_OCTETS &&
		memchr(octets, '\0', count) == NULL &&
		memchr(octets, '/', count) == NULL;
}

/* Append an entry for which there is room.  Returns false if it is there. */
static bool append_entry(struct ledger *ledger,
	const struct ledger_entry *entry)
{
	ledger->entries[ledger->count] = *entry;
	if (!ledger_table_note(ledger, ledger->count))
		return false;
	ledger->count++;
	ledger->is_changed = true;
	return true;
}

int ledger_add(struct ledger *ledger, const char *unique,
	size_t unique_octets, const char *uidl,
	const struct ledger_entry *facts)
{
	size_t uidl_octets = strlen(uidl), before = ledger->strings_bytes;
	struct ledger_entry entry = *facts;

	if (!is_unique(unique, unique_octets) ||
			!name_is_uidl(uidl, uidl_octets)) {
		errno = EINVAL;
		return -1;
	}
	if (ledger->count == ledger->room && grow_entries(ledger) < 0)
		return -1;
	if (grow_strings(ledger, unique_octets + uidl_octets + 2) < 0 ||
			ledger_table_reserve(ledger, ledger->count + 1) < 0)
		return -1;
	entry.unique = append(ledger, unique, unique_octets);
	entry.uidl = append(ledger, uidl, uidl_octets);
	if (append_entry(ledger, &entry))
		return 0;
	ledger->strings_bytes = before;
	errno = EEXIST;
	return -1;
}

void ledger_free(struct ledger *ledger)
{
	free(ledger->entries);
	free(ledger->strings);
	free(ledger->by_key);
	free(ledger->by_uidl);
	*ledger = (struct ledger){ .entries = NULL };
}

const struct ledger_entry *ledger_find(const struct ledger *ledger,
	const char *name, uint64_t inode)
{
	size_t octets = name_unique(name);
	const struct ledger_entry *entry = ledger_table_find(ledger, name,
		octets, inode);

	if (entry == NULL && inode != LEDGER_ANY_INODE)
		entry = ledger_table_find(ledger, name, octets,
			LEDGER_ANY_INODE);
	return entry;
}

bool ledger_has_unique(const struct ledger *ledger, const char *name)
{
	return ledger_table_has_unique(ledger, name, name_unique(name));
}

bool ledger_has_uidl(const struct ledger *ledger, const char *uidl,
	size_t octets)
{
	return ledger_table_has_uidl(ledger, uidl, octets);
}
