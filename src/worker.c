/*
 * worker.c - the life of one connection, and of the next
 *
 * Runs as: the settings' user, in an empty root directory.  Reads: the client.
 * Distrusts: the client.  Never: has a key, a password file or a mail's name.
 */
#include "config.h"

#include "worker.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "authorization.h"
#include "child.h"
#include "deadline.h"
#include "hold.h"
#include "introduction.h"
#include "pop3.h"
#include "progress.h"
#include "transaction.h"
#include "wire.h"

/* Stdio, three sockets, the keeper's, a message, a listing, a few. */
#define MOST_FDS 16

/* How often STREAM_IN_BYTES of a client that talks on are thrown away. */
#define MOST_DISCARDS 16

/* After what silence a client's host may be asked; Linux takes no more. */
#define LEAST_KEEPALIVE_S 30
#define MOST_KEEPALIVE_S 32767

/* Any socket that is not of TCP has no such option, and needs none. */
static void set_tcp(int fd, int option, int value)
{
	(void)setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

/* Let the system find out when the client's host is gone for good. */
static void keep_alive(int fd, uint32_t after_s)
{
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (after_s == 0)
		return;
	if (after_s < LEAST_KEEPALIVE_S)
		after_s = LEAST_KEEPALIVE_S;
	if (after_s > MOST_KEEPALIVE_S)
		after_s = MOST_KEEPALIVE_S;
#ifdef TCP_KEEPIDLE
	/* Not POSIX before 2024; elsewhere the system's two hours count. */
	set_tcp(fd, TCP_KEEPIDLE, (int)after_s);
	set_tcp(fd, TCP_KEEPINTVL, 10);
	set_tcp(fd, TCP_KEEPCNT, 3);
#endif
}

/*
 * The socket is the client's: non-blocking, and replies leave at once, because
 * we send them in batches ourselves.
 */
static int prepare_socket(int fd, const struct settings *settings)
{
	int flags = fcntl(fd, F_GETFL);

	set_tcp(fd, TCP_NODELAY, 1);
	keep_alive(fd, settings->mailbox.takeover_after_s);
	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/*
 * Whether the client spoke before the greeting: no POP3 client does, but those
 * who throw words at any port do.  Without TLS only: there, it speaks first.
 */
static bool is_early(const struct session *session)
{
	const struct stream *stream = &session->stream;
	char octet;

	return stream->tls == NULL && !session->is_trusted &&
		recv(stream->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* The ticket, if there is one, and the greeting leave in one segment. */
static enum pop3_event greet(struct session *session)
{
	struct stream *stream = &session->stream;
	bool has_ticket = stream->tls != NULL;

	if (is_early(session)) {
		pop3_err(session, "wait for the greeting first");
		return pop3_over(session, WIRE_END_EARLY_TALKER);
	}
	if (has_ticket) {
		stream_hold(stream);
		tls_send_ticket(stream->tls);
	}
	pop3_ok(session, "Postern ready");
	if (has_ticket) {
		/* The engine sees a failure at the first command. */
		(void)stream_flush(stream);
		stream_release(stream);
	}
	return POP3_CONTINUE;
}

/* From the first octet to the end of the AUTHORIZATION state. */
static enum pop3_event authorize(struct session *session)
{
	enum pop3_event event = introduction_await(session);

	stream_set_deadline(&session->stream, deadline_in_s(
		session->rules->login_timeout_s));
	if (event == POP3_CONTINUE && session->listener->tls == TLS_IMPLICIT)
		event = authorization_start_tls(session);
	if (event == POP3_CONTINUE)
		event = greet(session);
	if (event == POP3_CONTINUE)
		event = pop3_serve(session, &authorization_state);
	return event;
}

static void transact(struct session *session)
{
	session->stream.progress_s = session->rules->idle_timeout_s;
	progress_tell(session, WIRE_STATE_TRANSACTION);
	progress_measure(session);
	hold_begin(session);
	(void)pop3_serve(session, &transaction_state);
}

/* Whether the end of the octets is an end that the client may believe. */
static bool is_orderly(enum wire_end end)
{
	return end != WIRE_END_MESSAGE_CUT && end != WIRE_END_WRITE_FAILED &&
		end != WIRE_END_TLS_FAILED && end != WIRE_END_TLS_TIMEOUT;
}

/*
 * Closing with unread octets would reset the connection, and the client might
 * never see the last reply.
 */
static void discard_input(int fd)
{
	char octets[STREAM_IN_BYTES];

	if (shutdown(fd, SHUT_WR) < 0)
		return;
	for (int i = 0; i < MOST_DISCARDS; i++)
		if (recv(fd, octets, sizeof(octets), MSG_DONTWAIT) <= 0)
			return;
}

static void say_goodbye(struct session *session)
{
	struct stream *stream = &session->stream;
	bool is_whole = is_orderly(session->report.end);

	/* A cut message stays cut: nothing more is sent. */
	if (is_whole) {
		stream_hold(stream);
		(void)stream_flush(stream);
	}
	session->report.octets_sent = stream->octets_sent;
	stream_end(stream, is_whole);
	if (is_whole)
		discard_input(stream->fd);
}

/* The session under way, for a signal handler; NULL between sessions. */
static struct session *volatile current;

/*
 * We are told to stop: report the session as it is.  Only calls that are safe
 * in a signal handler; what the main program was at does not matter any more.
 */
static void on_term(int number)
{
	struct session *session = current;

	(void)number;
	if (session != NULL) {
		session->report.end = WIRE_END_STOPPED;
		session->report.octets_sent = session->stream.octets_sent;
		(void)wire_send(session->master_fd, &session->report,
			sizeof(session->report), -1);
	}
	_exit(WORKER_EXIT_OK);
}

static void serve(const struct worker *worker,
	const struct wire_connection *connection, int client_fd)
{
	static struct stream_buffers buffers;
	struct session session = {
		.settings = worker->settings,
		.listener = &worker->settings->listens[connection->listener],
		.rules = settings_rules(worker->settings, connection->policy),
		.tls_context = worker->tls_context,
		.abilities = worker->abilities,
		.master_fd = worker->master_fd,
		.is_trusted = connection->is_trusted != 0,
		.report = { .kind = WIRE_SESSION,
			.end = WIRE_END_DISCONNECTED },
	};
	current = &session;
	mailbox_begin(&session.mailbox);
	stream_begin(&session.stream, client_fd, &buffers);
	if (prepare_socket(client_fd, worker->settings) == 0 &&
			authorize(&session) == POP3_LOGGED_IN)
		transact(&session);

	say_goodbye(&session);
	mailbox_end(&session.mailbox);
	close(client_fd);
	current = NULL;
	/* A master that is gone writes no log line. */
	(void)wire_send(worker->master_fd, &session.report,
		sizeof(session.report), -1);
	explicit_bzero(&session, sizeof(session));
}

/* Wait for a connection.  Returns its socket, or exits. */
static int receive_connection(const struct worker *worker,
	struct wire_connection *connection)
{
	int client_fd;

	if (wire_receive(worker->master_fd, WIRE_CONNECTION, connection,
			sizeof(*connection), &client_fd) < 0)
		_exit(errno == EPIPE ? WORKER_EXIT_OK :
			WORKER_EXIT_BAD_RECORD);
	if (client_fd < 0 ||
			connection->listener >=
				worker->settings->listen_count ||
			settings_rules(worker->settings,
				connection->policy) == NULL)
		_exit(WORKER_EXIT_BAD_RECORD);
	return client_fd;
}

void worker_run(const struct worker *worker)
{
	(void)prctl(PR_SET_NAME, "postern-worker", 0, 0, 0);
	child_take_term(on_term);
	if (confine_to(worker->root_fd, worker->identity, MOST_FDS) < 0)
		_exit(WORKER_EXIT_NOT_CONFINED);
	close(worker->root_fd);
	if (sandbox_enter(worker->sandbox, FILTER_WORKER, -1, -1) < 0)
		_exit(WORKER_EXIT_NOT_CONFINED);
	if (worker->tls_context != NULL)
		tls_context_use_signer(worker->tls_context,
			worker->signer_fd);

	uint32_t most = worker->settings->pool.sessions_per_worker;
	for (uint32_t i = 0; i < most; i++) {
		struct wire_connection connection;
		int client_fd = receive_connection(worker, &connection);
		serve(worker, &connection, client_fd);
	}
	_exit(WORKER_EXIT_OK);
}
