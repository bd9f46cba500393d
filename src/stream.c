/*
 * stream.c - buffered octets to and from the client, in clear or over TLS
 *
 * Runs in: a worker.  Distrusts: the client.
 */
#include "config.h"

#include "stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "deadline.h"

/* How old the news may be that a meter's owner has. */
#define METER_S 1

static int fail(struct stream *stream, enum stream_failure failure)
{
	if (stream->failure == STREAM_GOOD)
		stream->failure = failure;
	return -1;
}

static ssize_t receive(struct stream *stream, void *octets, size_t count)
{
	if (stream->tls != NULL)
		return tls_receive(stream->tls, octets, count);
	return recv(stream->fd, octets, count, 0);
}

static ssize_t transmit(struct stream *stream, const void *octets,
	size_t count)
{
	if (stream->tls != NULL)
		return tls_send(stream->tls, octets, count);
	return send(stream->fd, octets, count, MSG_NOSIGNAL);
}

static bool is_transient(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* How many octets the client has not taken yet; 0 where that is not told. */
static int untaken(const struct stream *stream)
{
	int count = 0;

#ifdef TIOCOUTQ
	if (ioctl(stream->fd, TIOCOUTQ, &count) < 0)
		return 0;
#else
	(void)stream;
#endif
	return count;
}

/* When the client's system last told that it took octets; else it is now. */
static int64_t last_taken_ms(const struct stream *stream)
{
	int64_t ago_ms = 0;

#ifdef __linux__
	/* Linux-only: elsewhere a silence may be found twice as late. */
	struct tcp_info info = { .tcpi_last_ack_recv = 0 };
	socklen_t bytes = sizeof(info);
	if (getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &bytes) == 0)
		ago_ms = info.tcpi_last_ack_recv;
#else
	(void)stream;
#endif
	return deadline_now_ms() - ago_ms;
}

/* The client is there.  Returns -1 if that does not help it any more. */
static int hear(struct stream *stream)
{
	bool was_silent = stream->is_silent;

	stream->silent_at_ms = deadline_in_s(stream->watch.after_s);
	stream->is_silent = false;
	return was_silent ? stream->watch.tell(stream->watch.context, false) :
		0;
}

/*
 * It is time to ask whether the client, for which 'before' octets were waiting,
 * is silent.  A slow one takes octets long before there is room for more.
 */
static int watch_silence(struct stream *stream, int *before)
{
	int now = untaken(stream);
	int64_t silent_at_ms = last_taken_ms(stream) +
		(int64_t)stream->watch.after_s * 1000;
	bool is_heard = now < *before && !deadline_has_passed(silent_at_ms);

	*before = now;
	if (is_heard) {
		int status = hear(stream);
		stream->silent_at_ms = silent_at_ms;
		return status;
	}
	stream->silent_at_ms = deadline_in_s(stream->watch.again_s);
	stream->is_silent = true;
	return stream->watch.tell(stream->watch.context, true);
}

/* Tell the meter's owner, if it is time. */
static void tell_meter(struct stream *stream)
{
	if (!deadline_has_passed(stream->meter.due_ms))
		return;
	stream->meter.due_ms = DEADLINE_NEVER;
	stream->meter.tell(stream->meter.context);
}

/* Octets were sent: that is news in a while, or by now. */
static void count_sent(struct stream *stream, size_t count)
{
	stream->octets_sent += count;
	if (stream->meter.tell == NULL)
		return;
	tell_meter(stream);
	if (stream->meter.due_ms == DEADLINE_NEVER)
		stream->meter.due_ms = deadline_in_s(METER_S);
}

static int64_t earliest_ms(const struct stream *stream)
{
	int64_t until_ms = stream->silent_at_ms < stream->deadline_ms ?
		stream->silent_at_ms : stream->deadline_ms;

	return stream->meter.due_ms < until_ms ? stream->meter.due_ms :
		until_ms;
}

/* Wait for 'events', or for what TLS needs in their place. */
static int wait_for(struct stream *stream, short events)
{
	struct pollfd wanted = { .fd = stream->fd, .events = events };
	int waiting = untaken(stream);

	if (stream->tls != NULL)
		wanted.events = tls_events(stream->tls);
	for (;;) {
		int ready = poll(&wanted, 1,
			deadline_poll_ms(earliest_ms(stream)));
		if (ready > 0)
			return 0;
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0 || deadline_has_passed(stream->deadline_ms))
			return fail(stream, STREAM_TIMED_OUT);
		tell_meter(stream);
		if (deadline_has_passed(stream->silent_at_ms) &&
				watch_silence(stream, &waiting) < 0)
			return fail(stream, STREAM_REVOKED);
	}
}

void stream_begin(struct stream *stream, int fd,
	struct stream_buffers *buffers)
{
	memset(stream, 0, sizeof(*stream));
	stream->fd = fd;
	stream->buffers = buffers;
	stream->deadline_ms = DEADLINE_NEVER;
	stream->silent_at_ms = DEADLINE_NEVER;
	stream->meter.due_ms = DEADLINE_NEVER;
}

