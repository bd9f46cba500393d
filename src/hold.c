/*
 * hold.c - a client that falls silent lets others have its maildrop
 *
 * Runs in: a worker.  Distrusts: the client, which may be silent for ever.
 */
#include "config.h"

#include "hold.h"

#include "progress.h"

/* How often we ask whether another session has the maildrop by now. */
#define AGAIN_S 10

static int tell_keeper(void *context, bool is_silent)
{
	struct session *session = context;

	enum wire_state state = is_silent ? WIRE_STATE_SILENT :
		WIRE_STATE_TRANSACTION;

	if (session->state != state)
		progress_tell(session, state);
	return mailbox_hold(&session->mailbox, !is_silent,
		session->stream.deadline_ms);
}

void hold_begin(struct session *session)
{
	uint32_t after_s = session->settings->mailbox.takeover_after_s;

	/* A login that may only read keeps nobody out. */
	if (session->mailbox.is_read_only)
		return;
	stream_watch(&session->stream, &(struct stream_watch){
		.after_s = after_s,
		.again_s = after_s < AGAIN_S ? after_s : AGAIN_S,
		.tell = tell_keeper,
		.context = session,
	});
}

enum pop3_event hold_check(struct session *session)
{
	switch (session->mailbox.hold) {
	case MAILBOX_IS_OURS:
		return POP3_CONTINUE;
	case MAILBOX_IS_TAKEN_OVER:
		pop3_err(session, "[IN-USE] another session has taken over "
			"the mailbox; nothing was removed");
		break;
	case MAILBOX_IS_LOST:
		pop3_err(session, "[SYS/TEMP] the session is lost; no message "
			"is removed");
		break;
	}
	return pop3_revoked(session);
}
