/*
 * transaction.c - the TRANSACTION state: STAT LIST RETR DELE NOOP RSET TOP
 * UIDL CAPA LANG UTF8, and QUIT with the UPDATE state behind it
 *
 * Runs in: a worker.  Distrusts: the files, which other programs change.
 */
#include "config.h"

#include "transaction.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "capa.h"
#include "dots.h"
#include "entries.h"
#include "hold.h"
#include "language.h"
#include "progress.h"

#define MOST_BAD_COMMANDS 20

/* What is read from a message at once. */
#define FILE_BYTES 65536

static enum pop3_event session_lost(struct session *session)
{
	pop3_err(session, "[SYS/TEMP] the session is lost; no message is "
		"removed");
	return pop3_over(session, WIRE_END_KEEPER_LOST);
}

/* Whatever is asked of one message needs it. */
static bool has_listing(struct session *session)
{
	return mailbox_list(&session->mailbox,
		session->stream.deadline_ms) == 0;
}

static enum pop3_event do_stat(struct session *session,
	const struct pop3_request *request)
{
	(void)request;
	return pop3_ok_data(session, "%u %" PRIu64,
		mailbox_unmarked_count(&session->mailbox),
		mailbox_unmarked_octets(&session->mailbox));
}

static enum pop3_event do_list(struct session *session,
	const struct pop3_request *request)
{
	const struct mailbox *box = &session->mailbox;

	if (!has_listing(session))
		return session_lost(session);
	if (request->has_message)
		return pop3_ok_data(session, "%u %" PRIu64,
			pop3_msgno(request->idx),
			mailbox_octets(box, request->idx));
	pop3_ok(session, "%u messages (%llu octets)",
		mailbox_unmarked_count(box),
		(unsigned long long)mailbox_unmarked_octets(box));
	return entries_of_octets(session);
}

static enum pop3_event do_uidl(struct session *session,
	const struct pop3_request *request)
{
	if (!has_listing(session))
		return session_lost(session);
	if (request->has_message) {
		const char *uidl = mailbox_uidl(&session->mailbox,
			request->idx);
		if (uidl == NULL)
			return pop3_over(session, WIRE_END_KEEPER_LOST);
		return pop3_ok_data(session, "%u %s",
			pop3_msgno(request->idx), uidl);
	}
	pop3_ok(session, "unique-id listing follows");
	return entries_of_uidls(session);
}

/* Convert 'count' octets of the file.  Returns -1 when the client is gone. */
static int send_octets(struct session *session, struct dots *dots,
	const char *octets, size_t count)
{
	while (count > 0 && !dots->is_done) {
		size_t room;
		char *to = stream_room(&session->stream, 3, &room);
		if (to == NULL)
			return -1;
		size_t taken = dots_convert(dots, octets, count, to, &room);
		stream_wrote(&session->stream, room);
		octets += taken;
		count -= taken;
	}
	return 0;
}

/* Send the file until its end, or until TOP has enough. */
static int send_file(struct session *session, struct dots *dots,
	int message_fd)
{
	static char octets[FILE_BYTES];

	while (!dots->is_done) {
		ssize_t count = read(message_fd, octets, sizeof(octets));
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		if (count == 0)
			break;
		int status = send_octets(session, dots, octets,
			(size_t)count);
		/* The next session of this worker must not find mail here. */
		explicit_bzero(octets, (size_t)count);
		if (status < 0)
			return -1;
	}
	const char *end = dots_end(dots);
	return stream_write(&session->stream, end, strlen(end));
}

/*
 * The message was not sent whole: nothing that looks like its end may follow,
 * so the connection is cut.
 */
static enum pop3_event cut(struct session *session)
{
	if (session->stream.failure == STREAM_TIMED_OUT)
		return pop3_over(session, WIRE_END_IDLE_TIMEOUT);
	if (session->stream.failure == STREAM_REVOKED)
		return pop3_revoked(session);
	if (session->stream.failure != STREAM_GOOD)
		return pop3_over(session, WIRE_END_WRITE_FAILED);
	return pop3_over(session, WIRE_END_MESSAGE_CUT);
}

static enum pop3_event not_opened(struct session *session, uint32_t idx)
{
	if (errno == EPIPE)
		return session_lost(session);
	mailbox_set_unserved(&session->mailbox, idx);
	if (errno == ENOENT)
		return pop3_err(session, "[SYS/TEMP] another program removed "
			"this message");
	if (errno == ESTALE)
		return pop3_err(session, "[SYS/TEMP] another program changed "
			"this message; log in again to see it");
	return pop3_err(session, "[SYS/TEMP] can't read this message now");
}

/*
 * Send as much of the message as 'lines' asks for, and the final dot only if
 * that was whole.
 */
static enum pop3_event send_message(struct session *session, uint32_t idx,
	uint64_t lines, uint32_t *sent_count)
{
	struct dots dots;

	if (!has_listing(session))
		return session_lost(session);
	uint64_t octets = mailbox_octets(&session->mailbox, idx);
	int message_fd = mailbox_open(&session->mailbox, idx,
		session->stream.deadline_ms);
	if (message_fd < 0)
		return not_opened(session, idx);
	if (lines == DOTS_ALL)
		pop3_ok(session, "%llu octets", (unsigned long long)octets);
	else
		pop3_ok(session, "top of message follows");
	dots_begin(&dots, lines);
	int status = send_file(session, &dots, message_fd);
	close(message_fd);

	if (status < 0)
		return cut(session);
	/* It has the octets that LIST gave, or LIST was wrong. */
	if (!dots.is_done && dots.octets != octets) {
		mailbox_doubt(&session->mailbox, idx);
		return cut(session);
	}
	++*sent_count;
	return pop3_end_of_lines(session);
}

