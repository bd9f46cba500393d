/*
 * authorization.c - the AUTHORIZATION state: CAPA STLS USER PASS AUTH LANG UTF8
 * QUIT
 *
 * Runs in: a worker, which can neither check a password nor open a file: it
 * asks the master for a keeper, and that one for the maildrop.
 */
#include "config.h"

#include "authorization.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "capa.h"
#include "deadline.h"
#include "exchange.h"
#include "language.h"
#include "progress.h"
#include "texts.h"

#define MOST_BAD_COMMANDS 10

static enum pop3_event refuse_cleartext(struct session *session)
{
	if (session->rules->cleartext == CLEARTEXT_NEVER)
		return pop3_err(session, "passwords are not taken here");
	if (capa_has_stls(session))
		return pop3_err(session, "not without TLS: use STLS first");
	return pop3_err(session, "not without TLS: use the POP3S port");
}

/* Forget the client's name, and so that it has said one.  RFC 2595. */
static void forget_user(struct session *session)
{
	session->has_user = false;
	explicit_bzero(session->user, sizeof(session->user));
}

/* Ask the master for a keeper.  Returns its socket, or -1 with errno. */
static int ask_keeper(struct session *session)
{
	struct wire_plain request = { .kind = WIRE_KEEPER };
	struct wire_keeper answer;
	int keeper_fd;

	if (wire_send(session->master_fd, &request, sizeof(request), -1) < 0 ||
			wire_wait(session->master_fd,
				session->stream.deadline_ms) < 0 ||
			wire_receive(session->master_fd, WIRE_KEEPER, &answer,
				sizeof(answer), &keeper_fd) < 0)
		return -1;
	return wire_passed_fd(answer.error, keeper_fd);
}

static enum pop3_event keeper_lost(struct session *session)
{
	if (errno == ETIMEDOUT)
		return pop3_over(session, WIRE_END_LOGIN_TIMEOUT);
	pop3_err(session, "[SYS/TEMP] internal error, try again later");
	return pop3_over(session, WIRE_END_KEEPER_LOST);
}

static enum pop3_event welcome(struct session *session)
{
	uint32_t count = mailbox_count(&session->mailbox);
	unsigned long long octets = mailbox_unmarked_octets(&session->mailbox);

	snprintf(session->report.user, sizeof(session->report.user), "%s",
		session->mailbox.user);
	if (count == 1)
		pop3_ok(session, "1 message (%llu octets)", octets);
	else
		pop3_ok(session, "%u messages (%llu octets)", count, octets);
	return POP3_LOGGED_IN;
}

/* After the reply: too many failed logins end the session. */
static enum pop3_event count_failure(struct session *session)
{
	if (++session->failed_logins >= session->rules->attempts)
		return pop3_over(session, WIRE_END_ATTEMPTS);
	return POP3_CONTINUE;
}

/* Since when and from where, if that is known: the password was right. */
static enum pop3_event in_use(struct session *session)
{
	const struct mailbox *box = &session->mailbox;
	time_t since = (time_t)box->holder_since_s;
	long long age_s = (long long)time(NULL) - box->holder_since_s;
	struct tm utc;

	if (box->holder[0] == '\0' || gmtime_r(&since, &utc) == NULL)
		return pop3_err(session, "[IN-USE] the mailbox is open in "
			"another session");
	return pop3_err(session, "[IN-USE] the mailbox is open since "
		"%04d-%02d-%02d %02d:%02d:%02d UTC (%lld s) from %s",
		utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
		utc.tm_min, utc.tm_sec, age_s < 0 ? 0 : age_s, box->holder);
}

