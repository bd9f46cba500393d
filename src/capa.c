/*
 * capa.c - what we can do, truthfully in both states
 *
 * Runs in: a worker.
 */
#include "config.h"

#include "capa.h"

/*
 * After how many days messages go, at the earliest.  All users have the same
 * rules, so it is true before the login, too.  RFC 2449 section 6.7.
 */
static void write_expire(struct session *session)
{
	const struct mailbox_settings *mailbox = &session->settings->mailbox;
	uint32_t days = mailbox->expire_days;

	if (days == 0 || (mailbox->expire_retrieved_days > 0 &&
			mailbox->expire_retrieved_days < days))
		days = mailbox->expire_retrieved_days;
	if (days == 0)
		pop3_line(session, "EXPIRE NEVER");
	else
		pop3_line(session, "EXPIRE %u", days);
}

/*
 * RFC 2449 section 3: what is announced before the login must be announced
 * after it, too; only STLS is over then.
 */
static const struct capability {
	const char *line;				/* NULL: written */
	bool (*is_true)(const struct session *session);	/* NULL: always */
	bool is_over_after_login;
	void (*write)(struct session *session);
} capabilities[] = {
	{ .line = "TOP" },
	{ .line = "UIDL" },
	{ .line = "RESP-CODES" },
	{ .line = "AUTH-RESP-CODE" },
	{ .line = "PIPELINING" },
	{ .write = write_expire },
	{ .line = "USER", .is_true = capa_has_user },
	{ .line = "STLS", .is_true = capa_has_stls,
		.is_over_after_login = true },
	{ .line = "IMPLEMENTATION Postern" },
};

#define CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

static void write_capability(struct session *session,
	const struct capability *capability)
{
	if (capability->write != NULL)
		capability->write(session);
	else if (capability->is_true == NULL || capability->is_true(session))
		pop3_line(session, "%s", capability->line);
}

bool capa_has_stls(const struct session *session)
{
	return session->listener->tls == TLS_STARTTLS &&
		session->tls_context != NULL && session->stream.tls == NULL;
}

bool capa_has_user(const struct session *session)
{
	switch (session->rules->cleartext) {
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
