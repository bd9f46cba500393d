/*
 * counters.c - what has happened since the start, in numbers
 *
 * Pure.  Runs in: the master, and posternctl.
 */
#include "config.h"

#include "counters.h"

#include <string.h>

static const char *const tls_names[COUNT_TLS_KINDS] = {
	[COUNT_TLS_NONE] = "none", [COUNT_TLS_1_0] = "TLS1.0",
	[COUNT_TLS_1_1] = "TLS1.1", [COUNT_TLS_1_2] = "TLS1.2",
	[COUNT_TLS_1_3] = "TLS1.3", [COUNT_TLS_OTHER] = "other",
};

static const char *tls_name(uint32_t which)
{
	return tls_names[which];
}

static const char *login_name(uint32_t which)
{
	return which < MECHANISMS ? mechanism_name((enum mechanism)which) :
		"PASS";
}

static const char *refusal_name(uint32_t which)
{
	static const char *const names[] = { "per-address", "failures",
		"busy" };

	return names[which];
}

static const char *reload_name(uint32_t which)
{
	return which == 0 ? "done" : "refused";
}

const struct counter_family counter_families[] = {
	{ "postern_connections", "Connections that were accepted.",
		"connections", COUNT_CONNECTIONS, 1, NULL, NULL },
	{ "postern_refusals", "Connections and logins that were refused "
		"before a password was looked at.",
		"refused", COUNT_REFUSED_ADDRESS, 3, "reason", refusal_name },
	{ "postern_logins", "Logins, by SASL mechanism; PASS: USER and PASS.",
		"logins", COUNT_LOGINS, COUNT_MECHANISMS, "mechanism",
		login_name },
	{ "postern_login_failures", "Logins with a wrong name or password.",
		"failed logins", COUNT_LOGINS_DENIED, 1, NULL, NULL },
	{ "postern_ended_sessions", "Sessions that are over, by how they "
		"ended.",
		"sessions ended", COUNT_SESSIONS, WIRE_ENDS, "end",
		wire_end_name },
	{ "postern_session_tls", "Sessions that are over, by TLS version.",
		"sessions by TLS", COUNT_TLS, COUNT_TLS_KINDS, "version",
		tls_name },
	{ "postern_lost_workers", "Sessions whose worker told no end.",
		"lost workers", COUNT_WORKERS_LOST, 1, NULL, NULL },
	{ "postern_killed_workers", "Workers that died of a signal.",
		"killed workers", COUNT_WORKERS_KILLED, 1, NULL, NULL },
	{ "postern_sent_octets", "Octets of POP3 that were sent, in sessions "
		"that are over.",
		"octets sent", COUNT_OCTETS_SENT, 1, NULL, NULL },
	{ "postern_retrieved_messages", "Messages that RETR sent.",
		"messages retrieved", COUNT_RETR, 1, NULL, NULL },
	{ "postern_previewed_messages", "Messages that TOP sent.",
		"messages previewed", COUNT_TOP, 1, NULL, NULL },
	{ "postern_removed_messages", "Messages that clients removed.",
		"messages removed", COUNT_REMOVED, 1, NULL, NULL },
	{ "postern_expired_messages", "Messages that expired.",
		"messages expired", COUNT_EXPIRED, 1, NULL, NULL },
	{ "postern_reloads", "Times that the settings were read again.",
		"reloads", COUNT_RELOADS_DONE, 2, "result", reload_name },
};
const size_t counter_family_count =
	sizeof(counter_families) / sizeof(counter_families[0]);

void counters_add(struct counters *counters, uint32_t which)
{
	counters->all[which]++;
}

enum count_tls counters_tls(const char *name)
{
	if (*name == '\0')
		return COUNT_TLS_NONE;
	for (int i = COUNT_TLS_1_0; i < COUNT_TLS_OTHER; i++)
		if (strcmp(name, tls_names[i]) == 0)
			return (enum count_tls)i;
	return COUNT_TLS_OTHER;
}
