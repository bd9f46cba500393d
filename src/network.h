/*
 * network.h - blocks of addresses, such as 192.0.2.0/24 and 2001:db8::/32
 *
 * Pure: no system call.
 */
#ifndef POSTERN_NETWORK_H
#define POSTERN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct network {
	uint8_t octets[16];	/* IPv6, or IPv4-mapped; 0 behind the prefix */
	uint32_t bits;		/* 0 .. 128, of the prefix */
	bool is_ipv4;		/* then 'bits' is at least 96 */
};

/*
 * Read 'text': a numeric address, alone or with "/" and the length of a prefix,
 * behind which all bits are 0.
 * Returns NULL, or words that say what is wrong.
 */
const char *network_parse(const char *text, struct network *network);

/*
 * Whether one of 'count' networks has 'address'.  An IPv4-mapped address is an
 * IPv4 one; those are in IPv4 networks only, not even in ::/0.  An address of
 * any other family is in none.
 */
bool network_has(const struct network *networks, size_t count,
	const struct sockaddr_storage *address);

#endif
