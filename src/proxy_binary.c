/*
 * proxy_binary.c - version 2 of the PROXY protocol
 *
 * Runs in: a worker.  Pure: no system call.  Distrusts: the header; whoever
 * sends it is a trusted machine, but part of it is what a client chose.
 */
#include "config.h"

#include "proxy_binary.h"

#include <netinet/in.h>
#include <string.h>

/* Section 2.2. */
enum { VERSION_2 = 0x20, COMMAND_LOCAL = 0x0, COMMAND_PROXY = 0x1 };
enum {
	TCP_OVER_IPV4 = 0x11, TCP_OVER_IPV6 = 0x21, UNIX_STREAM = 0x31,
	UNSPECIFIED = 0x00
};
enum type {
	TYPE_ALPN = 0x01, TYPE_AUTHORITY = 0x02, TYPE_CRC32C = 0x03,
	TYPE_UNIQUE_ID = 0x05, TYPE_SSL = 0x20, TYPE_SSL_VERSION = 0x21,
	TYPE_SSL_CN = 0x22, TYPE_SSL_CIPHER = 0x23
};
enum {
	CLIENT_SSL = 0x01, CLIENT_CERT_CONN = 0x02, CLIENT_CERT_SESS = 0x04
};

#define FIELD_OCTETS 3		/* the type and the length of a field */
#define CRC_OCTETS 4
#define UNIQUE_ID_OCTETS 128
#define SSL_OCTETS 5		/* flags, and how the verification went */
#define AUTHORITY_OCTETS 255
#define UNIX_OCTETS 216

/* A part of the header that is still to be read. */
struct rest {
	const uint8_t *octets;
	size_t count;
};

/* One field: its type and its value. */
struct field {
	uint8_t type;
	struct rest value;
};

/* Where the fields go that are read. */
struct reading {
	const struct proxy *proxy;
	struct proxy_header *header;
	uint32_t seen;		/* a bit for each type of the table */
};

static size_t number_at(const uint8_t *octets)
{
	return (size_t)octets[0] << 8 | octets[1];
}

/* Take the first field of 'rest'.  Returns whether it is there whole. */
static bool take_field(struct rest *rest, struct field *field)
{
	if (rest->count < FIELD_OCTETS)
		return false;
	field->type = rest->octets[0];
	field->value.octets = rest->octets + FIELD_OCTETS;
	field->value.count = number_at(rest->octets + 1);
	if (field->value.count > rest->count - FIELD_OCTETS)
		return false;
	rest->octets += FIELD_OCTETS + field->value.count;
	rest->count -= FIELD_OCTETS + field->value.count;
	return true;
}

/* Copy what fits and can be shown; 0 ends it. */
static void copy_text(const struct rest *value, char *text, size_t room)
{
	size_t count = value->count < room - 1 ? value->count : room - 1;

	for (size_t i = 0; i < count; i++)
		text[i] = value->octets[i] > ' ' && value->octets[i] < 0x7f ?
			(char)value->octets[i] : '?';
	text[count] = '\0';
}

/* RFC 7301: a client that wanted another protocol must not talk to us. */
static const char *read_alpn(struct reading *reading, const struct rest *value)
{
	(void)reading;
	return value->count == strlen("pop3") &&
		memcmp(value->octets, "pop3", value->count) == 0 ? NULL :
		"its client wants another protocol (ALPN)";
}

/* A host's name, as the client has sent it (SNI); we need none. */
static const char *read_authority(struct reading *reading,
	const struct rest *value)
{
	bool is_good = value->count > 0 && value->count <= AUTHORITY_OCTETS;

	(void)reading;
	for (size_t i = 0; i < value->count; i++)
		is_good &= value->octets[i] > ' ' && value->octets[i] != 0x7f;
	return is_good ? NULL : "its host name is malformed";
}

/* RFC 9260 appendix A, a bit at a time: headers are short. */
static uint32_t crc32c(uint32_t crc, uint8_t octet)
{
	crc ^= octet;
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ ((crc & 1) != 0 ? UINT32_C(0x82f63b78) : 0);
	return crc;
}

/* Section 2.2.3: the checksum counts as 0 itself. */
static const char *read_crc32c(struct reading *reading,
	const struct rest *value)
{
	const struct proxy *proxy = reading->proxy;
	uint32_t crc = UINT32_MAX, told;

	if (value->count != CRC_OCTETS)
		return "its checksum is malformed";
	for (size_t i = 0; i < proxy->count; i++) {
		const uint8_t *octet = &proxy->octets[i];
		bool is_sum = octet >= value->octets &&
			octet < value->octets + CRC_OCTETS;
		crc = crc32c(crc, is_sum ? 0 : *octet);
	}
	told = (uint32_t)number_at(value->octets) << 16 |
		(uint32_t)number_at(value->octets + 2);
	return told == ~crc ? NULL : "its checksum is wrong";
}

static const char *read_unique_id(struct reading *reading,
	const struct rest *value)
{
	(void)reading;
	return value->count <= UNIQUE_ID_OCTETS ? NULL :
		"its unique-id is too long";
}

static void read_ssl_field(struct proxy_header *header,
	const struct field *field, bool is_verified)
{
	if (field->type == TYPE_SSL_VERSION)
		copy_text(&field->value, header->tls_version,
			sizeof(header->tls_version));
	else if (field->type == TYPE_SSL_CIPHER)
		copy_text(&field->value, header->cipher,
			sizeof(header->cipher));
	else if (field->type == TYPE_SSL_CN && is_verified)
		copy_text(&field->value, header->client_name,
			sizeof(header->client_name));
}

