/*
 * auth_ends.c - both ends of the client's connection, as Dovecot is told them
 *
 * Dovecot lets an address that guesses wait, and its own rules (allow_nets)
 * need it as well.  Runs in: a keeper.
 */
#include "config.h"

#include "auth_ends.h"

#include <arpa/inet.h>
#include <stdio.h>

static void add_end(struct tabbed_line *line, char which, const char *address,
	uint16_t port)
{
	struct in6_addr octets;
	char field[96];

	if (address == NULL || (inet_pton(AF_INET, address, &octets) != 1 &&
			inet_pton(AF_INET6, address, &octets) != 1))
		return;
	snprintf(field, sizeof(field), "\t%cip=%s", which, address);
	tabbed_add(line, field);
	if (port == 0)
		return;
	snprintf(field, sizeof(field), "\t%cport=%u", which, port);
	tabbed_add(line, field);
}

void auth_ends_add(struct tabbed_line *line,
	const struct auth_attempt *attempt)
{
	tabbed_add(line, "\tservice=pop3");
	if (attempt->has_tls)
		tabbed_add(line, "\tsecured");
	add_end(line, 'l', attempt->local_address, attempt->local_port);
	add_end(line, 'r', attempt->address, attempt->port);
}
