/*
 * listen.c - listening sockets, and the section of the settings each belongs to
 *
 * Runs in: the master.
 */
#include "config.h"

#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* The kernel cuts it down to what it permits. */
#define BACKLOG 1024

uint16_t listen_port(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)
			(const void *)address)->sin_port);
	if (address->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)
			(const void *)address)->sin6_port);
	return 0;
}

static int bind_to(int fd, const struct addrinfo *info)
{
	int on = 1;

	/* A server that comes back must not wait for old connections. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	/* "::" is for IPv6; "0.0.0.0" has a socket of its own. */
	if (info->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
			IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -1;
	if (bind(fd, info->ai_addr, info->ai_addrlen) < 0)
		return -1;
	return listen(fd, BACKLOG);
}

/* Returns NULL if 'address' is none; freeaddrinfo() frees it. */
static struct addrinfo *parse_address(const char *address, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	struct addrinfo *info;
	char service[8];

	snprintf(service, sizeof(service), "%u", port);
	return getaddrinfo(address, service, &hints, &info) == 0 ? info : NULL;
}

static int open_address(const char *address, uint16_t port)
{
	struct addrinfo *info = parse_address(address, port);

	if (info == NULL) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(info->ai_family,
		SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind_to(fd, info) < 0) {
		int error = errno;
		close(fd);
		fd = -1;
		errno = error;
	}
	freeaddrinfo(info);
	return fd;
}

/* The open socket for the same name, address and port, or NULL. */
static const struct listener *find_same(const struct listeners *open,
	const struct listener *wanted)
{
	for (size_t i = 0; i < open->count; i++) {
		const struct listener *found = &open->all[i];
		if (found->port == wanted->port && !found->is_inherited &&
				strcmp(found->name, wanted->name) == 0 &&
				strcmp(found->address, wanted->address) == 0)
			return found;
	}
	return NULL;
}

/* Whether an error of opening means that this machine has no such IPv6. */
static bool is_without_ipv6(const struct listener *listener)
{
	return strchr(listener->address, ':') != NULL &&
		(errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL);
}

/* Open 'listener', or take over its socket.  Returns 1 if it is left out. */
static int open_listener(struct listener *listener,
	const struct listeners *open)
{
	const struct listener *same = find_same(open, listener);

	listener->fd = same != NULL ? same->fd :
		open_address(listener->address, listener->port);
	if (listener->fd >= 0) {
		listen_look(listener);
		return 0;
	}
	if (is_without_ipv6(listener)) {
		log_warning("listen \"%s\": %s is left out: %s",
			listener->name, listener->address, strerror(errno));
		return 1;
	}
	log_error("listen \"%s\": %s port %u: %s", listener->name,
		listener->address, listener->port, strerror(errno));
	return -1;
}

static bool has_fd(const struct listeners *listeners, int fd)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (listeners->all[i].fd == fd)
			return true;
	return false;
}

/* Close what is in 'listeners' and not in 'others', and forget all of them. */
static void close_except(struct listeners *listeners,
	const struct listeners *others)
{
	for (size_t i = 0; i < listeners->count; i++)
		if (!has_fd(others, listeners->all[i].fd))
			close(listeners->all[i].fd);
	free(listeners->all);
	*listeners = (struct listeners){ .count = 0 };
}

/* Add the sockets of section 'section'. */
static int open_section(struct listeners *listeners,
	const struct settings *settings, uint32_t section,
	const struct listeners *open)
{
	const struct listen_settings *listen = &settings->listens[section];

	for (size_t i = 0; i < listen->address_count; i++) {
		struct listener *next = &listeners->all[listeners->count];
		*next = (struct listener){
			.fd = -1, .section = section, .port = listen->port,
		};
		snprintf(next->name, sizeof(next->name), "%s", listen->name);
		snprintf(next->address, sizeof(next->address), "%s",
			listen->addresses[i]);
		int status = open_listener(next, open);
		if (status < 0)
			return -1;
		if (status == 0)
			listeners->count++;
	}
	return 0;
}

/* Inherited sockets stay; their sections may have another index now. */
static int keep_inherited(struct listeners *listeners,
	const struct settings *settings)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *kept = &listeners->all[i];
		kept->section = listen_section(settings, kept->name, kept->fd);
	}
	return 0;
}

/*
 * Whether 'name', of a socket that was passed, is that of 'listen': as much of
 * it as there was room for, and with '_' for the colon that none can have.
 */
static bool is_named(const struct listen_settings *listen, const char *name)
{
	const char *wanted = listen->name;
	size_t i = 0;

	while (wanted[i] != '\0' && (name[i] == wanted[i] ||
			(wanted[i] == ':' && name[i] == '_')))
		i++;
	return name[i] == '\0' && (wanted[i] == '\0' ||
		i + 1 == sizeof(((struct listener *)0)->name));
}

static int find_name(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->listen_count; i++)
		if (is_named(&settings->listens[i], name))
			return (int)i;
	return -1;
}

