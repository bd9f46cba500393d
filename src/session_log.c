/*
 * session_log.c - one line per session
 *
 * Runs in: the master.  Distrusts: the report of a worker.
 */
#include "config.h"

#include "session_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "log.h"

/* "-" for nothing, and no character that could forge a field. */
static void clean(const char *text, size_t bytes, char safe[LOG_NAME_BYTES])
{
	char copy[LOG_NAME_BYTES];

	snprintf(copy, sizeof(copy), "%.*s", (int)strnlen(text, bytes), text);
	log_name(copy[0] == '\0' ? "-" : copy, safe);
}

/* Words of a library, in a message of a worker: no field may be forged. */
static void clean_note(const struct wire_session *report,
	char note[sizeof(report->note) + 2])
{
	size_t count = strnlen(report->note, sizeof(report->note));

	note[0] = ' ';
	for (size_t i = 0; i < count; i++)
		note[i + 1] = strchr("=[],", report->note[i]) != NULL ? '?' :
			report->note[i];
	note[count > 0 ? count + 1 : 0] = '\0';
}

static double seconds_since(int64_t since_ms)
{
	return (double)(deadline_now_ms() - since_ms) / 1000;
}

void session_log(const struct pool_client *client,
	const struct wire_session *report)
{
	char user[LOG_NAME_BYTES], tls[LOG_NAME_BYTES];
	char cipher[LOG_NAME_BYTES];
	char note[sizeof(report->note) + 2];

	clean(report->user, sizeof(report->user), user);
	clean(report->tls, sizeof(report->tls), tls);
	clean(report->cipher, sizeof(report->cipher), cipher);
	clean_note(report, note);
	/*
	 * RFC 8996: nobody should have to speak these versions any more.  And
	 * a proxy looks every few seconds whether we are alive.
	 */
	(report->is_legacy_tls ? log_warning :
		client->is_proxy ? log_debug : log_info)(
		"session user=%s ip=[%s] listener=%s tls=%s cipher=%s "
		"retr=%u top=%u dele=%u expired=%u octets=%" PRIu64
		" seconds=%.2f end=%s%s%s", user, client->address,
		client->listener, tls, cipher, report->retr, report->top,
		report->removed, report->expired, report->octets_sent,
		seconds_since(client->since_ms),
		wire_end_name(report->end),
		note, report->is_legacy_tls ? " legacy-tls" : "");
}

void session_log_lost(const struct pool_client *client)
{
	log_info("session user=- ip=[%s] listener=%s tls=- cipher=- retr=- "
		"top=- dele=- expired=- octets=- seconds=%.2f end=worker-lost",
		client->address, client->listener,
		seconds_since(client->since_ms));
}
