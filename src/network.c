/*
 * network.c - blocks of addresses, such as 192.0.2.0/24 and 2001:db8::/32
 *
 * Runs in: the master.  Pure: no system call.
 */
#include "config.h"

#include "network.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

/* The longest IPv6 address, as text. */
#define ADDRESS_BYTES 46

#define ALL_BITS 128
#define MAPPED_BITS 96

static const uint8_t mapped_prefix[MAPPED_BITS / 8] = {
	[10] = 0xff, [11] = 0xff };

static bool is_mapped(const uint8_t octets[16])
{
	return memcmp(octets, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static bool parse_address(const char *text, uint8_t octets[16], bool *has_dots)
{
	*has_dots = inet_pton(AF_INET, text, octets + 12) == 1;
	if (*has_dots)
		memcpy(octets, mapped_prefix, sizeof(mapped_prefix));
	return *has_dots || inet_pton(AF_INET6, text, octets) == 1;
}

/* One to three digits, without a needless 0.  Returns -1 for others. */
static int parse_bits(const char *text)
{
	size_t count = strspn(text, "0123456789");
	int bits = 0;

	if (count == 0 || count > 3 || text[count] != '\0' ||
			(text[0] == '0' && count > 1))
		return -1;
	for (; *text != '\0'; text++)
		bits = bits * 10 + (*text - '0');
	return bits;
}

static bool has_bit(const uint8_t octets[16], uint32_t bit)
{
	return (octets[bit / 8] & (0x80 >> bit % 8)) != 0;
}

static bool is_zero_behind(const struct network *network)
{
	for (uint32_t bit = network->bits; bit < ALL_BITS; bit++)
		if (has_bit(network->octets, bit))
			return false;
	return true;
}

static bool starts_with(const uint8_t octets[16], const struct network *network)
{
	uint32_t whole = network->bits / 8;

	if (memcmp(octets, network->octets, whole) != 0)
		return false;
	for (uint32_t bit = whole * 8; bit < network->bits; bit++)
		if (has_bit(octets, bit) != has_bit(network->octets, bit))
			return false;
	return true;
}

const char *network_parse(const char *text, struct network *network)
{
	size_t count = strcspn(text, "/");
	char address[ADDRESS_BYTES];
	bool has_dots;

	*network = (struct network){ .bits = ALL_BITS };
	if (count >= sizeof(address))
		return "it is too long";
	memcpy(address, text, count);
	address[count] = '\0';
	if (!parse_address(address, network->octets, &has_dots))
		return "its address is not numeric";
	if (text[count] == '/') {
		int most = has_dots ? ALL_BITS - MAPPED_BITS : ALL_BITS;
		int bits = parse_bits(text + count + 1);
		if (bits < 0 || bits > most)
			return has_dots ? "its prefix is not 0 to 32" :
				"its prefix is not 0 to 128";
		network->bits = (uint32_t)(ALL_BITS - most + bits);
	}
	network->is_ipv4 = network->bits >= MAPPED_BITS &&
		is_mapped(network->octets);
	return is_zero_behind(network) ? NULL :
		"its address has bits behind the prefix";
}

bool network_has(const struct network *networks, size_t count,
	const struct sockaddr_storage *address)
{
	uint8_t octets[16];

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;
		memcpy(octets, mapped_prefix, sizeof(mapped_prefix));
		memcpy(octets + 12, &in->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;
		memcpy(octets, &in6->sin6_addr, 16);
	} else {
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (networks[i].is_ipv4 == is_mapped(octets) &&
				starts_with(octets, &networks[i]))
			return true;
	return false;
}
