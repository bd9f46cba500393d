/*
 * ctl_stats.c - posternctl stats: what the server has done so far
 *
 * Runs as: root, or a member of the server's group.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include <getopt.h>

#include "ctl.h"
#include "ctl_link.h"
#include "ctl_text.h"

static const char usage[] =
"Usage: posternctl stats [--config FILE | --socket PATH] [--json]\n"
"\n"
"Show what the server does, and has done since its start.\n"
"\n"
LINK_USAGE
LINK_USAGE_REST;

/* The width of what stands before the numbers. */
#define TITLE_COLUMNS 20

static uint64_t number(const struct control_stats *stats,
	const struct counter_family *family, uint32_t which)
{
	return stats->counters.all[family->first + which];
}

static void print_when(const char *title, int64_t since_s, const char *more)
{
	char span[TEXT_SPAN_BYTES], date[64] = "?";
	time_t since = (time_t)since_s;
	struct tm local;

	if (localtime_r(&since, &local) != NULL)
		(void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &local);
	text_span(span, (int64_t)time(NULL) - since_s);
	printf("%-*s %s, %s ago%s\n", TITLE_COLUMNS, title, date, span, more);
}

static void print_sessions(const struct control_stats *stats)
{
	const char *between = " (";
	uint32_t all = 0;

	for (uint32_t i = 0; i < WIRE_STATES; i++)
		all += stats->states[i];
	printf("%-*s %" PRIu32, TITLE_COLUMNS, "sessions", all);
	for (uint32_t i = 0; i < WIRE_STATES; i++) {
		if (stats->states[i] == 0)
			continue;
		printf("%s%" PRIu32 " %s", between, stats->states[i],
			wire_state_name(i));
		between = ", ";
	}
	puts(all > 0 ? ")" : "");
}

/* The sum, and below it what is not 0 of it. */
static void print_family(const struct control_stats *stats,
	const struct counter_family *family)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < family->count; i++)
		sum += number(stats, family, i);
	printf("%-*s %" PRIu64 "\n", TITLE_COLUMNS, family->title, sum);
	for (uint32_t i = 0; family->label != NULL && i < family->count; i++)
		if (number(stats, family, i) > 0)
			printf("  %-*s %" PRIu64 "\n", TITLE_COLUMNS - 2,
				family->value(i), number(stats, family, i));
}

static void print_text(const struct control_stats *stats)
{
	char more[64];

	printf("%-*s ", TITLE_COLUMNS, "version");
	text_plain(stdout, stats->server);
	printf("%s\n", stats->is_stopping ? " (stopping)" : "");
	print_when("started", stats->started_s, "");
	snprintf(more, sizeof(more), " (%" PRIu32 " since the start)",
		stats->settings_read - 1);
	print_when("settings read", stats->settings_since_s,
		stats->settings_read > 1 ? more : "");
	print_sessions(stats);
	printf("%-*s %" PRIu32 " idle, %" PRIu32 " busy, %" PRIu32 " ending, "
		"at most %" PRIu32 "\n", TITLE_COLUMNS, "workers",
		stats->workers_idle, stats->workers_busy,
		stats->workers_ending, stats->workers_max);
	printf("%-*s %" PRIu32 "\n", TITLE_COLUMNS, "keepers",
		stats->keepers);
	for (size_t i = 0; i < counter_family_count; i++)
		print_family(stats, &counter_families[i]);
}

static void json_family(const struct control_stats *stats,
	const struct counter_family *family)
{
	const char *between = "";

	/* All their names begin alike. */
	text_json(stdout, family->name + sizeof("postern_") - 1);
	if (family->label == NULL) {
		printf(": %" PRIu64, number(stats, family, 0));
		return;
	}
	fputs(": {", stdout);
	for (uint32_t i = 0; i < family->count; i++) {
		fputs(between, stdout);
		text_json(stdout, family->value(i));
		printf(": %" PRIu64, number(stats, family, i));
		between = ", ";
	}
	putchar('}');
}

static void print_json(const struct control_stats *stats)
{
	fputs("{\"version\": ", stdout);
	text_json(stdout, stats->server);
	printf(",\n \"started\": %" PRId64 ", \"settings_read\": %" PRId64
		", \"settings_readings\": %" PRIu32 ", \"stopping\": %s,\n",
		stats->started_s, stats->settings_since_s,
		stats->settings_read, stats->is_stopping ? "true" : "false");
	fputs(" \"sessions\": {", stdout);
	for (uint32_t i = 0; i < WIRE_STATES; i++)
		printf("%s\"%s\": %" PRIu32, i == 0 ? "" : ", ",
			wire_state_name(i), stats->states[i]);
	printf("},\n \"workers\": {\"idle\": %" PRIu32 ", \"busy\": %" PRIu32
		", \"ending\": %" PRIu32 ", \"max\": %" PRIu32 "},\n"
		" \"keepers\": %" PRIu32, stats->workers_idle,
		stats->workers_busy, stats->workers_ending, stats->workers_max,
		stats->keepers);
	for (size_t i = 0; i < counter_family_count; i++) {
		fputs(",\n ", stdout);
		json_family(stats, &counter_families[i]);
	}
	puts("}");
}

int ctl_stats(int argc, char *argv[])
{
	struct link_options options = { NULL, NULL, false };
	struct control_request request = { .version = CONTROL_VERSION,
		.kind = CONTROL_STATS };
	struct link_answer answer;
	int code = link_take_all(&options, argc, argv, usage);

	if (code >= 0)
		return code;
	code = link_ask(&options, false, &request, &answer);
	free(answer.sessions);
	if (code != CTL_DONE || !answer.has_stats)
		return code == CTL_DONE ? CTL_FAILED : code;
	(options.is_json ? print_json : print_text)(&answer.stats);
	return link_finish(CTL_DONE);
}
