/*
 * peers.c - who is connected and who guessed wrong, per address
 *
 * Runs in: the master.  Pure: no system call, no clock.
 */
#include "config.h"

#include "peers.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/*
 * Peers are linked by place: 1 is the first of them, 0 is the end.  So memory
 * that nobody has used yet is all zero, and a fork need not copy it.
 */
#define END 0

struct peer {
	struct peer_key key;
	uint32_t sessions;
	uint32_t failures;
	int64_t failed_ms;	/* when the last of them was */
	uint32_t next;		/* in its chain, or in the free list */
};

struct peers {
	struct peer *all;
	uint32_t *chains;	/* as many as there are peers */
	uint32_t capacity;
	uint32_t used;		/* so many have been used at all */
	uint32_t free;		/* those that are used no more */
	uint64_t seed;
};

/* FNV-1a over the seed and the key. */
static uint32_t chain_of(const struct peers *peers, const struct peer_key *key)
{
	uint64_t hash = 14695981039346656037u ^ peers->seed;

	for (size_t i = 0; i < sizeof(key->octets); i++)
		hash = (hash ^ key->octets[i]) * 1099511628211u;
	hash ^= hash >> 32;
	return (uint32_t)(hash % peers->capacity);
}

static struct peer *at(const struct peers *peers, uint32_t place)
{
	return &peers->all[place - 1];
}

static struct peer *find(const struct peers *peers, const struct peer_key *key)
{
	uint32_t place = peers->chains[chain_of(peers, key)];

	while (place != END &&
			memcmp(&at(peers, place)->key, key, sizeof(*key)) != 0)
		place = at(peers, place)->next;
	return place == END ? NULL : at(peers, place);
}

static void forget(struct peers *peers, struct peer *peer)
{
	uint32_t place = (uint32_t)(peer - peers->all) + 1;
	uint32_t *link = &peers->chains[chain_of(peers, &peer->key)];

	while (*link != place)
		link = &at(peers, *link)->next;
	*link = peer->next;
	peer->next = peers->free;
	peers->free = place;
}

/* The table is full: forget the failures that are the longest ago. */
static void make_room(struct peers *peers)
{
	struct peer *oldest = NULL;

	for (uint32_t i = 0; i < peers->capacity; i++) {
		struct peer *peer = &peers->all[i];
		if (peer->sessions == 0 && (oldest == NULL ||
				peer->failed_ms < oldest->failed_ms))
			oldest = peer;
	}
	if (oldest != NULL)
		forget(peers, oldest);
}

/* A place that nobody has, or END. */
static uint32_t take_place(struct peers *peers)
{
	if (peers->free == END && peers->used < peers->capacity)
		return ++peers->used;
	if (peers->free == END)
		make_room(peers);

	uint32_t place = peers->free;
	if (place != END)
		peers->free = at(peers, place)->next;
	return place;
}

static struct peer *find_or_add(struct peers *peers,
	const struct peer_key *key)
{
	struct peer *peer = find(peers, key);

	if (peer != NULL)
		return peer;
	uint32_t place = take_place(peers);
	if (place == END)
		return NULL;

	uint32_t *chain = &peers->chains[chain_of(peers, key)];
	peer = at(peers, place);
	*peer = (struct peer){ .key = *key, .next = *chain };
	*chain = place;
	return peer;
}

/* The failures of 'peer' that are not yet forgiven. */
static uint32_t failures_now(const struct peer *peer, int64_t now_ms)
{
	int64_t forgiven = (now_ms - peer->failed_ms) / PEERS_FORGIVE_MS;

	if (forgiven >= peer->failures)
		return 0;
	return peer->failures - (uint32_t)forgiven;
}

struct peer_key peers_key(const struct sockaddr_storage *address)
{
	struct peer_key key = { { 0 } };

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;
		key.octets[10] = key.octets[11] = 0xff;
		memcpy(key.octets + 12, &in->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;
		bool is_ipv4 = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
		memcpy(key.octets, &in6->sin6_addr, is_ipv4 ? 16 : 8);
	}
	return key;
}

struct peers *peers_new(uint32_t capacity, uint64_t seed)
{
	struct peers *peers = calloc(1, sizeof(*peers));

	if (peers == NULL)
		return NULL;
	peers->all = calloc(capacity, sizeof(*peers->all));
	peers->chains = calloc(capacity, sizeof(*peers->chains));
	if (peers->all == NULL || peers->chains == NULL) {
		peers_free(peers);
		errno = ENOMEM;
		return NULL;
	}
	peers->capacity = capacity;
	peers->seed = seed;
	return peers;
}

void peers_free(struct peers *peers)
{
	if (peers == NULL)
		return;
	free(peers->all);
	free(peers->chains);
	free(peers);
}

bool peers_enter(struct peers *peers, const struct peer_key *key,
	uint32_t limit)
{
	struct peer *peer = find_or_add(peers, key);

	if (peer == NULL || (limit != 0 && peer->sessions >= limit))
		return false;
	peer->sessions++;
	return true;
}

void peers_leave(struct peers *peers, const struct peer_key *key)
{
	struct peer *peer = find(peers, key);

	if (peer == NULL || peer->sessions == 0)
		return;
	peer->sessions--;
	if (peer->sessions == 0 && peer->failures == 0)
		forget(peers, peer);
}

void peers_failed(struct peers *peers, const struct peer_key *key,
	int64_t now_ms)
{
	struct peer *peer = find_or_add(peers, key);

	if (peer == NULL)
		return;
	peer->failures = failures_now(peer, now_ms) + 1;
	peer->failed_ms = now_ms;
}

uint32_t peers_failures(const struct peers *peers, const struct peer_key *key,
	int64_t now_ms)
{
	const struct peer *peer = find(peers, key);

	return peer == NULL ? 0 : failures_now(peer, now_ms);
}

uint32_t peers_delay_ms(uint32_t first_ms, uint32_t failures)
{
	uint64_t delay_ms = first_ms;

	while (failures-- > 0 && delay_ms > 0 &&
			delay_ms < PEERS_LONGEST_DELAY_MS)
		delay_ms *= 2;
	return delay_ms > PEERS_LONGEST_DELAY_MS ? PEERS_LONGEST_DELAY_MS :
		(uint32_t)delay_ms;
}
