/*
 * exchange.c - AUTH: what client and keeper say to each other, relayed
 *
 * Runs in: a worker.  Distrusts: the client.  Never: looks into a response.
 */
#include "config.h"

#include "exchange.h"

#include <stdio.h>
#include <string.h>

#include "capa.h"
#include "deadline.h"

/* RFC 4422 section 3.1: a name has at most 20 octets. */
#define NAME_OCTETS 20

#define BOUND (UINT32_C(1) << MECHANISM_SCRAM_SHA_256_PLUS | \
	UINT32_C(1) << MECHANISM_SCRAM_SHA_1_PLUS)

/* Apart: too large for a stack, and touched by few sessions. */
static struct wire_sasl begin;
static struct wire_step step;

static bool is_base64(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t count = strspn(text, letters);

	return strspn(text + count, "=") == strlen(text + count) &&
		strlen(text + count) <= 2;
}

/* Let the keeper begin.  Returns as exchange_run(), or CHALLENGE. */
static int begin_exchange(struct session *session, int keeper_fd,
	const struct exchange_request *request,
	char challenge[WIRE_IMAGE_BYTES])
{
	const struct tls *tls = capa_clients_tls(session);
	const char *client_name = tls == NULL ? NULL : tls_client_name(tls);
	int status;

	begin.kind = WIRE_SASL;
	begin.mechanism = request->mechanism;
	begin.has_tls = capa_is_secure(session);
	/* Only if a mechanism bound by it was offered: see wire.h. */
	begin.has_binding = (capa_mechanisms(session) & BOUND) != 0 &&
		tls_channel_binding(tls, begin.binding) == 0;
	snprintf(begin.client_name, sizeof(begin.client_name), "%s",
		client_name == NULL ? "" : client_name);
	begin.has_response = request->response != NULL;
	snprintf(begin.response, sizeof(begin.response), "%s",
		request->response == NULL ? "" : request->response);
	status = mailbox_exchange(&session->mailbox, keeper_fd, &begin,
		challenge, exchange_deadline_ms(session));
	explicit_bzero(&begin, sizeof(begin));
	return status;
}

/* Ask the client, and the keeper what it thinks of the response. */
static int go_on(struct session *session, const struct pop3_state *state,
	char challenge[WIRE_IMAGE_BYTES])
{
	int status = EXCHANGE_CANCELLED;
	enum line_event line;

	pop3_challenge(session, challenge);
	line = pop3_read_response(session, state, step.response,
		sizeof(step.response));
	if (line == LINE_MORE)
		status = EXCHANGE_LOST;
	else if (line != LINE_COMPLETE || !is_base64(step.response))
		status = strcmp(step.response, "*") == 0 &&
			line == LINE_COMPLETE ? EXCHANGE_CANCELLED :
			WIRE_LOGIN_MALFORMED;
	else {
		step.kind = WIRE_STEP;
		status = mailbox_step(&session->mailbox, &step, challenge,
			exchange_deadline_ms(session));
	}
	explicit_bzero(&step, sizeof(step));
	return status;
}

int exchange_parse(const char *text, struct exchange_request *request)
{
	char name[NAME_OCTETS + 1];
	size_t count = strcspn(text, " ");
	const char *response = text[count] == ' ' ? text + count + 1 : NULL;

	if (count == 0 || count > NAME_OCTETS)
		return -1;
	memcpy(name, text, count);
	name[count] = '\0';
	request->mechanism = mechanism_find(name);
	/* RFC 5034 section 4: '=' is an empty one, and none is no response. */
	request->response = response != NULL && strcmp(response, "=") == 0 ?
		"" : response;
	return response == NULL || strcmp(response, "=") == 0 ||
		(*response != '\0' && is_base64(response)) ? 0 : -1;
}

int64_t exchange_deadline_ms(const struct session *session)
{
	int64_t login_ms = session->stream.deadline_ms;
	int64_t open_ms = deadline_in_s(
		session->rules->idle_timeout_s);

	return open_ms > login_ms ? open_ms : login_ms;
}

int exchange_run(struct session *session, const struct pop3_state *state,
	int keeper_fd, const struct exchange_request *request)
{
	char challenge[WIRE_IMAGE_BYTES];
	int status = begin_exchange(session, keeper_fd, request, challenge);

	while (status == WIRE_LOGIN_CHALLENGE) {
		status = go_on(session, state, challenge);
		/* The keeper waits for a response that does not come. */
		if (status == EXCHANGE_CANCELLED || status == EXCHANGE_LOST ||
				status == WIRE_LOGIN_MALFORMED)
			mailbox_end(&session->mailbox);
	}
	return status;
}
