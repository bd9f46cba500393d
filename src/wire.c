/*
 * wire.c - the messages between our processes
 *
 * Runs in: every process.  Distrusts: whoever sends.
 */
#include "config.h"

#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "deadline.h"

static const char *const ends[WIRE_ENDS] = {
	[WIRE_END_QUIT] = "quit",
	[WIRE_END_REFUSED_COMMIT] = "refused-commit",
	[WIRE_END_DISCONNECTED] = "disconnected",
	[WIRE_END_IDLE_TIMEOUT] = "idle-timeout",
	[WIRE_END_LOGIN_TIMEOUT] = "login-timeout",
	[WIRE_END_TLS_FAILED] = "tls-failed",
	[WIRE_END_TLS_TIMEOUT] = "tls-timeout",
	[WIRE_END_STLS_INJECTION] = "stls-injection",
	[WIRE_END_BAD_COMMANDS] = "too-many-errors",
	[WIRE_END_ATTEMPTS] = "too-many-attempts",
	[WIRE_END_KEEPER_LOST] = "keeper-lost",
	[WIRE_END_WRITE_FAILED] = "write-failed",
	[WIRE_END_MESSAGE_CUT] = "message-cut",
	[WIRE_END_STOPPED] = "stopped",
	[WIRE_END_TAKEN_OVER] = "taken-over",
	[WIRE_END_EARLY_TALKER] = "early-talker",
	[WIRE_END_KICKED] = "kicked",
	[WIRE_END_NO_PROXY_HEADER] = "no-proxy-header",
};

static const char *const states[WIRE_STATES] = {
	[WIRE_STATE_HANDSHAKE] = "handshake",
	[WIRE_STATE_AUTHORIZATION] = "authorization",
	[WIRE_STATE_TRANSACTION] = "transaction",
	[WIRE_STATE_SILENT] = "silent",
	[WIRE_STATE_UPDATE] = "update",
};

/*
 * Room for all the descriptors that a record can have (SCM_MAX_FD), so that it
 * is we who close those that nobody wants.
 */
#define CONTROL_FDS 253

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(CONTROL_FDS * sizeof(int))];
};

/*
 * Close a descriptor that somebody sent us.  If it is the last one of a socket
 * whose sender has set SO_LINGER, close() would sleep.
 */
static void close_foreign(int fd)
{
	struct linger none = { .l_onoff = 0 };

	/* It may be no socket at all. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	close(fd);
}

/*
 * Take the first descriptor of 'message' and close all others.  Returns how
 * many there were.
 */
static size_t take_fds(struct msghdr *message, int *passed_fd)
{
	size_t count = 0;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL;
			part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET ||
				part->cmsg_type != SCM_RIGHTS)
			continue;

		size_t fds = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < fds; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int),
				sizeof(int));
			if (count++ == 0)
				*passed_fd = fd;
			else
				close_foreign(fd);
		}
	}
	return count;
}

/*
 * Receive one record of at most 'room' bytes, and close all descriptors but
 * the first.  fds: how many there were.
 */
static ssize_t receive_record(int fd, struct iovec *part, size_t *fds,
	int *first_fd)
{
	union control control;
	struct msghdr message = {
		.msg_iov = part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t bytes;

	do
		bytes = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (bytes < 0 && errno == EINTR);
	if (bytes < 0 && errno == ECONNRESET)
		errno = EPIPE;
	if (bytes < 0)
		return -1;

	/* An empty record looks like the end, but may have descriptors. */
	*fds = take_fds(&message, first_fd);
	if (bytes == 0 && *fds == 0) {
		errno = EPIPE;
		return -1;
	}
	/* Cut off, or too short for a kind: no length that anybody wants. */
	if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
			(size_t)bytes < sizeof(uint32_t))
		return 0;
	return bytes;
}

static int refuse_record(int first_fd)
{
	if (first_fd >= 0)
		close_foreign(first_fd);
	errno = EBADMSG;
	return -1;
}

int wire_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
}

int wire_send(int fd, const void *record, size_t bytes, int passed_fd)
{
	struct iovec part = { .iov_base = (void *)record, .iov_len = bytes };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union control control;

	if (passed_fd >= 0) {
		memset(&control, 0, sizeof(control));
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int));
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &passed_fd, sizeof(int));
	}

	ssize_t sent;
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

int wire_receive(int fd, uint32_t kind, void *record, size_t bytes,
	int *passed_fd)
{
	struct iovec part = { .iov_base = record, .iov_len = bytes };
	size_t fds = 0;
	int first_fd = -1;
	uint32_t received_kind;

	if (passed_fd != NULL)
		*passed_fd = -1;
	ssize_t received = receive_record(fd, &part, &fds, &first_fd);
	if (received < 0)
		return -1;
	memcpy(&received_kind, record, sizeof(received_kind));
	if ((size_t)received != bytes || received_kind != kind ||
			fds > (passed_fd != NULL ? 1u : 0u))
		return refuse_record(first_fd);
	if (passed_fd != NULL)
		*passed_fd = first_fd;
	return 0;
}

int wire_passed_fd(uint32_t error, int passed_fd)
{
	if (error == 0 && passed_fd >= 0)
		return passed_fd;
	if (passed_fd >= 0)
		close(passed_fd);
	errno = error != 0 ? (int)error : EBADMSG;
	return -1;
}

ssize_t wire_receive_any(int fd, void *record, size_t room)
{
	struct iovec part = { .iov_base = record, .iov_len = room };
	size_t fds = 0;
	int first_fd = -1;
	ssize_t received = receive_record(fd, &part, &fds, &first_fd);

	if (received < 0)
		return -1;
	if (received == 0 || fds > 0)
		return refuse_record(first_fd);
	return received;
}

int wire_wait(int fd, int64_t deadline_ms)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	int ready;

	do
		ready = poll(&wanted, 1, deadline_poll_ms(deadline_ms));
	while (ready < 0 && errno == EINTR);

	if (ready == 0)
		errno = ETIMEDOUT;
	return ready > 0 ? 0 : -1;
}

const char *wire_end_name(uint32_t end)
{
	return end < WIRE_ENDS ? ends[end] : "unknown";
}

const char *wire_state_name(uint32_t state)
{
	return state < WIRE_STATES ? states[state] : "unknown";
}