void stream_set_deadline(struct stream *stream, int64_t deadline_ms)
{
	stream->deadline_ms = deadline_ms;
}

void stream_watch(struct stream *stream, const struct stream_watch *watch)
{
	stream->watch = *watch;
	stream->silent_at_ms = deadline_in_s(watch->after_s);
}

void stream_measure(struct stream *stream, void (*tell)(void *context),
	void *context)
{
	stream->meter.tell = tell;
	stream->meter.context = context;
}

int stream_fill(struct stream *stream)
{
	if (stream->failure != STREAM_GOOD)
		return -1;

	stream->in_begin = stream->in_end = 0;
	for (;;) {
		ssize_t count = receive(stream, stream->buffers->in,
			STREAM_IN_BYTES);
		if (count > 0) {
			stream->in_end = (size_t)count;
			/* Whoever serves them asks the watch's owner first. */
			(void)hear(stream);
			return 0;
		}
		/* Without close_notify or with a reset: gone is gone. */
		if (count == 0 || !is_transient(errno))
			return fail(stream, STREAM_ENDED);
		if (stream_flush(stream) < 0 || wait_for(stream, POLLIN) < 0)
			return -1;
	}
}

const char *stream_octets(const struct stream *stream)
{
	return stream->buffers->in + stream->in_begin;
}

size_t stream_count(const struct stream *stream)
{
	return stream->in_end - stream->in_begin;
}

void stream_take(struct stream *stream, size_t count)
{
	explicit_bzero(stream->buffers->in + stream->in_begin, count);
	stream->in_begin += count;
}

int stream_write(struct stream *stream, const void *octets, size_t count)
{
	const char *from = octets;

	while (count > 0) {
		size_t room;
		char *to = stream_room(stream, 1, &room);
		if (to == NULL)
			return -1;
		if (room > count)
			room = count;
		memcpy(to, from, room);
		stream_wrote(stream, room);
		from += room;
		count -= room;
	}
	return 0;
}

char *stream_room(struct stream *stream, size_t count, size_t *room)
{
	if (stream->failure != STREAM_GOOD)
		return NULL;
	if (STREAM_OUT_BYTES - stream->out_count < count &&
			stream_flush(stream) < 0)
		return NULL;
	*room = STREAM_OUT_BYTES - stream->out_count;
	return stream->buffers->out + stream->out_count;
}

void stream_wrote(struct stream *stream, size_t count)
{
	stream->out_count += count;
	if (stream->out_count > stream->out_most)
		stream->out_most = stream->out_count;
}

int stream_flush(struct stream *stream)
{
	size_t sent = 0;

	if (stream->failure != STREAM_GOOD)
		return -1;
	while (sent < stream->out_count) {
		ssize_t count = transmit(stream, stream->buffers->out + sent,
			stream->out_count - sent);
		if (count >= 0) {
			sent += (size_t)count;
			count_sent(stream, (size_t)count);
			/* It may be slow, but it moves: count from here. */
			if (stream->progress_s != 0)
				stream->deadline_ms =
					deadline_in_s(stream->progress_s);
			stream->silent_at_ms =
				deadline_in_s(stream->watch.after_s);
			continue;
		}
		if (!is_transient(errno))
			return fail(stream, STREAM_BROKEN);
		if (wait_for(stream, POLLOUT) < 0)
			return -1;
		if (hear(stream) < 0)
			return fail(stream, STREAM_REVOKED);
	}
	stream->out_count = 0;
	return 0;
}

static void set_cork(struct stream *stream, int is_on)
{
#ifdef TCP_CORK
	/* Linux-only; without it there are more segments, and no harm. */
	(void)setsockopt(stream->fd, IPPROTO_TCP, TCP_CORK, &is_on,
		sizeof(is_on));
#else
	(void)stream;
	(void)is_on;
#endif
}

void stream_hold(struct stream *stream)
{
	set_cork(stream, 1);
}

void stream_release(struct stream *stream)
{
	set_cork(stream, 0);
}

int stream_start_tls(struct stream *stream, struct tls_context *context,
	const struct tls_wish *wish, const char **why)
{
	if (stream->failure != STREAM_GOOD)
		return -1;
	stream->tls = tls_accept(context, stream->fd, wish, why);
	if (stream->tls != NULL)
		return 0;
	return fail(stream, errno == ETIMEDOUT ? STREAM_TIMED_OUT :
		STREAM_BROKEN);
}

void stream_end(struct stream *stream, bool is_whole)
{
	if (stream->tls != NULL) {
		if (is_whole && stream->out_count == 0 &&
				stream->failure != STREAM_BROKEN)
			tls_close(stream->tls);
		tls_end(stream->tls);
	}
	explicit_bzero(stream->buffers->in + stream->in_begin,
		stream->in_end - stream->in_begin);
	explicit_bzero(stream->buffers->out, stream->out_most);
}