static enum pop3_event answer_login(struct session *session, int status)
{
	switch (status) {
	case WIRE_LOGIN_GRANTED:
		return welcome(session);
	case WIRE_LOGIN_DENIED:
		pop3_err(session, "[AUTH] wrong user name or password");
		return count_failure(session);
	case WIRE_LOGIN_IN_USE:
		return in_use(session);
	case WIRE_LOGIN_TEMPORARY:
		return pop3_err(session,
			"[SYS/TEMP] can't open the mailbox now, try later");
	case WIRE_LOGIN_PERMANENT:
		return pop3_err(session,
			"[SYS/PERM] can't open the mailbox, ask your "
			"administrator");
	case WIRE_LOGIN_MALFORMED:
		/* It is a failed login, too: each costs a keeper. */
		pop3_err(session, "that is no response of this mechanism");
		return count_failure(session);
	case WIRE_LOGIN_NO_FOLDER:
		return pop3_err(session, "[SYS/PERM] there is no such folder");
	default:
		return keeper_lost(session);
	}
}

static enum pop3_event no_keeper(struct session *session)
{
	if (errno != EAGAIN && errno != EPERM)
		return keeper_lost(session);
	return pop3_err(session,
		"[SYS/TEMP] too many logins now, try again later");
}

static enum pop3_event log_in(struct session *session, const char *password)
{
	int keeper_fd = ask_keeper(session);

	if (keeper_fd < 0)
		return no_keeper(session);

	/* One copy of the password, wiped below; a line fits in it. */
	struct wire_auth request = {
		.kind = WIRE_AUTH, .has_tls = capa_is_secure(session),
	};
	snprintf(request.name, sizeof(request.name), "%s", session->user);
	snprintf(request.password, sizeof(request.password), "%s", password);

	int status = mailbox_login(&session->mailbox, keeper_fd, &request,
		exchange_deadline_ms(session));
	int error = errno;
	explicit_bzero(&request, sizeof(request));
	errno = error;
	return answer_login(session, status);
}

/* RFC 1939 section 7: any name is taken, to tell nobody which ones exist. */
static enum pop3_event do_user(struct session *session,
	const struct pop3_request *request)
{
	forget_user(session);
	if (!capa_takes_user(session))
		return refuse_cleartext(session);
	if (request->text[0] == '\0')
		return pop3_bad(session, "user name expected");
	snprintf(session->user, sizeof(session->user), "%s", request->text);
	session->has_user = true;
	return pop3_ok(session, "send PASS");
}

static enum pop3_event do_pass(struct session *session,
	const struct pop3_request *request)
{
	enum pop3_event event;

	if (!capa_takes_user(session))
		return refuse_cleartext(session);
	if (!session->has_user)
		return pop3_bad(session, "USER first");
	session->mechanism = MECHANISMS;
	event = log_in(session, request->text);
	forget_user(session);
	return event;
}

/* A list for clients from before CAPA; RFC 5034 leaves it to us. */
static enum pop3_event list_mechanisms(struct session *session)
{
	uint32_t mechanisms = capa_mechanisms(session);

	pop3_ok(session, "mechanisms follow");
	for (int i = 0; i < MECHANISMS; i++)
		if ((mechanisms & UINT32_C(1) << i) != 0)
			pop3_line(session, "%s",
				mechanism_name((enum mechanism)i));
	return pop3_end_of_lines(session);
}

/* Say why a mechanism can't be had. */
static enum pop3_event refuse_mechanism(struct session *session,
	enum mechanism mechanism)
{
	if (mechanism < MECHANISMS && mechanism_is_cleartext(mechanism) &&
			session->abilities != 0 && !capa_has_user(session))
		return refuse_cleartext(session);
	return pop3_bad(session, "this mechanism is not available");
}

