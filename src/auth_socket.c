/*
 * auth_socket.c - a conversation in lines with a server on a Unix socket
 *
 * Owns: the bound of a line, and the end of all waiting.  Runs in: a keeper,
 * usually as root.  Distrusts: the server, whatever it sends, and whether it
 * sends anything at all.
 */
#include "config.h"

#include "auth_socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"

/* Returns 0 when there is something to do, or -1 with errno. */
static int wait_for(const struct auth_socket *talk, short events,
	int64_t deadline_ms)
{
	struct pollfd one = { .fd = talk->fd, .events = events };

	for (;;) {
		int ready = poll(&one, 1, deadline_poll_ms(deadline_ms));

		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -1;
		if (deadline_has_passed(deadline_ms)) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

/* Connecting waits while the server's queue is full: bound that, too. */
static int connect_in_time(int fd, const struct sockaddr_un *address,
	int64_t deadline_ms)
{
	int left_ms = deadline_poll_ms(deadline_ms);
	struct timeval left = { 0, 0 };		/* for ever */
	int result;

	if (left_ms >= 0) {
		left.tv_sec = left_ms / 1000;
		left.tv_usec = left_ms % 1000 * 1000 + 1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &left, sizeof(left)) < 0)
		return -1;
	do {
		result = connect(fd, (const struct sockaddr *)address,
			sizeof(*address));
	} while (result < 0 && errno == EINTR &&
		!deadline_has_passed(deadline_ms));
	if (result < 0 && (errno == EAGAIN || errno == EINTR))
		errno = ETIMEDOUT;
	return result;
}

bool auth_socket_can_have(const char *path)
{
	return strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path);
}

int auth_socket_open(struct auth_socket *talk, const char *path,
	int64_t deadline_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	talk->count = talk->next = 0;
	talk->fd = -1;
	if (!auth_socket_can_have(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	talk->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (talk->fd < 0)
		return -1;
	if (connect_in_time(talk->fd, &address, deadline_ms) == 0)
		return 0;

	int error = errno;
	auth_socket_close(talk);
	errno = error;
	return -1;
}

int auth_socket_send(struct auth_socket *talk, const char *text,
	int64_t deadline_ms)
{
	size_t left = strlen(text);

	while (left > 0) {
		if (wait_for(talk, POLLOUT, deadline_ms) < 0)
			return -1;
		ssize_t sent = send(talk->fd, text, left,
			MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -1;
		if (sent > 0) {
			text += sent;
			left -= (size_t)sent;
		}
	}
	return 0;
}

/* Move what was not handed out to the front, and add what comes. */
static int receive_more(struct auth_socket *talk, int64_t deadline_ms)
{
	ssize_t got;

	talk->count -= talk->next;
	memmove(talk->octets, talk->octets + talk->next, talk->count);
	talk->next = 0;
	if (talk->count == sizeof(talk->octets)) {
		errno = EMSGSIZE;
		return -1;
	}
	if (wait_for(talk, POLLIN, deadline_ms) < 0)
		return -1;
	got = recv(talk->fd, talk->octets + talk->count,
		sizeof(talk->octets) - talk->count, MSG_DONTWAIT);
	if (got > 0)
		talk->count += (size_t)got;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got == 0)
		errno = EPIPE;
	return got > 0 ? 0 : -1;
}

char *auth_socket_line(struct auth_socket *talk, int64_t deadline_ms)
{
	char *line, *end;

	/* The deadline counts even if octets never cease to come. */
	while ((end = memchr(talk->octets + talk->next, '\n',
			talk->count - talk->next)) == NULL) {
		if (deadline_has_passed(deadline_ms)) {
			errno = ETIMEDOUT;
			return NULL;
		}
		if (receive_more(talk, deadline_ms) < 0)
			return NULL;
	}
	line = talk->octets + talk->next;
	talk->next = (size_t)(end + 1 - talk->octets);
	*end = '\0';
	if (strlen(line) == (size_t)(end - line))
		return line;
	errno = EBADMSG;
	return NULL;
}

const char *auth_socket_why(int error)
{
	switch (error) {
	case ETIMEDOUT:
		return "no answer in time";
	case EPIPE:
		return "it closed the connection without an answer";
	case EMSGSIZE:
		return "it sent a line that is too long";
	case EBADMSG:
		return "it sent what is no answer";
	default:
		return strerror(error);
	}
}

void auth_socket_close(struct auth_socket *talk)
{
	if (talk->fd >= 0)
		close(talk->fd);
	talk->fd = -1;
	explicit_bzero(talk->octets, sizeof(talk->octets));
}
