/*
 * auth_nets.c - whether a client's address is in a list of networks; pure
 *
 * Runs in: a keeper.  Distrusts: nobody; the list is the administrator's, the
 * address the kernel's or a proxy's that is trusted.
 */
#include "config.h"

#include "auth_nets.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "network.h"

#define WORD_BYTES 64

/* An address without the link's name, "fe80::1%eth0".  False: none of IP. */
static bool parse_address(const char *text, struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (void *)address;
	struct sockaddr_in6 *in6 = (void *)address;
	char plain[WORD_BYTES];
	size_t count = strcspn(text, "%");

	memset(address, 0, sizeof(*address));
	if (count >= sizeof(plain))
		return false;
	memcpy(plain, text, count);
	plain[count] = '\0';
	address->ss_family = AF_INET;
	if (inet_pton(AF_INET, plain, &in->sin_addr) == 1)
		return true;
	address->ss_family = AF_INET6;
	return inet_pton(AF_INET6, plain, &in6->sin6_addr) == 1;
}

/* client: NULL if it has no address. */
static enum nets_result judge(const char *word,
	const struct sockaddr_storage *client)
{
	struct network network;

	if (strcmp(word, "local") == 0)
		return client == NULL ? NETS_HAVE : NETS_HAVE_NOT;
	if (network_parse(word, &network) != NULL)
		return NETS_BROKEN;
	return client != NULL && network_has(&network, 1, client) ? NETS_HAVE :
		NETS_HAVE_NOT;
}

enum nets_result nets_find(const char *list, size_t count,
	const char *address)
{
	struct sockaddr_storage parsed;
	const struct sockaddr_storage *client =
		parse_address(address, &parsed) ? &parsed : NULL;
	enum nets_result otherwise = NETS_HAVE_NOT;

	for (size_t begin = 0; begin <= count;) {
		const char *next = list + begin, *comma = memchr(next, ',',
			count - begin);
		size_t bytes = comma == NULL ? count - begin :
			(size_t)(comma - next);
		char word[WORD_BYTES] = "";
		enum nets_result result;

		if (bytes < sizeof(word))
			memcpy(word, next, bytes);
		result = judge(word, client);
		if (result == NETS_HAVE)
			return result;
		if (result == NETS_BROKEN)
			otherwise = result;
		begin += bytes + 1;
	}
	return otherwise;
}
