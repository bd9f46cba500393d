/*
 * listen.h - listening sockets, and the section of the settings each belongs to
 */
#ifndef POSTERN_LISTEN_H
#define POSTERN_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "settings.h"

struct listener {
	int fd;				/* non-blocking */
	uint32_t section;		/* index in settings.listens */
	bool is_inherited;		/* from a supervisor */
	char name[64];			/* of the section, or of the socket */
	char address[48];		/* as set; "" if inherited */
	uint16_t port;			/* as set */
	char where[64];			/* as bound, for the log */
};

struct listeners {
	struct listener *all;
	size_t count;
};

/*
 * Open every address of every listen section.
 *
 * A socket in 'listeners' with the same section name, address and port is taken
 * over, so that no connection is refused meanwhile; others are closed.  If they
 * are inherited, all of them stay, and no other is opened.  An IPv6 address is
 * left out, with a warning, where the kernel has no IPv6.
 * Returns 0; or -1, logged, and then 'listeners' are as they were.
 */
int listen_reopen(struct listeners *listeners,
	const struct settings *settings);

/*
 * Which listen section a socket belongs to: the one called 'name' (unless that
 * is NULL), else, with a warning, the one with its local port, else the first.
 */
uint32_t listen_section(const struct settings *settings, const char *name,
	int fd);

/*
 * The inherited 'listener' was opened by the settings of a process before us:
 * it is one that listen_reopen() may take over, or close.
 */
void listen_claim(struct listener *listener, const struct settings *settings);

/* Whether a listen section is called 'name'. */
bool listen_has_section(const struct settings *settings, const char *name);

/* Close all sockets, and forget them. */
void listen_close(struct listeners *listeners);

/* Fill in 'where': "127.0.0.1:110" or "[::1]:110", as bound. */
void listen_look(struct listener *listener);

/* Write what is open as "name=where name=where". */
void listen_describe(const struct listeners *listeners, char *text,
	size_t bytes);

/* The port of an IP address, or 0. */
uint16_t listen_port(const struct sockaddr_storage *address);

/* Write a numeric address, without a port; "local" if it is no IP address. */
void listen_address(const struct sockaddr_storage *address, char *text,
	size_t bytes);

#endif
