/*
 * capa.c - what we can do, truthfully in both states
 *
 * Runs in: a worker.
 */
#include "config.h"

#include "capa.h"

/*
 * RFC 2449 section 3: what is announced before the login must be announced
 * after it, too; only STLS is over then.
 */
static const struct capability {
	const char *line;
	bool (*is_true)(const struct session *session);	/* NULL: always */
	bool is_over_after_login;
} capabilities[] = {
	{ "TOP", NULL, false },
	{ "UIDL", NULL, false },
	{ "RESP-CODES", NULL, false },
	{ "AUTH-RESP-CODE", NULL, false },
	{ "PIPELINING", NULL, false },
	{ "EXPIRE NEVER", NULL, false },
	{ "USER", capa_has_user, false },
	{ "STLS", capa_has_stls, true },
	{ "IMPLEMENTATION Postern", NULL, false },
};

#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

static void write_capability(struct session *session,
	const struct capability *capability)
{
	if (capability->is_true == NULL || capability->is_true(session))
		pop3_line(session, "%s", capability->line);
}

bool capa_has_stls(const struct session *session)
{
	return session->listener->tls == TLS_STARTTLS &&
		session->tls_context != NULL && session->stream.tls == NULL;
}

bool capa_has_user(const struct session *session)
{
	switch (session->settings->auth.cleartext) {
	case CLEARTEXT_ALWAYS:
		return true;
	case CLEARTEXT_TLS_ONLY:
		return session->stream.tls != NULL;
	default:
		return false;
	}
}

enum pop3_event capa_authorization(struct session *session,
	const struct pop3_request *request)
{
	(void)request;
	pop3_ok(session, "capability list follows");
	for (size_t i = 0; i < CAPABILITIES; i++)
		write_capability(session, &capabilities[i]);
	return pop3_end_of_lines(session);
}

enum pop3_event capa_transaction(struct session *session,
	const struct pop3_request *request)
{
	(void)request;
	pop3_ok(session, "capability list follows");
	for (size_t i = 0; i < CAPABILITIES; i++)
		if (!capabilities[i].is_over_after_login)
			write_capability(session, &capabilities[i]);
	return pop3_end_of_lines(session);
}