/* RFC 5034 section 4. */
static enum pop3_event do_auth(struct session *session,
	const struct pop3_request *request)
{
	struct exchange_request asked;
	int keeper_fd;

	forget_user(session);
	if (request->text == NULL)
		return list_mechanisms(session);
	if (exchange_parse(request->text, &asked) < 0)
		return pop3_bad(session, "mechanism expected, or a mechanism "
			"and base64");
	if (asked.mechanism == MECHANISMS ||
			(capa_mechanisms(session) &
				UINT32_C(1) << asked.mechanism) == 0)
		return refuse_mechanism(session, asked.mechanism);
	keeper_fd = ask_keeper(session);
	if (keeper_fd < 0)
		return no_keeper(session);

	session->mechanism = asked.mechanism;
	int status = exchange_run(session, &authorization_state, keeper_fd,
		&asked);
	if (status == EXCHANGE_CANCELLED)
		return pop3_err(session, "cancelled");
	return status == EXCHANGE_LOST ? POP3_OVER :
		answer_login(session, status);
}

static enum pop3_event do_stls(struct session *session,
	const struct pop3_request *request)
{
	(void)request;
	if (capa_is_secure(session))
		return pop3_bad(session, "TLS is active already");
	if (!capa_has_stls(session))
		return pop3_bad(session, "TLS is not available here");

	/* What came behind STLS in clear was not said by the TLS client. */
	if (stream_count(&session->stream) > 0) {
		pop3_err(session, "no command may follow STLS unanswered");
		return pop3_over(session, WIRE_END_STLS_INJECTION);
	}
	pop3_ok(session, "begin TLS");
	forget_user(session);
	session->language = TEXTS_DEFAULT;
	if (stream_flush(&session->stream) < 0)
		return pop3_over(session, WIRE_END_DISCONNECTED);

	enum pop3_event event = authorization_start_tls(session);
	if (event == POP3_CONTINUE)
		tls_send_ticket(session->stream.tls);
	return event;
}

static enum pop3_event do_quit(struct session *session,
	const struct pop3_request *request)
{
	(void)request;
	pop3_ok(session, "bye");
	return pop3_over(session, WIRE_END_QUIT);
}

static const struct pop3_command commands[] = {
	{ "USER", POP3_TEXT, do_user },
	{ "PASS", POP3_TEXT, do_pass },
	{ "AUTH", POP3_ANY_TEXT, do_auth },
	{ "CAPA", POP3_NO_ARGUMENT, capa_authorization },
	{ "LANG", POP3_ANY_WORD, language_lang },
	{ "UTF8", POP3_NO_ARGUMENT, language_utf8 },
	{ "STLS", POP3_NO_ARGUMENT, do_stls },
	{ "QUIT", POP3_NO_ARGUMENT, do_quit },
};

const struct pop3_state authorization_state = {
	.commands = commands,
	.command_count = sizeof(commands) / sizeof(commands[0]),
	.most_bad_commands = MOST_BAD_COMMANDS,
	.timed_out = WIRE_END_LOGIN_TIMEOUT,
};

enum pop3_event authorization_start_tls(struct session *session)
{
	struct wire_session *report = &session->report;
	struct tls_wish wish = {
		.listener = (size_t)(session->listener -
			session->settings->listens),
		.allows_legacy = session->rules->allows_legacy_tls,
		.deadline_ms = deadline_in_s(
			session->rules->tls_timeout_s),
	};
	const char *why = "";

	if (stream_start_tls(&session->stream, session->tls_context, &wish,
			&why) < 0) {
		snprintf(report->note, sizeof(report->note), "%s", why);
		return pop3_over(session,
			session->stream.failure == STREAM_TIMED_OUT ?
			WIRE_END_TLS_TIMEOUT : WIRE_END_TLS_FAILED);
	}
	snprintf(report->tls, sizeof(report->tls), "%s",
		tls_version(session->stream.tls));
	snprintf(report->cipher, sizeof(report->cipher), "%s",
		tls_cipher(session->stream.tls));
	if (tls_is_client_unknown(session->stream.tls))
		snprintf(report->note, sizeof(report->note),
			"client certificate not accepted");
	report->is_legacy_tls = tls_is_legacy(session->stream.tls);
	progress_tell(session, WIRE_STATE_AUTHORIZATION);
	return POP3_CONTINUE;
}
