/*
 * ctl_orders.c - posternctl kick, reload, stop: what the server shall do
 *
 * Runs as: root, or a member of the server's group.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "ctl_link.h"
#include "ctl_text.h"

static const char kick_usage[] =
"Usage: posternctl kick [--config FILE | --socket PATH] [--json] "
"USER|ADDRESS\n"
"\n"
"End the sessions of USER, or from ADDRESS, which may be a network such as\n"
"192.0.2.0/24.  Nothing is removed, unless the client had said QUIT before.\n"
"\n"
LINK_USAGE
LINK_USAGE_REST
"\n"
"Exit code 4: there was no such session.\n";

static const char reload_usage[] =
"Usage: posternctl reload [--config FILE | --socket PATH] [--json]\n"
"\n"
"Let the server read its settings and certificates again, and tell whether it\n"
"took them.  No session ends.\n"
"\n"
LINK_USAGE
LINK_USAGE_REST;

static const char stop_usage[] =
"Usage: posternctl stop [--config FILE | --socket PATH] [--json] [--now]\n"
"\n"
"Let the server take no more connections, and end when its sessions are over.\n"
"\n"
LINK_USAGE
"  -n, --now           end the sessions, too; none of them removes anything\n"
LINK_USAGE_REST;

static struct control_request request_of(uint32_t kind)
{
	return (struct control_request){ .version = CONTROL_VERSION,
		.kind = kind };
}

static int take_kick(struct link_options *options, int argc, char *argv[],
	struct control_request *request)
{
	static const struct option long_options[] = {
		LINK_LONG_OPTIONS, { NULL, 0, NULL, 0 },
	};
	int letter, code;

	while ((letter = getopt_long(argc, argv, LINK_LETTERS, long_options,
			NULL)) != -1) {
		code = link_take(options, letter, optarg, kick_usage);
		if (code >= 0)
			return code;
	}
	if (optind + 1 != argc || *argv[optind] == '\0' ||
			strlen(argv[optind]) >= sizeof(request->what))
		return ctl_misused(kick_usage);
	snprintf(request->what, sizeof(request->what), "%s", argv[optind]);
	return -1;
}

int ctl_kick(int argc, char *argv[])
{
	struct link_options options = { NULL, NULL, false };
	struct control_request request = request_of(CONTROL_KICK);
	struct link_answer answer;
	int code = take_kick(&options, argc, argv, &request);

	if (code >= 0)
		return code;
	code = link_ask(&options, false, &request, &answer);
	free(answer.sessions);
	if (code != CTL_DONE)
		return code;
	if (options.is_json)
		printf("{\"kicked\": %" PRIu32 "}\n", answer.end.count);
	else if (answer.end.count > 0)
		printf("%" PRIu32 " %s kicked\n", answer.end.count,
			answer.end.count == 1 ? "session" : "sessions");
	else
		ctl_say("there is no such session");
	return link_finish(answer.end.count > 0 ? CTL_DONE : CTL_NOBODY);
}

/* A list of the lines that the server logged. */
static void print_lines(char *text)
{
	const char *between = "";
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		fputs(between, stdout);
		text_json(stdout, line);
		between = ", ";
	}
}

int ctl_reload(int argc, char *argv[])
{
	struct link_options options = { NULL, NULL, false };
	struct control_request request = request_of(CONTROL_RELOAD);
	struct link_answer answer;
	int code = link_take_all(&options, argc, argv, reload_usage);

	if (code >= 0)
		return code;
	code = link_ask(&options, false, &request, &answer);
	free(answer.sessions);
	if (answer.end.kind == 0)
		return code;
	if (options.is_json) {
		printf("{\"reloaded\": %s, \"messages\": [",
			code == CTL_DONE ? "true" : "false");
		print_lines(answer.end.text);
		puts("]}");
	} else {
		fputs(answer.end.text, stderr);
		if (answer.end.error == ESHUTDOWN)
			ctl_say("not reloaded: the server is stopping");
		else if (code != CTL_DONE)
			ctl_say("not reloaded: the old settings stay in "
				"force");
		else
			puts("reloaded");
	}
	return link_finish(code);
}

static int take_stop(struct link_options *options, int argc, char *argv[],
	struct control_request *request)
{
	static const struct option long_options[] = {
		LINK_LONG_OPTIONS, { "now", no_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	int letter;

	while ((letter = getopt_long(argc, argv, LINK_LETTERS "n",
			long_options, NULL)) != -1) {
		int code = -1;
		if (letter == 'n')
			request->kind = CONTROL_STOP_NOW;
		else
			code = link_take(options, letter, optarg, stop_usage);
		if (code >= 0)
			return code;
	}
	return optind == argc ? -1 : ctl_misused(stop_usage);
}

int ctl_stop(int argc, char *argv[])
{
	struct link_options options = { NULL, NULL, false };
	struct control_request request = request_of(CONTROL_STOP);
	struct link_answer answer;
	int code = take_stop(&options, argc, argv, &request);

	if (code >= 0)
		return code;
	code = link_ask(&options, false, &request, &answer);
	free(answer.sessions);
	if (code != CTL_DONE)
		return code;
	bool is_now = request.kind == CONTROL_STOP_NOW;
	if (options.is_json)
		printf("{\"stopping\": true, \"sessions\": %" PRIu32 "}\n",
			answer.end.count);
	else
		printf("stopping: %" PRIu32 " %s %s\n", answer.end.count,
			answer.end.count == 1 ? "session" : "sessions",
			is_now ? "ended" : "still open");
	return link_finish(code);
}
