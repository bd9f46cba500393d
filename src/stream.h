/*
 * stream.h - buffered octets to and from the client, in clear or over TLS
 *
 * Replies are collected and leave in one write per batch: when the buffer is
 * full, or when the next read would have to wait.  A failure is remembered: all
 * later calls fail at once, so nobody mistakes a lost client for a happy one.
 */
#ifndef POSTERN_STREAM_H
#define POSTERN_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls.h"

/* One TLS record. */
#define STREAM_OUT_BYTES 16384
#define STREAM_IN_BYTES 4096

/* REVOKED: whoever watches the silence of the client says that it is over. */
enum stream_failure {
	STREAM_GOOD, STREAM_ENDED, STREAM_TIMED_OUT, STREAM_BROKEN,
	STREAM_REVOKED
};

/*
 * What is done when the client is silent: no octet comes, and it takes none of
 * those that we have for it.
 */
struct stream_watch {
	uint32_t after_s;	/* 0: nothing is done, ever */
	uint32_t again_s;	/* how often, while it stays silent */
	/* It is silent, or it is heard again.  Returns 0, or -1: it is over. */
	int (*tell)(void *context, bool is_silent);
	void *context;
};

/* Who wants to know how many octets were sent, without being told each time. */
struct stream_meter {
	void (*tell)(void *context);	/* NULL: nobody */
	void *context;
	int64_t due_ms;		/* when to tell; NEVER: nothing is new */
};

struct stream {
	int fd;			/* non-blocking; the caller closes it */
	struct tls *tls;	/* NULL: in clear */
	enum stream_failure failure;
	int64_t deadline_ms;	/* for whatever we wait for */
	uint32_t progress_s;	/* what a write that moves adds; 0: nothing */
	uint64_t octets_sent;	/* of POP3, not of TLS */
	struct stream_watch watch;
	struct stream_meter meter;
	int64_t silent_at_ms;	/* when the watch is told next */
	bool is_silent;		/* so the watch was told */
	size_t in_begin, in_end;
	size_t out_count, out_most;	/* now, and at any time */
	struct stream_buffers *buffers;
};

/* Apart, so that a session touches no more memory than it uses. */
struct stream_buffers {
	char in[STREAM_IN_BYTES];
	char out[STREAM_OUT_BYTES];
};

/*
 * Begin with the connected socket 'fd', which must be non-blocking.  'buffers'
 * must outlive the stream.
 */
void stream_begin(struct stream *stream, int fd,
	struct stream_buffers *buffers);

/* Wait until 'deadline_ms' at the longest, now and in all later calls. */
void stream_set_deadline(struct stream *stream, int64_t deadline_ms);

/*
 * Do as 'watch' says, from now on.
 *
 * It is told that the client is heard again before any octet is sent to it;
 * octets that came are handed out even if it says that it is over.
 */
void stream_watch(struct stream *stream, const struct stream_watch *watch);

/*
 * Call 'tell' a second after octets were sent, whether more are being sent then
 * or the client is waited for; and so on.
 */
void stream_measure(struct stream *stream, void (*tell)(void *context),
	void *context);

/*
 * Make more octets available at stream_octets(), which must all be taken; wait
 * for them if need be, after sending what is buffered.
 * Returns 0, or -1 after a failure.
 */
int stream_fill(struct stream *stream);

/* The octets that have come and were not taken, and how many they are. */
const char *stream_octets(const struct stream *stream);
size_t stream_count(const struct stream *stream);

/* Take 'count' of them; their place is wiped, they may be a password. */
void stream_take(struct stream *stream, size_t count);

/* Add octets to what will be sent.  Returns 0, or -1 after a failure. */
int stream_write(struct stream *stream, const void *octets, size_t count);

/*
 * Give room for at least 'count' (at most STREAM_OUT_BYTES) octets, which the
 * caller writes there before telling how many with stream_wrote().
 * room: how many fit.  Returns NULL after a failure.
 */
char *stream_room(struct stream *stream, size_t count, size_t *room);
void stream_wrote(struct stream *stream, size_t count);

/* Send all that is buffered.  Returns 0, or -1 after a failure. */
int stream_flush(struct stream *stream);

/*
 * Make this a TLS session, by a handshake as 'wish' says.  Nothing may be
 * buffered in either direction.
 * why: what went wrong.  Returns 0, or -1 after a failure.
 * RFC 2595 section 4 (STLS), RFC 8314 (implicit TLS).
 */
int stream_start_tls(struct stream *stream, struct tls_context *context,
	const struct tls_wish *wish, const char **why);

/*
 * Hold back what is sent until stream_release(), or until the socket is shut
 * down, so that it leaves in as few segments as possible.
 */
void stream_hold(struct stream *stream);
void stream_release(struct stream *stream);

/*
 * End the stream, with close_notify if 'is_whole' and nothing is left to send;
 * without it a TLS client sees that it was cut.  Wipes the buffers; the
 * caller closes the socket.
 */
void stream_end(struct stream *stream, bool is_whole);

#endif
