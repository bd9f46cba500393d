/*
 * progress.c - what a worker tells the master of a session that goes on
 *
 * Runs in: a worker.
 */
#include "config.h"

#include "progress.h"

#include <string.h>

static void tell(struct session *session)
{
	const struct wire_session *report = &session->report;
	struct wire_progress record = {
		.kind = WIRE_PROGRESS, .state = session->state,
		.mechanism = session->mechanism,
		.octets_sent = session->stream.octets_sent,
	};

	memcpy(record.user, report->user, sizeof(record.user));
	memcpy(record.tls, report->tls, sizeof(record.tls));
	memcpy(record.cipher, report->cipher, sizeof(record.cipher));
	/* A master that is gone shows nobody who is connected. */
	(void)wire_send(session->master_fd, &record, sizeof(record), -1);
}

static void tell_again(void *context)
{
	tell(context);
}

void progress_tell(struct session *session, enum wire_state state)
{
	session->state = state;
	tell(session);
}

void progress_measure(struct session *session)
{
	stream_measure(&session->stream, tell_again, session);
}
