/*
 * pop3.h - the engine: a command line, the table of the state, an answer
 *
 * The engine knows no command.  It reads a line, finds the verb in the table of
 * the state, checks what all arguments of a kind have in common, and calls the
 * handler, which says what is particular and what happens next.
 */
#ifndef POSTERN_POP3_H
#define POSTERN_POP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "line.h"
#include "mailbox.h"
#include "settings.h"
#include "stream.h"
#include "wire.h"

/* One client's session, from the greeting to the end. */
struct session {
	struct stream stream;
	struct line line;
	struct mailbox mailbox;
	const struct settings *settings;
	const struct session_rules *rules;	/* for this client */
	const struct listen_settings *listener;
	struct tls_context *tls_context;	/* NULL: no TLS here */
	uint32_t abilities;		/* of the back ends: enum ability */
	int master_fd;
	bool is_trusted;		/* the client, by the settings */
	bool has_proxy_tls;		/* it has, with the proxy it came by */
	bool has_user;			/* USER was accepted */
	bool was_user_offered;		/* in CAPA before the login */
	char user[WIRE_NAME_OCTETS + 1];
	unsigned int language;		/* of the replies: texts_language() */
	uint32_t failed_logins;
	uint32_t bad_commands;
	enum wire_state state;		/* as the master was told */
	uint32_t mechanism;		/* MECHANISMS: USER and PASS */
	struct wire_session report;
};

/* What a handler says happens next. */
enum pop3_event {
	POP3_CONTINUE,		/* answered; the next command */
	POP3_BAD,		/* answered, with -ERR for a useless command */
	POP3_LOGGED_IN,		/* on to the TRANSACTION state */
	POP3_OVER		/* report.end says why */
};

/* What is checked before the handler is called. */
enum pop3_arguments {
	POP3_NO_ARGUMENT,
	POP3_TEXT,		/* all behind the blank, blanks included */
	POP3_ANY_TEXT,		/* the same, or nothing: then it is NULL */
	POP3_ANY_WORD,		/* one word, or nothing */
	POP3_MESSAGE,		/* a message that is not marked */
	POP3_ANY_MESSAGE,	/* the same, or nothing */
	POP3_MESSAGE_LINES	/* the same, and a number of lines */
};

struct pop3_request {
	const char *text;	/* the first three; NULL: nothing */
	bool has_message;
	uint32_t idx;		/* 0 .. mailbox_count() - 1 */
	uint64_t lines;
};

struct pop3_command {
	const char *verb;	/* in capitals */
	enum pop3_arguments arguments;
	enum pop3_event (*handle)(struct session *session,
		const struct pop3_request *request);
};

struct pop3_state {
	const struct pop3_command *commands;
	size_t command_count;
	uint32_t most_bad_commands;	/* in a row */
	enum wire_end timed_out;	/* the end when a deadline has passed */
	bool has_idle_timer;		/* RFC 1939 section 3: each command */
	/* Asked before each command: POP3_CONTINUE, or what happens; or NULL */
	enum pop3_event (*check)(struct session *session);
};

/*
 * Serve commands by the table of 'state' until a handler says POP3_LOGGED_IN or
 * POP3_OVER, or the client is gone; then report.end says how.
 */
enum pop3_event pop3_serve(struct session *session,
	const struct pop3_state *state);

/*
 * Read a line that is no command but a response of the client, of at most
 * 'room' - 1 octets without its end, NUL-terminated.
 *
 * Returns LINE_COMPLETE; LINE_TOO_LONG or LINE_BAD for a line that is over and
 * of no use; or LINE_MORE when the client is gone, and report.end says how.
 */
enum line_event pop3_read_response(struct session *session,
	const struct pop3_state *state, char *response, size_t room);

/*
 * Write a one-line reply and return the event in their name.  'format' begins
 * with a response code in brackets where there is one (RFC 2449 section 8).  It
 * is English; the client gets it in the language of the session.
 */
enum pop3_event pop3_ok(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
enum pop3_event pop3_err(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
enum pop3_event pop3_bad(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Ask for a response: "+ " and base64.  RFC 5034 section 4. */
void pop3_challenge(struct session *session, const char *challenge);
/* The same as pop3_ok(), of what is not in any language. */
enum pop3_event pop3_ok_data(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Write one line of a multi-line response, or its end. */
void pop3_line(struct session *session, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
enum pop3_event pop3_end_of_lines(struct session *session);

/* Say how the session ended.  Returns POP3_OVER. */
enum pop3_event pop3_over(struct session *session, enum wire_end end);

/* The same, when the maildrop is no longer ours. */
enum pop3_event pop3_revoked(struct session *session);

/* The message-number of index 'idx', for replies.  RFC 1939 section 4. */
uint32_t pop3_msgno(uint32_t idx);

#endif
