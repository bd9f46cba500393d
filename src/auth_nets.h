/*
 * auth_nets.h - whether a client's address is in a list of networks; pure
 */
#ifndef POSTERN_AUTH_NETS_H
#define POSTERN_AUTH_NETS_H

#include <stddef.h>

enum nets_result { NETS_HAVE, NETS_HAVE_NOT, NETS_BROKEN };

/*
 * Return whether 'address', numeric, is in one of the networks that the first
 * 'count' octets of 'list' name: addresses and networks in CIDR notation,
 * between commas.  "local" is whoever has no IP address.  NETS_BROKEN: it is in
 * none, and something in the list is none of that.
 */
enum nets_result nets_find(const char *list, size_t count,
	const char *address);

#endif