/* Section 2.2.6: fields inside of a field. */
static const char *read_ssl(struct reading *reading, const struct rest *value)
{
	static const uint8_t verified[SSL_OCTETS - 1] = { 0 };
	struct rest rest = *value;
	struct field field;

	if (value->count < SSL_OCTETS)
		return "its TLS field is too short";
	uint8_t flags = value->octets[0];
	bool is_verified = (flags & (CLIENT_CERT_CONN | CLIENT_CERT_SESS)) &&
		memcmp(value->octets + 1, verified, sizeof(verified)) == 0;
	rest.octets += SSL_OCTETS;
	rest.count -= SSL_OCTETS;
	reading->header->has_tls = (flags & CLIENT_SSL) != 0;
	while (rest.count > 0) {
		if (!take_field(&rest, &field))
			return "its TLS field is malformed";
		if (reading->header->has_tls)
			read_ssl_field(reading->header, &field, is_verified);
	}
	return NULL;
}

/* All others are for others. */
static const struct reader {
	enum type type;
	const char *(*read)(struct reading *reading,
		const struct rest *value);
} readers[] = {
	{ TYPE_ALPN, read_alpn },
	{ TYPE_AUTHORITY, read_authority },
	{ TYPE_CRC32C, read_crc32c },
	{ TYPE_UNIQUE_ID, read_unique_id },
	{ TYPE_SSL, read_ssl },
};

static const char *read_field(struct reading *reading,
	const struct field *field)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (readers[i].type != field->type)
			continue;
		if ((reading->seen & UINT32_C(1) << i) != 0)
			return "one of its fields is there twice";
		reading->seen |= UINT32_C(1) << i;
		return readers[i].read(reading, &field->value);
	}
	return NULL;
}

static const char *read_fields(const struct proxy *proxy, struct rest rest,
	struct proxy_header *header)
{
	struct reading reading = { .proxy = proxy, .header = header };
	const char *why = NULL;
	struct field field;

	while (why == NULL && rest.count > 0)
		why = take_field(&rest, &field) ?
			read_field(&reading, &field) :
			"its fields are malformed";
	return why;
}

static void take_octets(struct rest *rest, void *to, size_t count)
{
	memcpy(to, rest->octets, count);
	rest->octets += count;
	rest->count -= count;
}

static void take_ipv4(struct rest *rest, struct proxy_header *header)
{
	struct sockaddr_in *source = (void *)&header->source;
	struct sockaddr_in *destination = (void *)&header->destination;

	source->sin_family = destination->sin_family = AF_INET;
	take_octets(rest, &source->sin_addr, 4);
	take_octets(rest, &destination->sin_addr, 4);
	take_octets(rest, &source->sin_port, 2);
	take_octets(rest, &destination->sin_port, 2);
}

static void take_ipv6(struct rest *rest, struct proxy_header *header)
{
	struct sockaddr_in6 *source = (void *)&header->source;
	struct sockaddr_in6 *destination = (void *)&header->destination;

	source->sin6_family = destination->sin6_family = AF_INET6;
	take_octets(rest, &source->sin6_addr, 16);
	take_octets(rest, &destination->sin6_addr, 16);
	take_octets(rest, &source->sin6_port, 2);
	take_octets(rest, &destination->sin6_port, 2);
}

/* The names of Unix sockets tell nobody's address. */
static void take_unix(struct rest *rest, struct proxy_header *header)
{
	rest->octets += UNIX_OCTETS;
	rest->count -= UNIX_OCTETS;
	header->is_local = true;
}

static void take_nothing(struct rest *rest, struct proxy_header *header)
{
	(void)rest;
	header->is_local = true;
}

static const struct family {
	uint8_t family;
	size_t octets;		/* of the addresses */
	void (*take)(struct rest *rest, struct proxy_header *header);
} families[] = {
	{ TCP_OVER_IPV4, 12, take_ipv4 },
	{ TCP_OVER_IPV6, 36, take_ipv6 },
	{ UNIX_STREAM, UNIX_OCTETS, take_unix },
	{ UNSPECIFIED, 0, take_nothing },
};

static const struct family *find_family(uint8_t family)
{
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (families[i].family == family)
			return &families[i];
	return NULL;
}

size_t proxy_binary_octets(const uint8_t *octets)
{
	return PROXY_FIXED_OCTETS + number_at(octets + 14);
}

const char *proxy_binary_parse(const struct proxy *proxy,
	struct proxy_header *header)
{
	uint8_t command = proxy->octets[12] ^ VERSION_2;
	const struct family *family = find_family(proxy->octets[13]);
	struct rest rest = {
		proxy->octets + PROXY_FIXED_OCTETS,
		proxy->count - PROXY_FIXED_OCTETS,
	};

	if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
		return "its version or command is not known";
	/* Section 2.2: whatever LOCAL says of addresses is to be skipped. */
	header->is_local = command == COMMAND_LOCAL;
	if (header->is_local)
		return NULL;
	if (family == NULL)
		return "it is not of TCP";
	if (rest.count < family->octets)
		return "its addresses are cut off";
	family->take(&rest, header);
	return read_fields(proxy, rest, header);
}