/* The section with the port that 'fd' is bound to, else the first. */
static uint32_t find_port(const struct settings *settings, int fd)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(address);

	if (getsockname(fd, (struct sockaddr *)&address, &bytes) < 0)
		return 0;
	for (uint32_t i = 0; i < settings->listen_count; i++)
		if (settings->listens[i].port != 0 &&
				settings->listens[i].port ==
				listen_port(&address))
			return i;
	return 0;
}

/* Whether a socket is bound to 'address' and 'port'; 0 is any port. */
static bool is_bound_to(int fd, const char *address, uint16_t port)
{
	struct sockaddr_storage bound = { .ss_family = AF_UNSPEC };
	struct sockaddr_storage wanted = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(bound);
	struct addrinfo *info = parse_address(address, port);
	char bound_text[INET6_ADDRSTRLEN], wanted_text[INET6_ADDRSTRLEN];

	if (info == NULL)
		return false;
	memcpy(&wanted, info->ai_addr, info->ai_addrlen);
	freeaddrinfo(info);
	if (getsockname(fd, (struct sockaddr *)&bound, &bytes) < 0)
		return false;
	listen_address(&bound, bound_text, sizeof(bound_text));
	listen_address(&wanted, wanted_text, sizeof(wanted_text));
	return (port == 0 || port == listen_port(&bound)) &&
		bound.ss_family == wanted.ss_family &&
		strcmp(bound_text, wanted_text) == 0;
}

static size_t count_addresses(const struct settings *settings)
{
	size_t count = 0;

	for (size_t i = 0; i < settings->listen_count; i++)
		count += settings->listens[i].address_count;
	return count;
}

int listen_reopen(struct listeners *listeners,
	const struct settings *settings)
{
	struct listeners next = { .count = 0 };
	int status = 0;

	if (listeners->count > 0 && listeners->all[0].is_inherited)
		return keep_inherited(listeners, settings);

	next.all = calloc(count_addresses(settings) + 1, sizeof(*next.all));
	if (next.all == NULL)
		status = -1;
	for (uint32_t i = 0; status == 0 && i < settings->listen_count; i++)
		status = open_section(&next, settings, i, listeners);
	if (status == 0 && next.count == 0) {
		log_error("there is no address to listen on");
		status = -1;
	}
	if (status < 0) {
		close_except(&next, listeners);
		return -1;
	}
	close_except(listeners, &next);
	*listeners = next;
	return 0;
}

uint32_t listen_section(const struct settings *settings, const char *name,
	int fd)
{
	int found = name == NULL ? -1 : find_name(settings, name);
	uint32_t section = found >= 0 ? (uint32_t)found :
		find_port(settings, fd);

	if (name != NULL && found < 0)
		log_warning("no listen section is called \"%s\": that socket "
			"is served as \"%s\"", name,
			settings->listens[section].name);
	return section;
}

bool listen_has_section(const struct settings *settings, const char *name)
{
	return find_name(settings, name) >= 0;
}

void listen_claim(struct listener *listener, const struct settings *settings)
{
	const struct listen_settings *listen =
		&settings->listens[listener->section];

	listener->is_inherited = false;
	/* In the name that it was passed by, a colon was none. */
	snprintf(listener->name, sizeof(listener->name), "%s", listen->name);
	for (size_t i = 0; i < listen->address_count; i++)
		if (is_bound_to(listener->fd, listen->addresses[i],
				listen->port)) {
			listener->port = listen->port;
			snprintf(listener->address, sizeof(listener->address),
				"%s", listen->addresses[i]);
		}
}

void listen_close(struct listeners *listeners)
{
	struct listeners none = { .count = 0 };

	close_except(listeners, &none);
}

void listen_look(struct listener *listener)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(address);
	char text[INET6_ADDRSTRLEN];

	(void)getsockname(listener->fd, (struct sockaddr *)&address, &bytes);
	listen_address(&address, text, sizeof(text));
	snprintf(listener->where, sizeof(listener->where),
		address.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u", text,
		listen_port(&address));
}

void listen_describe(const struct listeners *listeners, char *text,
	size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < listeners->count && used < bytes; i++) {
		const struct listener *next = &listeners->all[i];
		used += (size_t)snprintf(text + used, bytes - used, "%s%s=%s",
			i > 0 ? " " : "", next->name, next->where);
	}
}

void listen_address(const struct sockaddr_storage *address, char *text,
	size_t bytes)
{
	const struct in6_addr *in6 = &((const struct sockaddr_in6 *)
		(const void *)address)->sin6_addr;
	const void *octets = NULL;
	int family = address->ss_family;

	if (family == AF_INET)
		octets = &((const struct sockaddr_in *)
			(const void *)address)->sin_addr;
	else if (family == AF_INET6)
		octets = in6;
	/* An IPv4 client of an IPv6 socket is known by its IPv4 address. */
	if (family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(in6)) {
		family = AF_INET;
		octets = in6->s6_addr + 12;
	}
	if (octets == NULL || inet_ntop(family, octets, text,
			(socklen_t)bytes) == NULL)
		snprintf(text, bytes, "local");
}
