/*
 * proxy.h - the PROXY protocol: who the client behind a proxy is
 *
 * Versions 1 and 2 of <https://www.haproxy.org/download/2.6/doc/
 * proxy-protocol.txt>, as a receiver.  Pure: no system call.
 */
#ifndef POSTERN_PROXY_H
#define POSTERN_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A header of version 1, with its CRLF; section 2.1. */
#define PROXY_LINE_OCTETS 107

/* Our bound of a header of version 2, which could have 64 KiB of fields. */
#define PROXY_MOST_OCTETS 4096

/* A header as it comes; begin with all 0. */
struct proxy {
	size_t count;
	uint8_t octets[PROXY_MOST_OCTETS];
};

enum proxy_event {
	PROXY_MORE,		/* it goes on */
	PROXY_COMPLETE,
	PROXY_BAD		/* it is no header, or a longer one than ours */
};

/* What a header says. */
struct proxy_header {
	bool is_local;		/* of no client: the proxy speaks for itself */
	struct sockaddr_storage source, destination;
	bool has_tls;		/* the client has, with the proxy */
	char tls_version[16];	/* as the proxy calls it, or "" */
	char cipher[32];
	char client_name[64];	/* of a certificate it has verified, or "" */
};

/*
 * Take octets of the header from the 'count' ones at 'octets'.
 *
 * taken: how many of them belong to it; what is behind it is never taken.
 */
enum proxy_event proxy_take(struct proxy *proxy, const uint8_t *octets,
	size_t count, size_t *taken);

/*
 * Read a complete header.  'is_local' is set for LOCAL, UNKNOWN and whatever
 * else names no IP address.  Returns NULL, or words that say what is wrong.
 */
const char *proxy_parse(const struct proxy *proxy,
	struct proxy_header *header);

#endif