static enum pop3_event do_retr(struct session *session,
	const struct pop3_request *request)
{
	uint32_t before = session->report.retr;
	enum pop3_event event = send_message(session, request->idx, DOTS_ALL,
		&session->report.retr);

	/* The rest of it may be on its way: QUIT looks after that. */
	if (session->report.retr > before &&
			session->stream.failure == STREAM_GOOD)
		mailbox_set_retrieved(&session->mailbox, request->idx);
	return event;
}

static enum pop3_event do_top(struct session *session,
	const struct pop3_request *request)
{
	return send_message(session, request->idx, request->lines,
		&session->report.top);
}

static enum pop3_event do_dele(struct session *session,
	const struct pop3_request *request)
{
	if (session->mailbox.is_read_only)
		return pop3_err(session, "[SYS/PERM] this login may only read");
	if (!has_listing(session))
		return session_lost(session);
	if (!mailbox_mark(&session->mailbox, request->idx))
		return pop3_err(session, "[SYS/TEMP] not marked: this message "
			"could not be sent whole");
	return pop3_ok(session, "message %u marked as deleted",
		pop3_msgno(request->idx));
}

static enum pop3_event do_rset(struct session *session,
	const struct pop3_request *request)
{
	mailbox_unmark_all(&session->mailbox);
	return do_stat(session, request);
}

static enum pop3_event do_noop(struct session *session,
	const struct pop3_request *request)
{
	(void)request;
	return pop3_ok(session, "still here");
}

/*
 * Let the keeper do its part.  Whoever stops us waits until we know what became
 * of it.
 */
static int commit(struct session *session, struct wire_committed *answer)
{
	sigset_t term;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &term, NULL);
	int status = mailbox_commit(&session->mailbox, answer);
	(void)sigprocmask(SIG_UNBLOCK, &term, NULL);
	return status;
}

/*
 * The UPDATE state, if there is anything to update.  RFC 1939 section 6.
 * Returns POP3_CONTINUE, or POP3_OVER when the session could not enter it.
 */
static enum pop3_event update(struct session *session,
	struct wire_committed *answer)
{
	if (!mailbox_needs_commit(&session->mailbox,
			&session->settings->mailbox))
		return POP3_CONTINUE;
	/* A client that did not get the messages must not lose them. */
	if (stream_flush(&session->stream) < 0)
		return cut(session);
	progress_tell(session, WIRE_STATE_UPDATE);
	if (commit(session, answer) < 0) {
		pop3_err(session, "[SYS/TEMP] the session was lost; some "
			"messages may not be removed");
		return pop3_over(session, WIRE_END_KEEPER_LOST);
	}
	return POP3_CONTINUE;
}

static void say_bye(struct session *session)
{
	uint32_t removed = session->report.removed;
	uint32_t expired = session->report.expired;

	if (expired > 0 && removed == 1)
		pop3_ok(session, "bye, 1 message removed, %u expired",
			expired);
	else if (expired > 0)
		pop3_ok(session, "bye, %u messages removed, %u expired",
			removed, expired);
	else if (removed == 1)
		pop3_ok(session, "bye, 1 message removed");
	else
		pop3_ok(session, "bye, %u messages removed", removed);
}

static enum pop3_event do_quit(struct session *session,
	const struct pop3_request *request)
{
	struct wire_committed answer = { .removed = 0 };

	(void)request;
	if (update(session, &answer) == POP3_OVER)
		return POP3_OVER;
	session->report.removed = answer.removed;
	session->report.expired = answer.expired;
	if (answer.failed > 0) {
		pop3_err(session, "[SYS/TEMP] %u of %u messages not removed",
			answer.failed, session->mailbox.marked_count);
		return pop3_over(session, WIRE_END_REFUSED_COMMIT);
	}
	say_bye(session);
	return pop3_over(session, WIRE_END_QUIT);
}

static const struct pop3_command commands[] = {
	{ "STAT", POP3_NO_ARGUMENT, do_stat },
	{ "LIST", POP3_ANY_MESSAGE, do_list },
	{ "UIDL", POP3_ANY_MESSAGE, do_uidl },
	{ "RETR", POP3_MESSAGE, do_retr },
	{ "TOP", POP3_MESSAGE_LINES, do_top },
	{ "DELE", POP3_MESSAGE, do_dele },
	{ "RSET", POP3_NO_ARGUMENT, do_rset },
	{ "NOOP", POP3_NO_ARGUMENT, do_noop },
	{ "CAPA", POP3_NO_ARGUMENT, capa_transaction },
	{ "LANG", POP3_ANY_WORD, language_lang },
	{ "UTF8", POP3_NO_ARGUMENT, language_utf8 },
	{ "QUIT", POP3_NO_ARGUMENT, do_quit },
};

const struct pop3_state transaction_state = {
	.commands = commands,
	.command_count = sizeof(commands) / sizeof(commands[0]),
	.most_bad_commands = MOST_BAD_COMMANDS,
	.timed_out = WIRE_END_IDLE_TIMEOUT,
	.has_idle_timer = true,
	.check = hold_check,
};
