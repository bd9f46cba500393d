/*
 * pop3.c - the engine: a command line, the table of the state, an answer
 *
 * Runs in: a worker.  Distrusts: every line.  Knows: no command.
 */
#include "config.h"

#include "pop3.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "deadline.h"
#include "texts.h"

/* RFC 2449 section 4: the first line of a reply has at most 512 octets. */
#define REPLY_OCTETS 512

/* A line as the engine sees it. */
struct command_line {
	char *verb;
	char *rest;		/* behind the first blank, or NULL */
};

/* How many of 'count' octets are whole characters of UTF-8, or none at all. */
static size_t whole_characters(const char *text, size_t count)
{
	size_t start = count;

	while (start > 0 && count - start < 3 &&
			((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0)
		return count;

	unsigned char first = (unsigned char)text[start - 1];
	size_t wanted = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 :
		first >= 0xc0 ? 2 : 1;
	return count - start + 1 < wanted ? start - 1 : count;
}

/* "-ERR ", "+OK " or nothing, the text, CRLF. */
static void write_line(struct session *session, const char *prefix,
	const char *format, va_list values)
{
	char reply[REPLY_OCTETS + 1];
	size_t room = sizeof(reply) - 2;
	int start = snprintf(reply, room, "%s", prefix);
	int count = vsnprintf(reply + start, room - (size_t)start, format,
		values);

	size_t end = (size_t)start + (size_t)(count < 0 ? 0 : count);
	if (end > room - 1)
		end = whole_characters(reply, room - 1);
	memcpy(reply + end, "\r\n", 2);
	/* The stream remembers a failure; the engine asks it. */
	(void)stream_write(&session->stream, reply, end + 2);
}

static void strip_blanks(char *text)
{
	size_t count = strlen(text);

	while (count > 0 && (text[count - 1] == ' ' ||
			text[count - 1] == '\t'))
		text[--count] = '\0';
}

/*
 * Read digits from '*text' and move it behind them and the blanks that follow;
 * a number too large is the largest.  Returns false if there is no digit, or
 * another character.
 */
static bool take_number(const char **text, uint64_t *number)
{
	const char *digit = *text;

	*number = 0;
	if (!isdigit((unsigned char)*digit))
		return false;
	for (; isdigit((unsigned char)*digit); digit++) {
		bool fits = *number <= (UINT64_MAX - 9) / 10;
		*number = fits ? *number * 10 + (uint64_t)(*digit - '0') :
			UINT64_MAX;
	}
	if (*digit != ' ' && *digit != '\0')
		return false;
	*text = digit + strspn(digit, " ");
	return true;
}

/* The only place where a message-number becomes an index. */
static const char *take_message(struct session *session, const char **text,
	struct pop3_request *request)
{
	uint64_t msgno;

	if (!take_number(text, &msgno))
		return N_("message-number expected");
	if (msgno < 1 || msgno > mailbox_count(&session->mailbox))
		return N_("no such message");
	request->idx = (uint32_t)(msgno - 1);
	request->has_message = true;
	if (mailbox_is_marked(&session->mailbox, request->idx))
		return N_("message is marked as deleted");
	return NULL;
}

/* Check 'rest' by 'arguments'.  Returns what is wrong with it, or NULL. */
static const char *take_arguments(struct session *session,
	enum pop3_arguments arguments, char *rest,
	struct pop3_request *request)
{
	request->text = rest;
	if (arguments == POP3_ANY_TEXT)
		return NULL;
	if (arguments == POP3_TEXT)
		return rest == NULL ? N_("argument expected") : NULL;

	if (rest != NULL)
		strip_blanks(rest);
	const char *text = rest == NULL ? "" : rest + strspn(rest, " ");
	const char *wrong = NULL;

	if (arguments == POP3_ANY_WORD) {
		request->text = *text == '\0' ? NULL : text;
		text += strcspn(text, " ");
	}
	if (arguments == POP3_MESSAGE || arguments == POP3_MESSAGE_LINES ||
			(arguments == POP3_ANY_MESSAGE && *text != '\0'))
		wrong = take_message(session, &text, request);
	if (wrong == NULL && arguments == POP3_MESSAGE_LINES &&
			!take_number(&text, &request->lines))
		wrong = N_("number of lines expected");
	if (wrong == NULL && *text != '\0')
		wrong = N_("too many arguments");
	return wrong;
}

static const struct pop3_command *find_command(const struct pop3_state *state,
	const char *verb)
{
	for (size_t i = 0; i < state->command_count; i++)
		if (strcasecmp(state->commands[i].verb, verb) == 0)
			return &state->commands[i];
	return NULL;
}

static struct command_line split(char *text)
{
	char *blank = strchr(text, ' ');

	if (blank != NULL)
		*blank++ = '\0';
	return (struct command_line){ .verb = text, .rest = blank };
}

static enum pop3_event execute(struct session *session,
	const struct pop3_state *state)
{
	struct command_line line = split(session->line.text);
	struct pop3_request request = { .text = NULL };
	const struct pop3_command *command = find_command(state, line.verb);

	if (command == NULL)
		return pop3_bad(session, "unknown command, or not now");

	const char *wrong = take_arguments(session, command->arguments,
		line.rest, &request);
	if (wrong != NULL)
		return pop3_bad(session, "%s",
			texts_find(session->language, wrong));
	return command->handle(session, &request);
}

/* Collect one line.  Returns LINE_MORE when the client is gone. */
static enum line_event read_line(struct session *session)
{
	struct stream *stream = &session->stream;
	enum line_event event;

	do {
		size_t taken;
		if (stream_count(stream) == 0 && stream_fill(stream) < 0)
			return LINE_MORE;
		event = line_take(&session->line, stream_octets(stream),
			stream_count(stream), &taken);
		stream_take(stream, taken);
	} while (event == LINE_MORE);
	return event;
}

static enum pop3_event stream_lost(struct session *session,
	const struct pop3_state *state)
{
	switch (session->stream.failure) {
	case STREAM_TIMED_OUT:
		return pop3_over(session, state->timed_out);
	case STREAM_BROKEN:
		return pop3_over(session, WIRE_END_WRITE_FAILED);
	case STREAM_REVOKED:
		return pop3_revoked(session);
	default:
		return pop3_over(session, WIRE_END_DISCONNECTED);
	}
}

static enum pop3_event serve_line(struct session *session,
	const struct pop3_state *state)
{
	/* Commands may be waiting, but nobody would see the replies. */
	if (session->stream.failure != STREAM_GOOD)
		return stream_lost(session, state);
	if (state->has_idle_timer)
		stream_set_deadline(&session->stream, deadline_in_s(
			session->rules->idle_timeout_s));

	enum line_event line = read_line(session);
	if (line != LINE_MORE && state->check != NULL) {
		enum pop3_event event = state->check(session);
		if (event != POP3_CONTINUE)
			return event;
	}
	switch (line) {
	case LINE_COMPLETE:
		return execute(session, state);
	case LINE_TOO_LONG:
		return pop3_bad(session, "line too long");
	case LINE_BAD:
		return pop3_bad(session, "NUL in a command");
	default:
		return stream_lost(session, state);
	}
}

/* Append 'count' octets that came to what there is of a response. */
static enum line_event add_octets(char *response, size_t room, size_t *have,
	const char *octets, size_t count)
{
	if (memchr(octets, '\0', count) != NULL)
		return LINE_BAD;
	if (count >= room - *have)
		return LINE_TOO_LONG;
	memcpy(response + *have, octets, count);
	*have += count;
	response[*have] = '\0';
	return LINE_COMPLETE;
}

enum line_event pop3_read_response(struct session *session,
	const struct pop3_state *state, char *response, size_t room)
{
	struct stream *stream = &session->stream;
	enum line_event event = LINE_COMPLETE;
	const char *end = NULL;
	size_t have = 0;

	response[0] = '\0';
	while (end == NULL) {
		if (stream_count(stream) == 0 && stream_fill(stream) < 0) {
			(void)stream_lost(session, state);
			return LINE_MORE;
		}
		const char *octets = stream_octets(stream);
		size_t count = stream_count(stream);
		end = memchr(octets, '\n', count);
		if (end != NULL)
			count = (size_t)(end - octets);
		if (event == LINE_COMPLETE)
			event = add_octets(response, room, &have, octets,
				count);
		stream_take(stream, count + (end != NULL));
	}
	if (event == LINE_COMPLETE && have > 0 && response[have - 1] == '\r')
		response[have - 1] = '\0';
	return event;
}

enum pop3_event pop3_serve(struct session *session,
	const struct pop3_state *state)
{
	enum pop3_event event;

	session->bad_commands = 0;
	do {
		event = serve_line(session, state);
		line_wipe(&session->line);
		if (event != POP3_BAD)
			session->bad_commands = 0;
		else if (++session->bad_commands >= state->most_bad_commands)
			event = pop3_over(session, WIRE_END_BAD_COMMANDS);
	} while (event == POP3_CONTINUE || event == POP3_BAD);
	return event;
}

enum pop3_event pop3_ok(struct session *session, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	write_line(session, "+OK ", texts_find(session->language, format),
		values);
	va_end(values);
	return POP3_CONTINUE;
}

enum pop3_event pop3_err(struct session *session, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	write_line(session, "-ERR ", texts_find(session->language, format),
		values);
	va_end(values);
	return POP3_CONTINUE;
}

enum pop3_event pop3_bad(struct session *session, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	write_line(session, "-ERR ", texts_find(session->language, format),
		values);
	va_end(values);
	return POP3_BAD;
}

enum pop3_event pop3_ok_data(struct session *session, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	write_line(session, "+OK ", format, values);
	va_end(values);
	return POP3_CONTINUE;
}

void pop3_challenge(struct session *session, const char *challenge)
{
	/* Longer than a reply may be; a failure is remembered. */
	(void)stream_write(&session->stream, "+ ", 2);
	(void)stream_write(&session->stream, challenge, strlen(challenge));
	(void)stream_write(&session->stream, "\r\n", 2);
}

void pop3_line(struct session *session, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	write_line(session, "", format, values);
	va_end(values);
}

enum pop3_event pop3_end_of_lines(struct session *session)
{
	pop3_line(session, ".");
	return POP3_CONTINUE;
}

enum pop3_event pop3_over(struct session *session, enum wire_end end)
{
	session->report.end = end;
	return POP3_OVER;
}

enum pop3_event pop3_revoked(struct session *session)
{
	return pop3_over(session,
		session->mailbox.hold == MAILBOX_IS_TAKEN_OVER ?
		WIRE_END_TAKEN_OVER : WIRE_END_KEEPER_LOST);
}

uint32_t pop3_msgno(uint32_t idx)
{
	return idx + 1;
}
