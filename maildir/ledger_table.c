/*
 * ledger_table.c - find the entries of a ledger by their key or unique-id
 *
 * Two hash tables with open addressing, one for the keys and one for the
 * unique-ids, with the same number of slots.  Their hash has no secret: only
 * who owns the Maildir could choose what collides, and this process is theirs.
 *
 * Runs in: the keeper.
 */
#include "config.h"

#include "maildir/ledger_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_SLOTS 64

/*
 * A slot holds 0, or the index of an entry plus 1.  STAND_IN: the slot of a key
 * for any inode that no entry has, held by one that has the unique part.
 */
#define STAND_IN ((uint32_t)1 << 31)

struct key {
	const char *octets;
	size_t count;
	uint64_t inode;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct key *key)
{
	uint64_t hash = mix(key->count, key->inode), value;
	size_t done = 0;

	for (; done + sizeof(value) <= key->count; done += sizeof(value)) {
		memcpy(&value, key->octets + done, sizeof(value));
		hash = mix(hash, value);
	}
	value = 0;
	memcpy(&value, key->octets + done, key->count - done);
	return mix(mix(hash, value), 0);
}

static bool is_string(const char *string, const struct key *key)
{
	return strncmp(string, key->octets, key->count) == 0 &&
		string[key->count] == '\0';
}

static const struct ledger_entry *entry_of(const struct ledger *ledger,
	uint32_t slot)
{
	return &ledger->entries[(slot & ~STAND_IN) - 1];
}

static bool has_key(const struct ledger *ledger, uint32_t slot,
	const struct key *key)
{
	const struct ledger_entry *entry = entry_of(ledger, slot);
	uint64_t inode = (slot & STAND_IN) != 0 ? LEDGER_ANY_INODE :
		entry->inode;

	return inode == key->inode &&
		is_string(ledger->strings + entry->unique, key);
}

/* Find the slot of a key, or the empty one where it belongs. */
static uint32_t *slot_of_key(const struct ledger *ledger,
	const struct key *key)
{
	uint32_t at = (uint32_t)hash_of(key) & (ledger->slots - 1);

	while (ledger->by_key[at] != 0 &&
			!has_key(ledger, ledger->by_key[at], key))
		at = (at + 1) & (ledger->slots - 1);
	return &ledger->by_key[at];
}

/* Find the slot of a unique-id, or the empty one where it belongs. */
static uint32_t *slot_of_uidl(const struct ledger *ledger,
	const struct key *uidl)
{
	uint32_t at = (uint32_t)hash_of(uidl) & (ledger->slots - 1);

	while (ledger->by_uidl[at] != 0 && !is_string(ledger->strings +
			entry_of(ledger, ledger->by_uidl[at])->uidl, uidl))
		at = (at + 1) & (ledger->slots - 1);
	return &ledger->by_uidl[at];
}

/* Fuller tables would be slow. */
static uint64_t most_used(uint32_t slots)
{
	return (uint64_t)slots * 3 / 4;
}

/* Replace both tables by empty ones of 'slots' slots. */
static int renew(struct ledger *ledger, uint32_t slots)
{
	uint32_t *by_key = calloc(slots, sizeof(*by_key));
	uint32_t *by_uidl = calloc(slots, sizeof(*by_uidl));

	if (by_key == NULL || by_uidl == NULL) {
		free(by_key);
		free(by_uidl);
		errno = ENOMEM;
		return -1;
	}
	free(ledger->by_key);
	free(ledger->by_uidl);
	ledger->by_key = by_key;
	ledger->by_uidl = by_uidl;
	ledger->slots = slots;
	ledger->used_slots = 0;
	return 0;
}

/* Let an entry for one inode show that its unique part is there. */
static void stand_in(struct ledger *ledger, struct key *key, uint32_t idx)
{
	uint32_t *slot;

	key->inode = LEDGER_ANY_INODE;
	slot = slot_of_key(ledger, key);
	if (*slot != 0)
		return;
	*slot = (idx + 1) | STAND_IN;
	ledger->used_slots++;
}

void ledger_table_note(struct ledger *ledger, uint32_t idx)
{
	const struct ledger_entry *entry = &ledger->entries[idx];
	const char *unique = ledger->strings + entry->unique;
	const char *uidl = ledger->strings + entry->uidl;
	struct key key = { unique, strlen(unique), entry->inode };
	struct key by_uidl = { uidl, strlen(uidl), 0 };
	uint32_t *slot = slot_of_key(ledger, &key);

	ledger->used_slots += *slot == 0;
	*slot = idx + 1;
	*slot_of_uidl(ledger, &by_uidl) = idx + 1;
	if (entry->inode != LEDGER_ANY_INODE)
		stand_in(ledger, &key, idx);
}

int ledger_table_reserve(struct ledger *ledger, uint32_t count)
{
	uint64_t need = ledger->used_slots;
	uint32_t slots = LEAST_SLOTS;

	/* An entry for one inode may need two slots; few are. */
	if (count > ledger->count)
		need += (uint64_t)(count - ledger->count) + 1;
	if (need <= most_used(ledger->slots))
		return 0;
	while (need > most_used(slots))
		slots *= 2;
	if (renew(ledger, slots) < 0)
		return -1;
	for (uint32_t idx = 0; idx < ledger->count; idx++)
		ledger_table_note(ledger, idx);
	return 0;
}

const struct ledger_entry *ledger_table_find(const struct ledger *ledger,
	const char *unique, size_t octets, uint64_t inode)
{
	struct key key = { unique, octets, inode };
	uint32_t slot;

	if (ledger->slots == 0)
		return NULL;
	slot = *slot_of_key(ledger, &key);
	if (slot == 0 || (slot & STAND_IN) != 0)
		return NULL;
	return entry_of(ledger, slot);
}

bool ledger_table_has_unique(const struct ledger *ledger, const char *unique,
	size_t octets)
{
	struct key key = { unique, octets, LEDGER_ANY_INODE };

	return ledger->slots != 0 && *slot_of_key(ledger, &key) != 0;
}

bool ledger_table_has_uidl(const struct ledger *ledger, const char *uidl,
	size_t octets)
{
	struct key key = { uidl, octets, 0 };

	return ledger->slots != 0 && *slot_of_uidl(ledger, &key) != 0;
}
