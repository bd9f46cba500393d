/*
 * proxy.c - the PROXY protocol: where a header ends, and version 1
 *
 * Runs in: a worker.  Pure: no system call.  Distrusts: the header; whoever
 * sends it is a trusted machine, but part of it is what a client chose.
 */
#include "config.h"

#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "proxy_binary.h"

static const char word[] = "PROXY ";
#define WORD_OCTETS (sizeof(word) - 1)

/* The fields of a header of version 1 behind its first two words. */
enum field { SOURCE, DESTINATION, SOURCE_PORT, DESTINATION_PORT, FIELDS };

static bool begins(const struct proxy *proxy, const char *with, size_t count)
{
	return memcmp(proxy->octets, with, proxy->count < count ?
		proxy->count : count) == 0;
}

static bool is_binary(const struct proxy *proxy)
{
	return begins(proxy, PROXY_SIGNATURE, PROXY_SIGNATURE_OCTETS);
}

/* The last octet that came may end a header of version 1, or spoil it. */
static enum proxy_event judge_line(const struct proxy *proxy)
{
	const uint8_t *last = &proxy->octets[proxy->count - 1];
	bool has_return = proxy->count > 1 && last[-1] == '\r';

	if (!begins(proxy, word, WORD_OCTETS) || *last == '\0' ||
			has_return != (*last == '\n'))
		return PROXY_BAD;
	if (*last == '\n')
		return PROXY_COMPLETE;
	return proxy->count < PROXY_LINE_OCTETS ? PROXY_MORE : PROXY_BAD;
}

static enum proxy_event judge(const struct proxy *proxy)
{
	size_t octets;

	if (!is_binary(proxy))
		return judge_line(proxy);
	if (proxy->count < PROXY_FIXED_OCTETS)
		return PROXY_MORE;
	octets = proxy_binary_octets(proxy->octets);
	if (octets > PROXY_MOST_OCTETS)
		return PROXY_BAD;
	return proxy->count < octets ? PROXY_MORE : PROXY_COMPLETE;
}

enum proxy_event proxy_take(struct proxy *proxy, const uint8_t *octets,
	size_t count, size_t *taken)
{
	enum proxy_event event = PROXY_MORE;
	size_t i = 0;

	while (event == PROXY_MORE && i < count) {
		proxy->octets[proxy->count++] = octets[i++];
		event = judge(proxy);
	}
	*taken = i;
	return event;
}

/* Cut the words of 'text' apart.  Returns whether there are FIELDS of them. */
static bool split(char *text, char *fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		size_t count = strcspn(text, " ");
		bool is_last = text[count] == '\0';

		if (count == 0 || is_last != (i == FIELDS - 1))
			return false;
		fields[i] = text;
		text[count] = '\0';
		text += count + 1;
	}
	return true;
}

/* Decimal, without a needless 0.  Returns whether it is a port. */
static bool parse_port(const char *text, in_port_t *port)
{
	size_t count = strspn(text, "0123456789");
	unsigned int number = 0;

	if (count == 0 || count > 5 || text[count] != '\0' ||
			(text[0] == '0' && count > 1))
		return false;
	for (; *text != '\0'; text++)
		number = number * 10 + (unsigned int)(*text - '0');
	*port = htons((in_port_t)number);
	return number <= UINT16_MAX;
}

static bool parse_ipv4(const char *address, const char *port,
	struct sockaddr_storage *end)
{
	struct sockaddr_in *in = (void *)end;

	in->sin_family = AF_INET;
	return inet_pton(AF_INET, address, &in->sin_addr) == 1 &&
		parse_port(port, &in->sin_port);
}

static bool parse_ipv6(const char *address, const char *port,
	struct sockaddr_storage *end)
{
	struct sockaddr_in6 *in6 = (void *)end;

	in6->sin6_family = AF_INET6;
	return inet_pton(AF_INET6, address, &in6->sin6_addr) == 1 &&
		parse_port(port, &in6->sin6_port);
}

static const struct protocol {
	const char *name;
	bool (*parse)(const char *address, const char *port,
		struct sockaddr_storage *end);
} protocols[] = {
	{ "TCP4 ", parse_ipv4 },
	{ "TCP6 ", parse_ipv6 },
};

static const char *parse_ends(const struct protocol *protocol, char *text,
	struct proxy_header *header)
{
	char *fields[FIELDS];

	if (!split(text, fields) ||
			!protocol->parse(fields[SOURCE], fields[SOURCE_PORT],
				&header->source) ||
			!protocol->parse(fields[DESTINATION],
				fields[DESTINATION_PORT],
				&header->destination))
		return "its addresses or ports are malformed";
	return NULL;
}

/* Section 2.1. */
static const char *parse_line(const struct proxy *proxy,
	struct proxy_header *header)
{
	static const char unknown[] = "UNKNOWN";
	char text[PROXY_LINE_OCTETS];
	size_t count = proxy->count - WORD_OCTETS - strlen("\r\n");

	memcpy(text, proxy->octets + WORD_OCTETS, count);
	text[count] = '\0';
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (strncmp(text, protocols[i].name,
				strlen(protocols[i].name)) == 0)
			return parse_ends(&protocols[i],
				text + strlen(protocols[i].name), header);
	count = strlen(unknown);
	header->is_local = strncmp(text, unknown, count) == 0 &&
		(text[count] == '\0' || text[count] == ' ');
	return header->is_local ? NULL : "its protocol is not known";
}

const char *proxy_parse(const struct proxy *proxy,
	struct proxy_header *header)
{
	memset(header, 0, sizeof(*header));
	return is_binary(proxy) ? proxy_binary_parse(proxy, header) :
		parse_line(proxy, header);
}
