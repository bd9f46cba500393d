/*
 * door.c - the socket at which posternctl knocks: who comes in
 *
 * Runs in: the master.  Distrusts: whoever connects.
 */
#include "config.h"

#include "door.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"

/* How long a peer may take to ask, and then to take the answer. */
#define ASK_S 5
#define ANSWER_S 30

/* How long to leave peers in the backlog when descriptors ran out. */
#define SHORTAGE_S 1

#define MOST_GROUPS 1024

void door_dismiss(struct door_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	*peer = (struct door_peer){ .fd = -1,
		.deadline_ms = DEADLINE_NEVER };
}

void door_begin(struct door *door)
{
	*door = (struct door){ .fd = -1, .lock_fd = -1,
		.retry_ms = DEADLINE_NEVER };
	for (size_t i = 0; i < DOOR_PEERS; i++) {
		door->peers[i].fd = -1;
		door->peers[i].deadline_ms = DEADLINE_NEVER;
	}
}

void door_close(struct door *door)
{
	for (size_t i = 0; i < DOOR_PEERS; i++)
		door_dismiss(&door->peers[i]);
	door_leave(door);
}

static struct door_peer *free_place(struct door *door)
{
	for (size_t i = 0; i < DOOR_PEERS; i++)
		if (door->peers[i].fd < 0)
			return &door->peers[i];
	return NULL;
}

size_t door_gather(const struct door *door, struct pollfd *all)
{
	size_t count = 0;
	bool is_full = true;

	for (size_t i = 0; i < DOOR_PEERS; i++) {
		const struct door_peer *peer = &door->peers[i];
		is_full = is_full && peer->fd >= 0;
		if (peer->fd >= 0)
			all[count++] = (struct pollfd){ .fd = peer->fd,
				.events = peer->kind == 0 ? POLLIN : POLLOUT };
	}
	if (door->fd >= 0 && !is_full &&
			deadline_has_passed(door->accept_after_ms))
		all[count++] = (struct pollfd){ .fd = door->fd,
			.events = POLLIN };
	return count;
}

int64_t door_due_ms(const struct door *door)
{
	int64_t due_ms = door->retry_ms;

	if (door->fd >= 0 && !deadline_has_passed(door->accept_after_ms))
		due_ms = door->accept_after_ms;
	for (size_t i = 0; i < DOOR_PEERS; i++)
		if (door->peers[i].deadline_ms < due_ms)
			due_ms = door->peers[i].deadline_ms;
	return due_ms;
}

/* Whether the peer is in our group, by any of its groups. */
static bool is_member(const struct door *door, int fd, gid_t its_group)
{
	if (!door->has_group)
		return false;
	if (its_group == door->group)
		return true;
#ifdef SO_PEERGROUPS
	gid_t groups[MOST_GROUPS];
	socklen_t bytes = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &bytes) < 0)
		return false;
	for (size_t i = 0; i < bytes / sizeof(groups[0]); i++)
		if (groups[i] == door->group)
			return true;
	return false;
#else
	/* Elsewhere the modes of the file must do. */
	(void)fd;
	return true;
#endif
}

static bool is_welcome(const struct door *door, int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t bytes = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &bytes) < 0)
		return false;
	*uid = peer.uid;
	return peer.uid == 0 || peer.uid == geteuid() ||
		is_member(door, fd, peer.gid);
}

void door_accept(struct door *door)
{
	struct door_peer *place = free_place(door);
	uid_t uid;

	if (place == NULL)
		return;
	int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		door->accept_after_ms = deadline_in_s(SHORTAGE_S);
	if (fd < 0)
		return;
	if (!is_welcome(door, fd, &uid)) {
		close(fd);
		return;
	}
	*place = (struct door_peer){ .fd = fd, .uid = uid,
		.deadline_ms = deadline_in_s(ASK_S) };
}

struct door_peer *door_find(struct door *door, int fd)
{
	for (size_t i = 0; i < DOOR_PEERS; i++)
		if (door->peers[i].fd == fd)
			return &door->peers[i];
	return NULL;
}

bool door_read(struct door_peer *peer, struct control_request *request)
{
	ssize_t bytes = wire_receive_any(peer->fd, request, sizeof(*request));

	if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (bytes != sizeof(*request) || request->kind == 0 ||
			request->kind >= CONTROL_REQUESTS ||
			memchr(request->what, '\0', sizeof(request->what)) ==
				NULL) {
		door_dismiss(peer);
		return false;
	}
	peer->kind = request->kind;
	peer->deadline_ms = deadline_in_s(ANSWER_S);
	return true;
}

int door_send(struct door_peer *peer, const void *record, size_t bytes)
{
	if (send(peer->fd, record, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) ==
			(ssize_t)bytes) {
		peer->count++;
		return 0;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK) {
		door_dismiss(peer);
		return -1;
	}
	errno = EAGAIN;
	return -1;
}

void door_end(struct door_peer *peer, int error, const char *text)
{
	struct control_end end = {
		.version = CONTROL_VERSION, .kind = CONTROL_END,
		.error = (uint32_t)error, .count = peer->count,
	};

	snprintf(end.text, sizeof(end.text), "%s", text);
	if (door_send(peer, &end, sizeof(end)) == 0)
		door_dismiss(peer);
}

void door_dismiss_overdue(struct door *door)
{
	for (size_t i = 0; i < DOOR_PEERS; i++)
		if (deadline_has_passed(door->peers[i].deadline_ms))
			door_dismiss(&door->peers[i]);
}
