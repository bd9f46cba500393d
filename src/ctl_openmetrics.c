/*
 * ctl_openmetrics.c - numbers of the server as OpenMetrics; pure
 *
 * Runs in: posternctl.
 */
#include "config.h"

#include "ctl_openmetrics.h"

#include <inttypes.h>

#include "ctl_text.h"

static void head(FILE *out, const char *name, const char *type,
	const char *help)
{
	fprintf(out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void gauge(FILE *out, const char *name, const char *help, int64_t value)
{
	head(out, name, "gauge", help);
	fprintf(out, "%s %" PRId64 "\n", name, value);
}

static void sample(FILE *out, const char *name, const char *label,
	const char *value, uint64_t number)
{
	fprintf(out, "%s{%s=", name, label);
	text_label(out, value);
	fprintf(out, "} %" PRIu64 "\n", number);
}

static void write_gauges(FILE *out, const struct control_stats *stats)
{
	head(out, "postern_build", "gauge", "The version of the server.");
	sample(out, "postern_build", "version", stats->server, 1);
	head(out, "postern_sessions", "gauge", "Sessions that go on.");
	for (uint32_t i = 0; i < WIRE_STATES; i++)
		sample(out, "postern_sessions", "state", wire_state_name(i),
			stats->states[i]);
	head(out, "postern_workers", "gauge", "Processes that talk to clients "
		"or wait for one.");
	sample(out, "postern_workers", "state", "idle", stats->workers_idle);
	sample(out, "postern_workers", "state", "busy", stats->workers_busy);
	sample(out, "postern_workers", "state", "ending",
		stats->workers_ending);
	gauge(out, "postern_workers_max", "The setting pool.max.",
		stats->workers_max);
	gauge(out, "postern_keepers", "Processes that check a login or serve "
		"a Maildir.", stats->keepers);
	gauge(out, "postern_stopping", "1 if the server takes no more "
		"connections.", stats->is_stopping);
	gauge(out, "postern_start_time_seconds", "When the server was started, "
		"since the epoch.", stats->started_s);
	gauge(out, "postern_settings_time_seconds", "When its settings were "
		"read, since the epoch.", stats->settings_since_s);
}

static void write_family(FILE *out, const struct control_stats *stats,
	const struct counter_family *family)
{
	char name[64];

	head(out, family->name, "counter", family->help);
	snprintf(name, sizeof(name), "%s_total", family->name);
	for (uint32_t i = 0; i < family->count; i++) {
		uint64_t number = stats->counters.all[family->first + i];
		if (family->label != NULL)
			sample(out, name, family->label, family->value(i),
				number);
		else
			fprintf(out, "%s %" PRIu64 "\n", name, number);
	}
}

void openmetrics_write(FILE *out, const struct control_stats *stats)
{
	gauge(out, "postern_up", "1 if the server runs.", stats != NULL);
	if (stats != NULL) {
		write_gauges(out, stats);
		for (size_t i = 0; i < counter_family_count; i++)
			write_family(out, stats, &counter_families[i]);
	}
	fputs("# EOF\n", out);
}
