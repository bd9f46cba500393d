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
 * A slot holds 0, or the index of an entry plus 1, which is less than the
 * number of slots.  The bits above are those of the hash, so that few entries
 * are looked at in vain; but for the highest, STAND_IN: this is the slot of a
 * key for any inode that no entry has, held by one that has the unique part.
 */
#define STAND_IN ((uint32_t)1 << 31)

struct key {
	const char *octets;
	size_t count;
	uint64_t inode;
	uint64_t hash;		/* find_slot() notes it */
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

static uint64_t hash_of(const struct key *key)
{
	uint64_t hash = mix(key->count, key->inode), value = 0;
	size_t done = 0;

	for (; key->count - done > sizeof(value); done += sizeof(value)) {
		memcpy(&value, key->octets + done, sizeof(value));
		hash = mix(hash, value);
	}
	/* The last ones; some of them once more, if there are enough. */
	if (key->count >= sizeof(value))
		memcpy(&value, key->octets + key->count - sizeof(value),
			sizeof(value));
	else
		memcpy(&value, key->octets, key->count);
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
	return &ledger->entries[(slot & (ledger->slots - 1)) - 1];
}

/* The bits of a hash that a slot holds. */
static uint32_t tag_of(const struct ledger *ledger, uint64_t hash)
{
	return (uint32_t)(hash >> 32) & ~(ledger->slots - 1) & ~STAND_IN;
}

/* Whether a slot may be of that hash. */
static bool has_tag(const struct ledger *ledger, uint32_t slot, uint64_t hash)
{
	return ((slot ^ tag_of(ledger, hash)) & ~(ledger->slots - 1) &
		~STAND_IN) == 0;
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

static bool has_uidl(const struct ledger *ledger, uint32_t slot,
	const struct key *uidl)
{
	return is_string(ledger->strings + entry_of(ledger, slot)->uidl, uidl);
}

/* Whether a slot is that of a key, or of a unique-id. */
typedef bool has_what(const struct ledger *ledger, uint32_t slot,
	const struct key *key);

/* Find the slot of a key, or the empty one where it belongs. */
static uint32_t *find_slot(const struct ledger *ledger, uint32_t *table,
	struct key *key, has_what *has)
{
	uint32_t at;

	key->hash = hash_of(key);
	at = (uint32_t)key->hash & (ledger->slots - 1);
	while (table[at] != 0 && !(has_tag(ledger, table[at], key->hash) &&
			has(ledger, table[at], key)))
		at = (at + 1) & (ledger->slots - 1);
	return &table[at];
}

/* Fill a slot that find_slot() has found. */
static void set_slot(const struct ledger *ledger, uint32_t *slot,
	const struct key *key, uint32_t idx)
{
	*slot = (idx + 1) | tag_of(ledger, key->hash);
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
	slot = find_slot(ledger, ledger->by_key, key, has_key);
	if (*slot != 0)
		return;
	set_slot(ledger, slot, key, idx);
	*slot |= STAND_IN;
	ledger->used_slots++;
}

bool ledger_table_note(struct ledger *ledger, uint32_t idx)
{
	const struct ledger_entry *entry = &ledger->entries[idx];
	const char *unique = ledger->strings + entry->unique;
	const char *uidl = ledger->strings + entry->uidl;
	struct key key = { unique, strlen(unique), entry->inode, 0 };
	struct key id = { uidl, strlen(uidl), 0, 0 };
	uint32_t *by_key = find_slot(ledger, ledger->by_key, &key, has_key);
	uint32_t *by_uidl = find_slot(ledger, ledger->by_uidl, &id, has_uidl);

	if (*by_uidl != 0 || (*by_key != 0 && (*by_key & STAND_IN) == 0))
		return false;
	ledger->used_slots += *by_key == 0;
	set_slot(ledger, by_key, &key, idx);
	set_slot(ledger, by_uidl, &id, idx);
	if (entry->inode != LEDGER_ANY_INODE)
		stand_in(ledger, &key, idx);
	return true;
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
		(void)ledger_table_note(ledger, idx);	/* it was, before */
	return 0;
}

const struct ledger_entry *ledger_table_find(const struct ledger *ledger,
	const char *unique, size_t octets, uint64_t inode)
{
	struct key key = { unique, octets, inode, 0 };
	uint32_t slot;

	if (ledger->slots == 0)
		return NULL;
	slot = *find_slot(ledger, ledger->by_key, &key, has_key);
	if (slot == 0 || (slot & STAND_IN) != 0)
		return NULL;
	return entry_of(ledger, slot);
}

bool ledger_table_has_unique(const struct ledger *ledger, const char *unique,
	size_t octets)
{
	struct key key = { unique, octets, LEDGER_ANY_INODE, 0 };

	return ledger->slots != 0 &&
		*find_slot(ledger, ledger->by_key, &key, has_key) != 0;
}

bool ledger_table_has_uidl(const struct ledger *ledger, const char *uidl,
	size_t octets)
{
	struct key key = { uidl, octets, 0, 0 };

	return ledger->slots != 0 &&
		*find_slot(ledger, ledger->by_uidl, &key, has_uidl) != 0;
}
