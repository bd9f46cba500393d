/*
 * proxy_binary.h - version 2 of the PROXY protocol; for proxy.c only
 */
#ifndef POSTERN_PROXY_BINARY_H
#define POSTERN_PROXY_BINARY_H

#include "proxy.h"

/* What each header of version 2 begins with, and what tells its length. */
#define PROXY_SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define PROXY_SIGNATURE_OCTETS 12
#define PROXY_FIXED_OCTETS 16

/* How many octets a header has whose first PROXY_FIXED_OCTETS are there. */
size_t proxy_binary_octets(const uint8_t *octets);

/* As proxy_parse(). */
const char *proxy_binary_parse(const struct proxy *proxy,
	struct proxy_header *header);

#endif
