/*
 * ctl_link.h - how posternctl asks the server
 */
#ifndef POSTERN_CTL_LINK_H
#define POSTERN_CTL_LINK_H

#include <stdbool.h>
#include <stdio.h>

#include "control_wire.h"

/* What the sub-commands that ask the server have in common. */
struct link_options {
	const char *config_path;	/* NULL: not given */
	const char *socket_path;	/* NULL: as the settings say */
	bool is_json;
};

#define LINK_LETTERS "c:s:jh"
#define LINK_LONG_OPTIONS \
	{ "config", required_argument, NULL, 'c' }, \
	{ "socket", required_argument, NULL, 's' }, \
	{ "json", no_argument, NULL, 'j' }, \
	{ "help", no_argument, NULL, 'h' }
#define LINK_USAGE \
"  -c, --config FILE   the settings that name the server's control socket\n" \
"                      (default: " CTL_CONFIG ")\n" \
"  -s, --socket PATH   that socket\n"
#define LINK_USAGE_REST \
"  -j, --json          print JSON\n" \
"  -h, --help          print this text\n"

/*
 * Take the option 'letter' with its argument.  Returns -1 to go on, or an exit
 * code after the text 'usage' was printed.
 */
int link_take(struct link_options *options, int letter, const char *argument,
	const char *usage);

/* All options, if there are no others, and no arguments.  Returns as above. */
int link_take_all(struct link_options *options, int argc, char *argv[],
	const char *usage);

/* What comes back. */
struct link_answer {
	struct control_session *sessions;	/* freed by the caller */
	size_t session_count;
	struct control_stats stats;
	bool has_stats;
	struct control_end end;
};

/*
 * Ask the server and wait for the whole answer.
 *
 * is_quiet: say nothing if there is no server.  Returns CTL_DONE if it did as
 * asked, CTL_NO_SERVER, or CTL_FAILED; all but the first said why on standard
 * error, and if end.kind is not 0, the server's answer is there.
 */
int link_ask(const struct link_options *options, bool is_quiet,
	const struct control_request *request, struct link_answer *answer);

/* Flush standard output.  Returns 'code', or CTL_FAILED, and said why. */
int link_finish(int code);

#endif
