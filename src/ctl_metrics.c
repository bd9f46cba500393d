/*
 * ctl_metrics.c - posternctl metrics: numbers for Prometheus
 *
 * Runs as: root, or a member of the server's group.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_http.h"
#include "ctl_link.h"
#include "ctl_openmetrics.h"

static const char usage[] =
"Usage: posternctl metrics [--config FILE | --socket PATH]\n"
"                          [--output FILE | --http]\n"
"\n"
"Print what posternctl stats shows as OpenMetrics.\n"
"\n"
LINK_USAGE
"  -o, --output FILE   replace FILE by it, as a whole: for the textfile\n"
"                      folder of node_exporter\n"
"      --http          answer one GET /metrics on standard input, for a\n"
"                      socket of systemd with Accept=yes\n"
"  -h, --help          print this text\n"
"\n"
"If no server is running that is told, too: postern_up is 0.\n";

#define LETTER_HTTP 1000

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, 's' },
	{ "output", required_argument, NULL, 'o' },
	{ "http", no_argument, NULL, LETTER_HTTP },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct options {
	struct link_options link;
	const char *output;	/* NULL: standard output */
	bool is_http;
};

static int take_options(int argc, char *argv[], struct options *options)
{
	int letter, code;

	while ((letter = getopt_long(argc, argv, "c:s:o:h", long_options,
			NULL)) != -1) {
		code = -1;
		if (letter == 'o')
			options->output = optarg;
		else if (letter == LETTER_HTTP)
			options->is_http = true;
		else
			code = link_take(&options->link, letter, optarg,
				usage);
		if (code >= 0)
			return code;
	}
	if (optind != argc || (options->is_http && options->output != NULL))
		return ctl_misused(usage);
	return -1;
}

/* Write all of it into the new file 'fd', and close that. */
static int write_new(int fd, const char *text)
{
	FILE *out = fdopen(fd, "w");
	bool is_whole;

	if (out == NULL) {
		close(fd);
		return -1;
	}
	/* node_exporter has an account of its own. */
	is_whole = fchmod(fd, 0644) == 0 && fputs(text, out) >= 0;
	is_whole &= fclose(out) == 0;
	return is_whole ? 0 : -1;
}

/* Who reads 'path' sees the old text or the new one, never a part. */
static int replace(const char *path, const char *text)
{
	char *name;

	/* node_exporter reads what ends in ".prom" only. */
	if (asprintf(&name, "%s.XXXXXX", path) < 0) {
		ctl_say("out of memory");
		return CTL_FAILED;
	}
	int fd = mkostemp(name, O_CLOEXEC);
	int status = fd < 0 ? -1 : write_new(fd, text);
	if (status == 0)
		status = rename(name, path);
	if (status < 0) {
		ctl_say("%s: %s", path, strerror(errno));
		if (fd >= 0)
			(void)unlink(name);
	}
	free(name);
	return status < 0 ? CTL_FAILED : CTL_DONE;
}

/* The text, which the caller frees; NULL, and said why. */
static char *make_text(const struct control_stats *stats)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	bool is_whole = out != NULL;

	if (out != NULL) {
		openmetrics_write(out, stats);
		is_whole = !ferror(out);
		is_whole &= fclose(out) == 0;
	}
	if (is_whole)
		return text;
	ctl_say("out of memory");
	free(text);
	return NULL;
}

static int deliver(const struct options *options, enum http_request asked,
	const char *text)
{
	if (options->output != NULL)
		return replace(options->output, text);
	if (options->is_http)
		return http_answer(asked, OPENMETRICS_TYPE, text) ? CTL_DONE :
			CTL_FAILED;
	fputs(text, stdout);
	return link_finish(CTL_DONE);
}

/* 'code' is how asking the server went. */
static int tell(const struct options *options, enum http_request asked,
	int code, const struct control_stats *stats)
{
	char *text;
	int delivered = CTL_FAILED;

	if (code == CTL_FAILED && options->is_http)
		(void)http_answer(HTTP_NO_ANSWER, "", "");
	if (code == CTL_FAILED)
		return code;
	text = make_text(stats);
	if (text != NULL)
		delivered = deliver(options, asked, text);
	free(text);
	return delivered != CTL_DONE || options->is_http ? delivered : code;
}

int ctl_metrics(int argc, char *argv[])
{
	struct options options = { .output = NULL };
	struct control_request request = { .version = CONTROL_VERSION,
		.kind = CONTROL_STATS };
	struct link_answer answer;
	enum http_request asked = HTTP_GET;
	int code = take_options(argc, argv, &options);

	if (code >= 0)
		return code;
	if (options.is_http) {
		(void)signal(SIGPIPE, SIG_IGN);
		asked = http_read();
	}
	/* Who asks for nothing that we have needs no server for that. */
	if (asked != HTTP_GET && asked != HTTP_HEAD)
		return http_answer(asked, "", "") ? CTL_DONE : CTL_FAILED;
	code = link_ask(&options.link, options.is_http, &request, &answer);
	free(answer.sessions);
	if (code == CTL_DONE && !answer.has_stats)
		code = CTL_FAILED;
	return tell(&options, asked, code,
		code == CTL_DONE ? &answer.stats : NULL);
}
