/*
 * ctl_who.c - posternctl who: the sessions that go on
 *
 * Runs as: root, or a member of the server's group.  Distrusts: names, which
 * clients chose and workers told.
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <getopt.h>

#include "ctl.h"
#include "ctl_link.h"
#include "ctl_text.h"

static const char usage[] =
"Usage: posternctl who [--config FILE | --socket PATH] [--json]\n"
"\n"
"Show the sessions that go on: user, address, TLS, state, age, and octets\n"
"that were sent, which may be those of a second ago.\n"
"\n"
LINK_USAGE
LINK_USAGE_REST;

#define COLUMNS 6
#define CELL_BYTES 80

static const char *const titles[COLUMNS] = {
	"USER", "ADDRESS", "TLS", "STATE", "AGE", "OCTETS"
};

static const char *dash(const char *text)
{
	return *text != '\0' ? text : "-";
}

static const char *user_of(const struct control_session *session)
{
	return session->has_logged_in ? dash(session->user) : "-";
}

/* The cell of a column; where the text is not ours, it is printed escaped. */
static const char *cell(const struct control_session *session, int column,
	char room[CELL_BYTES])
{
	switch (column) {
	case 0:
		return user_of(session);
	case 1:
		return dash(session->address);
	case 2:
		return dash(session->tls);
	case 3:
		return wire_state_name(session->state);
	case 4:
		text_span(room, session->age_ms / 1000);
		return room;
	default:
		snprintf(room, CELL_BYTES, "%" PRIu64, session->octets_sent);
		return room;
	}
}

static void print_line(const struct control_session *session,
	const size_t widths[COLUMNS])
{
	char room[CELL_BYTES];

	for (int i = 0; i < COLUMNS; i++) {
		const char *text = session == NULL ? titles[i] :
			cell(session, i, room);
		/* Numbers and spans to the right, and no blanks at the end. */
		int pad = (int)(widths[i] - text_plain(NULL, text));
		if (i >= 4)
			printf("%*s", pad, "");
		text_plain(stdout, text);
		if (i < 4)
			printf("%*s", pad, "");
		if (i < COLUMNS - 1)
			fputs("  ", stdout);
	}
	putchar('\n');
}

static void print_table(const struct link_answer *answer)
{
	size_t widths[COLUMNS];
	char room[CELL_BYTES];

	for (int i = 0; i < COLUMNS; i++)
		widths[i] = strlen(titles[i]);
	for (size_t s = 0; s < answer->session_count; s++)
		for (int i = 0; i < COLUMNS; i++) {
			size_t width = text_plain(NULL,
				cell(&answer->sessions[s], i, room));
			if (width > widths[i])
				widths[i] = width;
		}
	print_line(NULL, widths);
	for (size_t s = 0; s < answer->session_count; s++)
		print_line(&answer->sessions[s], widths);
}

static void print_member(const char *name, const char *text)
{
	printf(", \"%s\": ", name);
	if (text == NULL)
		fputs("null", stdout);
	else
		text_json(stdout, text);
}

static const char *or_null(const char *text)
{
	return *text != '\0' ? text : NULL;
}

static const char *mechanism_of(const struct control_session *session)
{
	if (!session->has_logged_in)
		return NULL;
	return session->mechanism < MECHANISMS ?
		mechanism_name((enum mechanism)session->mechanism) : "PASS";
}

static void print_object(const struct control_session *session)
{
	printf("  {\"pid\": %" PRIu32, session->pid);
	print_member("user", session->has_logged_in ? session->user : NULL);
	print_member("address", or_null(session->address));
	printf(", \"port\": %" PRIu32, session->port);
	print_member("listener", session->listener);
	print_member("tls", or_null(session->tls));
	print_member("cipher", or_null(session->cipher));
	print_member("mechanism", mechanism_of(session));
	print_member("state", wire_state_name(session->state));
	printf(", \"age\": %" PRId64 ".%03d, \"octets\": %" PRIu64 "}",
		session->age_ms / 1000, (int)(session->age_ms % 1000),
		session->octets_sent);
}

static void print_json(const struct link_answer *answer)
{
	const char *between = "\n";

	putchar('[');
	for (size_t i = 0; i < answer->session_count; i++) {
		fputs(between, stdout);
		print_object(&answer->sessions[i]);
		between = ",\n";
	}
	puts(answer->session_count > 0 ? "\n]" : "]");
}

/* Those with a name first, by it; then by age. */
static int compare(const void *one, const void *other)
{
	const struct control_session *a = one, *b = other;
	int order = (int)b->has_logged_in - (int)a->has_logged_in;

	if (order == 0)
		order = strcmp(a->user, b->user);
	if (order == 0)
		order = (b->age_ms > a->age_ms) - (b->age_ms < a->age_ms);
	return order;
}

int ctl_who(int argc, char *argv[])
{
	struct link_options options = { NULL, NULL, false };
	struct control_request request = { .version = CONTROL_VERSION,
		.kind = CONTROL_WHO };
	struct link_answer answer;
	int code = link_take_all(&options, argc, argv, usage);

	if (code >= 0)
		return code;
	code = link_ask(&options, false, &request, &answer);
	if (code == CTL_DONE) {
		if (answer.session_count > 0)
			qsort(answer.sessions, answer.session_count,
				sizeof(*answer.sessions), compare);
		(options.is_json ? print_json : print_table)(&answer);
	}
	free(answer.sessions);
	return link_finish(code);
}
