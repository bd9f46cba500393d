/*
 * presence.c - what workers tell the master of their sessions, for posternctl
 *
 * Runs in: the master.  Distrusts: every field of a worker's record.
 */
#include "config.h"

#include "presence.h"

#include <stdio.h>

#include "deadline.h"

/* Records in a session: a few at once, and then so many a second. */
#define TELLS_AT_ONCE 64
#define TELLS_A_SECOND 4

static bool is_too_often(const struct pool_client *client)
{
	int64_t age_s = (deadline_now_ms() - client->since_ms) / 1000;

	return client->presence.told >
		TELLS_AT_ONCE + TELLS_A_SECOND * age_s;
}

/* A string of a worker, which may lack its NUL. */
static void take(char *to, const char *from, size_t bytes)
{
	snprintf(to, bytes, "%.*s", (int)bytes - 1, from);
}

bool presence_note(struct master *master, struct pool_worker *worker,
	const struct wire_progress *progress)
{
	struct pool_presence *presence = &worker->client.presence;

	presence->told++;
	if (!worker->has_client || progress->state >= WIRE_STATES ||
			progress->mechanism > MECHANISMS ||
			is_too_often(&worker->client))
		return false;
	presence->state = progress->state;
	presence->octets_sent = progress->octets_sent;
	take(presence->user, progress->user, sizeof(presence->user));
	take(presence->tls, progress->tls, sizeof(presence->tls));
	take(presence->cipher, progress->cipher, sizeof(presence->cipher));
	if (progress->state >= WIRE_STATE_TRANSACTION &&
			!presence->has_logged_in) {
		presence->has_logged_in = true;
		presence->mechanism = progress->mechanism;
		counters_add(&master->counters,
			COUNT_LOGINS + progress->mechanism);
	}
	return true;
}

void presence_end(struct master *master, const struct pool_worker *worker,
	struct wire_session *report)
{
	uint64_t *all = master->counters.all;
	char tls[sizeof(report->tls)];

	if (worker->is_kicked && report->end == WIRE_END_STOPPED)
		report->end = WIRE_END_KICKED;
	take(tls, report->tls, sizeof(tls));
	counters_add(&master->counters, COUNT_TLS + counters_tls(tls));
	if (report->end < WIRE_ENDS)
		counters_add(&master->counters, COUNT_SESSIONS + report->end);
	all[COUNT_OCTETS_SENT] += report->octets_sent;
	all[COUNT_RETR] += report->retr;
	all[COUNT_TOP] += report->top;
	all[COUNT_REMOVED] += report->removed;
	all[COUNT_EXPIRED] += report->expired;
}

void presence_lost(struct master *master, const struct pool_worker *worker)
{
	uint64_t *all = master->counters.all;

	all[COUNT_WORKERS_LOST]++;
	all[COUNT_OCTETS_SENT] += worker->client.presence.octets_sent;
}
