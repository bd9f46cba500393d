/*
 * login.c - one login attempt, from its first record to a user who is granted
 *
 * Owns: the penalty, the time limit and the log line of a failure.
 * Runs as: root, or the invoking user.  Reads: records from the worker.
 * Distrusts: every field of them.
 */
#include "config.h"

#include "login.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "deadline.h"
#include "gate.h"
#include "log.h"
#include "scrub.h"

/* Responses of one exchange; the longest mechanism has four. */
#define MOST_STEPS 8

static volatile sig_atomic_t is_told_to_stop;

/* It is remembered: what we are at comes to its end first. */
static void on_term(int number)
{
	(void)number;	/* it has no other */
	is_told_to_stop = 1;
}

/* Wait until then, whatever the worker does meanwhile. */
static void wait_until(int64_t deadline_ms)
{
	while (!deadline_has_passed(deadline_ms))
		(void)poll(NULL, 0, deadline_poll_ms(deadline_ms));
}

static void send_status(const struct keeper *keeper,
	enum wire_login_status status)
{
	struct wire_login answer = { .kind = WIRE_AUTH, .status = status };

	/* A worker that is gone needs no answer. */
	(void)wire_send(keeper->worker_fd, &answer, sizeof(answer), -1);
}

/* fail2ban knows this line: courier-auth[_daemon=postern]. */
static void log_failure(const struct keeper *keeper, const char *name)
{
	char safe[LOG_NAME_BYTES];

	log_name(name, safe);
	log_info("LOGIN FAILED, user=%s, ip=[%s], listener=%s", safe,
		keeper->address, keeper->listener);
}

/* Whatever a worker may begin with. */
union attempt {
	uint32_t kind;
	struct wire_auth auth;
	struct wire_sasl sasl;
};

static bool is_string(const char *text, size_t bytes)
{
	return memchr(text, '\0', bytes) != NULL;
}

static void receive_step(const struct keeper *keeper, struct wire_step *step)
{
	if (wire_receive(keeper->worker_fd, WIRE_STEP, step, sizeof(*step),
			NULL) < 0)
		_exit(errno == EPIPE ? KEEPER_EXIT_ABANDONED :
			KEEPER_EXIT_BAD_RECORD);
	if (!is_string(step->response, sizeof(step->response)))
		_exit(KEEPER_EXIT_BAD_RECORD);
}

static void send_challenge(const struct keeper *keeper, const char *challenge)
{
	struct wire_login answer = {
		.kind = WIRE_AUTH, .status = WIRE_LOGIN_CHALLENGE,
	};

	snprintf((char *)answer.image, sizeof(answer.image), "%s", challenge);
	/* A worker that is gone is noticed when no response comes. */
	(void)wire_send(keeper->worker_fd, &answer, sizeof(answer), -1);
}

/* A mechanism that has something to say at the end wants it to be heard. */
static void bid_farewell(const struct keeper *keeper, const char *farewell)
{
	struct wire_step step;

	send_challenge(keeper, farewell);
	login_set_alarm(keeper->rules.login_timeout_s);
	if (wire_receive(keeper->worker_fd, WIRE_STEP, &step, sizeof(step),
			NULL) < 0)
		_exit(KEEPER_EXIT_DENIED);
}

/*
 * The wait counts from before the check, so that its time does not tell which
 * back end knew the name.
 */
static _Noreturn void deny(const struct keeper *keeper,
	const struct sasl_outcome *outcome, int64_t since_ms)
{
	uint32_t delay_ms = penalty_tell(&keeper->penalty,
		outcome->login.user);

	log_failure(keeper, outcome->name);
	login_set_alarm(0);
	/* A master that stops may end this wait, and no other work. */
	(void)signal(SIGTERM, SIG_DFL);
	if (!is_told_to_stop)
		wait_until(since_ms + delay_ms);
	if (outcome->farewell[0] != '\0')
		bid_farewell(keeper, outcome->farewell);
	send_status(keeper, outcome->is_malformed ? WIRE_LOGIN_MALFORMED :
		WIRE_LOGIN_DENIED);
	_exit(KEEPER_EXIT_DENIED);
}

/* Go on only if the login is granted. */
static void judge(const struct keeper *keeper,
	const struct sasl_outcome *outcome, int64_t since_ms)
{
	/* From here on the mailbox may take its time, too. */
	if (outcome->result == AUTH_GRANTED)
		login_set_alarm(keeper->rules.idle_timeout_s);
	if (outcome->result == AUTH_DENIED)
		deny(keeper, outcome, since_ms);
	if (outcome->result == AUTH_PERMANENT)
		login_give_up(keeper, WIRE_LOGIN_PERMANENT);
	if (outcome->result != AUTH_GRANTED)
		login_give_up(keeper, WIRE_LOGIN_TEMPORARY);
}

/* What is known of an attempt before the client has said who it is. */
static struct auth_attempt attempt_by(const struct keeper *keeper,
	bool has_tls)
{
	return (struct auth_attempt){
		.name = "", .password = "", .address = keeper->address,
		.local_address = keeper->local_address,
		.port = keeper->port, .local_port = keeper->local_port,
		.has_tls = has_tls,
	};
}

