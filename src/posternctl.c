/*
 * posternctl.c - the administrator's tool: a table of sub-commands
 *
 * Runs as: whoever may do what the sub-command does, root as a rule.
 */
#include "config.h"

#include "ctl.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct command {
	const char *name;
	int (*run)(int argc, char *argv[]);
	const char *what;
} commands[] = {
	{ "who", ctl_who, "show the sessions that go on" },
	{ "kick", ctl_kick, "end sessions" },
	{ "stats", ctl_stats, "show what the server has done so far" },
	{ "metrics", ctl_metrics, "the same for Prometheus" },
	{ "reload", ctl_reload, "let the server read its settings again" },
	{ "stop", ctl_stop, "let the server end" },
	{ "passwd", ctl_passwd, "add or change a user of a passwd-file" },
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static int print_usage(FILE *out)
{
	fputs("Usage: posternctl COMMAND [ARGUMENT ...]\n\n", out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name,
			commands[i].what);
	fputs("\nposternctl COMMAND --help tells more.  "
		"See posternctl(8).\n", out);
	return out == stderr ? CTL_MISUSED : CTL_DONE;
}

int main(int argc, char *argv[])
{
	if (argc < 2)
		return print_usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return print_usage(stdout);
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts(PACKAGE_STRING);
		return CTL_DONE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	ctl_say("there is no command %s", argv[1]);
	return print_usage(stderr);
}
