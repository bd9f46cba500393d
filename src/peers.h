/*
 * peers.h - who is connected and who guessed wrong, per address
 *
 * An IPv6 client owns its whole /64, so that counts as one address.  Pure: the
 * caller brings the time.
 */
#ifndef POSTERN_PEERS_H
#define POSTERN_PEERS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct peers;

/* What a client hears that has too many sessions. */
#define PEERS_REFUSAL \
	"-ERR [SYS/TEMP] too many connections from your address\r\n"

/* What sessions are counted by. */
struct peer_key {
	uint8_t octets[16];	/* IPv4-mapped, or an IPv6 /64 */
};

/* Longest penalty, and how long a failure takes to be forgiven. */
#define PEERS_LONGEST_DELAY_MS 30000
#define PEERS_FORGIVE_MS 60000

/*
 * The key of a socket address; any family but IPv4 and IPv6 gives one key for
 * all (local sockets, descriptors that are no sockets).
 */
struct peer_key peers_key(const struct sockaddr_storage *address);

/*
 * Make an empty table.
 *
 * capacity: how many addresses it remembers.  seed: any random number, so that
 * nobody can choose addresses that make the table slow.
 * Returns NULL with errno ENOMEM.  peers_free() frees it.
 */
struct peers *peers_new(uint32_t capacity, uint64_t seed);
void peers_free(struct peers *peers);

/*
 * Count one more session of 'key', if it has fewer than 'limit' (0: no limit).
 * Returns whether it was counted; peers_leave() takes it back.
 */
bool peers_enter(struct peers *peers, const struct peer_key *key,
	uint32_t limit);
void peers_leave(struct peers *peers, const struct peer_key *key);

/* Remember a failed login of 'key'. */
void peers_failed(struct peers *peers, const struct peer_key *key,
	int64_t now_ms);

/* How many failed logins of 'key' are not yet forgiven. */
uint32_t peers_failures(const struct peers *peers, const struct peer_key *key,
	int64_t now_ms);

/*
 * How long a failed login must wait after 'failures' others, in milliseconds:
 * 'first_ms', doubled for each of them, up to PEERS_LONGEST_DELAY_MS.
 */
uint32_t peers_delay_ms(uint32_t first_ms, uint32_t failures);

#endif