/* USER and PASS. */
static void check_password(const struct keeper *keeper,
	struct wire_auth *request, struct sasl_outcome *outcome)
{
	if (!is_string(request->name, sizeof(request->name)) ||
			!is_string(request->password,
				sizeof(request->password)) ||
			request->has_tls > 1)
		_exit(KEEPER_EXIT_BAD_RECORD);
	memcpy(outcome->name, request->name, sizeof(outcome->name));
	auth_name_split(request->name,
		keeper->settings->mailbox.folder_separator, &outcome->login);
	int64_t since_ms = deadline_now_ms();
	struct auth_attempt attempt = attempt_by(keeper, request->has_tls);
	attempt.name = outcome->login.user;
	attempt.password = request->password;
	attempt.is_exposed = !settings_may_cleartext(&keeper->rules,
		request->has_tls);
	outcome->result = auth_check(&keeper->settings->auth, &attempt,
		&outcome->identity);
	explicit_bzero(request, sizeof(*request));
	judge(keeper, outcome, since_ms);
}

/* AUTH: RFC 4422 section 3.  The worker relays what is said. */
static enum sasl_event converse(const struct keeper *keeper,
	struct sasl *sasl, const char *response, size_t *most_bytes,
	int64_t *since_ms)
{
	struct wire_step step = { .kind = WIRE_STEP };
	char challenge[WIRE_IMAGE_BYTES];

	*since_ms = deadline_now_ms();
	enum sasl_event event = sasl_step(sasl, response, challenge);
	for (int i = 0; event == SASL_CHALLENGE && i < MOST_STEPS; i++) {
		send_challenge(keeper, challenge);
		receive_step(keeper, &step);
		if (strlen(step.response) > *most_bytes)
			*most_bytes = strlen(step.response);
		*since_ms = deadline_now_ms();
		event = sasl_step(sasl, step.response, challenge);
	}
	explicit_bzero(&step, sizeof(step));
	explicit_bzero(challenge, sizeof(challenge));
	return event;
}

static void exchange(const struct keeper *keeper, struct wire_sasl *request,
	struct sasl_outcome *outcome)
{
	const struct sasl_facts facts = {
		.settings = keeper->settings,
		.attempt = attempt_by(keeper, request->has_tls),
		.mechanism = (enum mechanism)request->mechanism,
		.binding = request->has_binding ? request->binding : NULL,
		.client_name = request->client_name,
	};
	size_t most_bytes = strlen(request->response);
	int64_t since_ms;

	scrub_begin();
	struct sasl *sasl = sasl_begin(&facts);
	if (sasl == NULL)
		login_give_up(keeper, WIRE_LOGIN_TEMPORARY);
	enum sasl_event event = converse(keeper, sasl, request->has_response ?
		request->response : NULL, &most_bytes, &since_ms);
	*outcome = *sasl_outcome(sasl);
	sasl_end(sasl);
	scrub_end(most_bytes);
	if (event == SASL_CHALLENGE) {
		outcome->result = AUTH_DENIED;
		outcome->is_malformed = true;
	}
	judge(keeper, outcome, since_ms);
}

/*
 * Only what may be offered to this client can be begun.  Above all, nobody but
 * the worker says whose certificate it has seen; one that is broken into must
 * not say so where no client is asked for a certificate.
 */
static bool may_begin(const struct keeper *keeper,
	const struct wire_sasl *request)
{
	const struct mechanism_channel channel = {
		.may_cleartext = settings_may_cleartext(&keeper->rules,
			request->has_tls),
		.has_binding = request->has_tls && request->has_binding,
		.has_name = request->has_tls && keeper->asks_certificate &&
			request->client_name[0] != '\0',
	};

	/* What the back ends can do shows when they are asked. */
	return mechanism_can_work((enum mechanism)request->mechanism,
		UINT32_MAX, keeper->settings->auth.mechanisms, &channel);
}

static bool is_exchange(const struct wire_sasl *request, size_t bytes)
{
	return bytes == sizeof(*request) && request->kind == WIRE_SASL &&
		request->mechanism < MECHANISMS && request->has_tls <= 1 &&
		is_string(request->client_name,
			sizeof(request->client_name)) &&
		is_string(request->response, sizeof(request->response));
}

void login_set_alarm(uint32_t seconds)
{
	(void)signal(SIGALRM, SIG_DFL);
	(void)alarm(seconds);
}

_Noreturn void login_give_up(const struct keeper *keeper,
	enum wire_login_status status)
{
	send_status(keeper, status);
	_exit(KEEPER_EXIT_NOT_OPENED);
}

void login_run(const struct keeper *keeper, struct sasl_outcome *login)
{
	union attempt attempt;

	*login = (struct sasl_outcome){ .result = AUTH_DENIED };
	child_take_term(on_term);
	login_set_alarm(keeper->rules.login_timeout_s);
	gate_use(keeper->gate_fd, keeper->number %
		keeper->settings->auth.concurrent_checks);
	ssize_t bytes = wire_receive_any(keeper->worker_fd, &attempt,
		sizeof(attempt));
	if (bytes < 0)
		_exit(errno == EPIPE ? KEEPER_EXIT_ABANDONED :
			KEEPER_EXIT_BAD_RECORD);
	if (bytes == sizeof(attempt.auth) && attempt.kind == WIRE_AUTH)
		check_password(keeper, &attempt.auth, login);
	else if (is_exchange(&attempt.sasl, (size_t)bytes) &&
			may_begin(keeper, &attempt.sasl))
		exchange(keeper, &attempt.sasl, login);
	else
		_exit(KEEPER_EXIT_BAD_RECORD);
	explicit_bzero(&attempt, sizeof(attempt));
	close(keeper->gate_fd);
	close(keeper->penalty.report_fd);
}
