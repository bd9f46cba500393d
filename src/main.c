/*
 * main.c - options, how we were started, start
 *
 * Runs in: the master, before there is anything else.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "generation.h"
#include "inherit.h"
#include "listen.h"
#include "log.h"
#include "master.h"
#include "notify.h"
#include "settings.h"
#include "texts.h"
#include "upgrade.h"

#define DEFAULT_CONFIG SYSCONFDIR "/postern/postern.conf"

/* What the manual says of wrong options. */
#define EXIT_USAGE 2

enum mode { MODE_SERVE, MODE_CHECK, MODE_PRINT };

struct options {
	enum mode mode;
	const char *config_path;	/* NULL: the built-in defaults */
	bool is_inetd;
	const char *inetd_listener;	/* NULL: by the local port */
};

static const char usage[] =
"Usage: postern [--config FILE] [--inetd[=LISTENER]]\n"
"       postern [--config FILE] --check-config | --print-config\n"
"\n"
"Serve POP3 from Maildirs, in the foreground.\n"
"\n"
"  -c, --config FILE       read settings from FILE (default: " DEFAULT_CONFIG
",\n"
"                          if it exists, else the built-in settings)\n"
"  -i, --inetd[=LISTENER]  serve the connection on standard input, by the\n"
"                          rules of the listen section LISTENER\n"
"  -t, --check-config      only say what is wrong with the settings\n"
"  -p, --print-config      print the settings in force\n"
"  -h, --help              print this text\n"
"  -V, --version           print the version\n"
"\n"
"SIGTERM: stop after the present sessions.  SIGINT: stop now.  SIGHUP: read\n"
"the settings and certificates again.  SIGUSR2: let a newly installed postern\n"
"take over.  See postern(8) and postern.conf(5).\n";

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "inetd", optional_argument, NULL, 'i' },
	{ "check-config", no_argument, NULL, 't' },
	{ "print-config", no_argument, NULL, 'p' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static _Noreturn void print_and_exit(const char *text)
{
	int status = fputs(text, stdout) < 0 || fflush(stdout) != 0;

	exit(status != 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static void take_option(struct options *options, int letter)
{
	switch (letter) {
	case 'c':
		options->config_path = optarg;
		break;
	case 'i':
		options->is_inetd = true;
		options->inetd_listener = optarg;
		break;
	case 't':
		options->mode = MODE_CHECK;
		break;
	case 'p':
		options->mode = MODE_PRINT;
		break;
	case 'h':
		print_and_exit(usage);
	case 'V':
		print_and_exit("postern " PACKAGE_VERSION "\n");
	default:
		fputs("Try 'postern --help'.\n", stderr);
		exit(EXIT_USAGE);
	}
}

static void read_options(struct options *options, int argc, char **argv)
{
	int letter;

	*options = (struct options){ .mode = MODE_SERVE };
	if (access(DEFAULT_CONFIG, F_OK) == 0)
		options->config_path = DEFAULT_CONFIG;
	while ((letter = getopt_long(argc, argv, "c:i::tphV", long_options,
			NULL)) != -1)
		take_option(options, letter);
	if (optind < argc) {
		fprintf(stderr, "postern: '%s' is no option\n",
			argv[optind]);
		take_option(options, '?');
	}
}

/* Whether the settings, and the users, certificates and keys are good. */
static int check(const struct options *options)
{
	struct generation generation;
	struct settings *settings = settings_load(options->config_path,
		stderr);

	if (settings == NULL || generation_begin(&generation, settings,
			confine_empty_directory()) < 0)
		return EXIT_FAILURE;
	generation_end(&generation);
	/* The signer was started to see whether it can. */
	while (waitpid(-1, NULL, 0) > 0)
		;
	printf("%s: good\n", options->config_path != NULL ?
		options->config_path : "built-in settings");
	return EXIT_SUCCESS;
}

/* Load the settings; what is wrong with them is logged. */
static struct settings *load(const char *path)
{
	char *text = NULL;
	size_t bytes;
	FILE *errors = open_memstream(&text, &bytes);

	if (errors == NULL)
		return NULL;
	struct settings *settings = settings_load(path, errors);
	if (fclose(errors) == 0)
		log_error_lines(text);
	free(text);
	return settings;
}

/*
 * Find the one connection that inetd or its like passed.  From here on nothing
 * that we print can reach the client.
 */
static int find_connection(const struct options *options, int socket_count,
	int *connection_fd)
{
	if (!options->is_inetd && (socket_count > 0 || !inherit_is_inetd()))
		return 0;
	*connection_fd = inherit_connection();
	log_open(LOG_TARGET_AUTO, LOG_LEVEL_INFO);
	return *connection_fd < 0 ? -1 : 0;
}

/* Take what was passed, if anything, with the settings. */
static int take_sockets(struct master_start *start,
	const struct options *options, int count, const char *names)
{
	const char *name = options->inetd_listener;

	if (name != NULL && !listen_has_section(start->settings, name)) {
		log_error("there is no listen section \"%s\"", name);
		return -1;
	}
	if (start->connection_fd < 0 && count > 0 &&
			inherit_listeners(&start->listeners, start->settings,
				count, names, &start->connection_fd) < 0)
		return -1;
	if (start->connection_fd >= 0)
		start->connection_section = listen_section(start->settings,
			name != NULL ? name : names, start->connection_fd);
	return 0;
}

static int serve(const struct options *options)
{
	struct master_start start = {
		.config_path = options->config_path,
		.connection_fd = -1,
	};
	char *names;
	int count = inherit_count(&names);

	if (find_connection(options, count, &start.connection_fd) < 0) {
		log_error("standard input is no connection: %s",
			strerror(errno));
		return EXIT_FAILURE;
	}
	start.settings = load(options->config_path);
	if (start.settings == NULL) {
		free(names);
		return EXIT_FAILURE;
	}
	log_open(start.settings->log_target, start.settings->log_level);
	texts_load();

	int status = take_sockets(&start, options, count, names);
	free(names);
	return status < 0 ? EXIT_FAILURE : master_run(&start);
}

static int print(const struct options *options)
{
	struct settings *settings = settings_load(options->config_path,
		stderr);

	if (settings == NULL)
		return EXIT_FAILURE;
	settings_print(settings, stdout);
	settings_free(settings);
	return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static int (*const run[])(const struct options *options) = {
		[MODE_SERVE] = serve,
		[MODE_CHECK] = check,
		[MODE_PRINT] = print,
	};
	struct options options;

	/* GnuTLS would write the keys of every session to that file. */
	(void)unsetenv("SSLKEYLOGFILE");
	/* A worker would look for the time zone's file, and see no files. */
	tzset();
	(void)umask(077);
	upgrade_note_start(argv);
	notify_begin();
	read_options(&options, argc, argv);
	return run[options.mode](&options);
}
