/*
 * network.c - IP networks: "192.0.2.0/24", "2001:db8::/32", or one address
 *
 * Runs in: the master.  Pure: no system call.
 */
#include "config.h"

#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define IPV4_BITS 32
#define IPV6_BITS 128
#define MAPPED_BITS (IPV6_BITS - IPV4_BITS)

/* An IPv6 address with an IPv4 one at its end has at most this many octets. */
#define ADDRESS_BYTES INET6_ADDRSTRLEN

/* The octets of an IPv4 address, mapped.  RFC 4291 section 2.5.5.2. */
static void map(const void *ipv4, uint8_t octets[16])
{
	memset(octets, 0, 10);
	octets[10] = octets[11] = 0xff;
	memcpy(octets + 12, ipv4, 4);
}

/* Only digits, no zero ahead, at most 'most'.  Returns -1 for all else. */
static int parse_bits(const char *text, int most)
{
	int bits = 0;

	if (*text == '\0' || (*text == '0' && text[1] != '\0'))
		return -1;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		bits = bits * 10 + (*text - '0');
		if (bits > most)
			return -1;
	}
	return bits;
}

/* Whether the first 'bits' bits of both are the same. */
static bool is_same(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

/* Whether no bit is set behind the first 'bits' ones. */
static bool ends_in_zeros(const uint8_t octets[16], unsigned bits)
{
	for (unsigned i = bits; i < IPV6_BITS; i++)
		if ((octets[i / 8] & (0x80u >> i % 8)) != 0)
			return false;
	return true;
}

static bool octets_of(const struct sockaddr_storage *address,
	uint8_t octets[16])
{
	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;
		map(&in->sin_addr, octets);
		return true;
	}
	if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;
		memcpy(octets, &in6->sin6_addr, 16);
		return true;
	}
	return false;
}

/* An address without a prefix.  Returns how many bits it has, or -1. */
static int parse_address(const char *text, uint8_t octets[16])
{
	uint8_t ipv4[4];

	if (inet_pton(AF_INET6, text, octets) == 1)
		return IPV6_BITS;
	if (inet_pton(AF_INET, text, ipv4) != 1)
		return -1;
	map(ipv4, octets);
	return IPV4_BITS;
}

int network_parse(const char *text, struct network *network)
{
	size_t bytes = strcspn(text, "/");
	char address[ADDRESS_BYTES];

	errno = EINVAL;
	if (bytes >= sizeof(address))
		return -1;
	memcpy(address, text, bytes);
	address[bytes] = '\0';
	int most = parse_address(address, network->octets);
	if (most < 0)
		return -1;
	int bits = text[bytes] == '\0' ? most :
		parse_bits(text + bytes + 1, most);
	if (bits < 0)
		return -1;
	network->bits = (uint8_t)(bits + (most == IPV4_BITS ? MAPPED_BITS :
		0));
	errno = EDOM;
	return ends_in_zeros(network->octets, network->bits) ? 0 : -1;
}

bool network_has(const struct network *network,
	const struct sockaddr_storage *address)
{
	uint8_t octets[16];

	return octets_of(address, octets) &&
		is_same(network->octets, octets, network->bits);
}

bool network_any_has(const struct network *networks, size_t count,
	const struct sockaddr_storage *address)
{
	for (size_t i = 0; i < count; i++)
		if (network_has(&networks[i], address))
			return true;
	return false;
}
