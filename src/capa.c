/*
 * capa.c - what we can do, truthfully in both states
 *
 * Runs in: a worker.
 */
#include "config.h"

#include "capa.h"

#include <stdio.h>
#include <string.h>

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

/* RFC 5034 section 3. */
static void write_sasl(struct session *session)
{
	char line[256] = "SASL";
	size_t count = strlen(line);
	uint32_t mechanisms = capa_mechanisms(session);

	for (int i = 0; i < MECHANISMS; i++)
		if ((mechanisms & UINT32_C(1) << i) != 0)
			count += (size_t)snprintf(line + count,
				sizeof(line) - count, " %s",
				mechanism_name((enum mechanism)i));
	if (mechanisms != 0)
		pop3_line(session, "%s", line);
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
	{ .line = "UTF8 USER" },
	{ .line = "LANG" },
	{ .write = write_expire },
	{ .line = "USER", .is_true = capa_has_user },
	{ .write = write_sasl },
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
		session->tls_context != NULL && !capa_is_secure(session);
}

bool capa_is_secure(const struct session *session)
{
	return session->stream.tls != NULL || session->has_proxy_tls;
}

const struct tls *capa_clients_tls(const struct session *session)
{
	return session->has_proxy_tls ? NULL : session->stream.tls;
}

static bool may_cleartext(const struct session *session)
{
	return settings_may_cleartext(session->rules, capa_is_secure(session));
}

bool capa_has_user(const struct session *session)
{
	return (session->abilities & ABILITY_PASSWORD) != 0 &&
		may_cleartext(session);
}

bool capa_takes_user(const struct session *session)
{
	return capa_has_user(session) ||
		(session->abilities & ABILITY_CLEARTEXT) != 0;
}

uint32_t capa_mechanisms(const struct session *session)
{
	const struct tls *tls = capa_clients_tls(session);
	uint8_t binding[TLS_BINDING_OCTETS];
	const struct mechanism_channel channel = {
		.may_cleartext = may_cleartext(session),
		.has_binding = tls != NULL &&
			tls_channel_binding(tls, binding) == 0,
		.has_name = tls != NULL && tls_client_name(tls) != NULL,
	};
	uint32_t mechanisms = 0;

	for (int i = 0; i < MECHANISMS; i++)
		if (mechanism_can_work((enum mechanism)i, session->abilities,
				session->settings->auth.mechanisms, &channel))
			mechanisms |= UINT32_C(1) << i;
	return mechanisms;
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
