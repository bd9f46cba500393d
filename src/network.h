/*
 * network.h - IP networks: "192.0.2.0/24", "2001:db8::/32", or one address
 *
 * Pure.  IPv4 networks are kept as IPv4-mapped IPv6 ones, so that a client that
 * comes by an IPv6 socket is the same as one that does not.
 */
#ifndef POSTERN_NETWORK_H
#define POSTERN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct network {
	uint8_t octets[16];	/* IPv6, or IPv4-mapped */
	uint8_t bits;		/* so many of them count: 0 .. 128 */
};

/*
 * Parse an address or a network in CIDR notation (RFC 4632 section 3.1, RFC
 * 4291 section 2.3).  Returns 0, or -1 with errno: EINVAL for what is neither,
 * EDOM if it has bits set behind its prefix.
 */
int network_parse(const char *text, struct network *network);

/* Whether 'address' is in 'network'; no other family than IPv4 and IPv6 is. */
bool network_has(const struct network *network,
	const struct sockaddr_storage *address);

/* Whether 'address' is in one of 'count' networks. */
bool network_any_has(const struct network *networks, size_t count,
	const struct sockaddr_storage *address);

#endif
