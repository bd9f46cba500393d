/*
 * auth_offer.c - connect to a Dovecot, and hear what mechanisms it offers
 *
 * Owns: the greetings of Dovecot's authentication protocol 1.2.  Runs in: a
 * keeper, usually as root.  Distrusts: the server.
 */
#include "config.h"

#include "auth_offer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "tabbed.h"

#define VERSION_MAJOR "1"
#define GREETING "VERSION\t" VERSION_MAJOR "\t2\nCPID\t%ld\n"

/* A greeting has a line for each mechanism, of which some twenty exist. */
#define MOST_LINES 200
#define MECHANISM_OCTETS 20	/* RFC 4422 section 3.1 */

/* What of MECH's parameters makes a mechanism one that is not relayed. */
static const char *const unfit[] = { "private", "anonymous",
	"channel-binding" };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool is_mechanism(const char *name)
{
	static const char octets[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t count = strspn(name, octets);

	return count > 0 && count <= MECHANISM_OCTETS && name[count] == '\0';
}

static bool is_fit(const struct tabbed *line)
{
	const char *name = line->fields[1], *end = strrchr(name, '-');

	for (size_t i = 0; i < COUNT_OF(unfit); i++)
		if (tabbed_find(line, 2, unfit[i]) != NULL)
			return false;
	return is_mechanism(name) && (end == NULL || strcmp(end, "-PLUS") != 0);
}

static void add_mechanism(struct tabbed_line *list, const char *name)
{
	size_t needed = strlen(name) + (list->used > 0);

	if (list->used + needed >= list->room)
		return;
	if (list->used > 0)
		tabbed_add(list, " ");
	tabbed_add(list, name);
}

/* Read the server's greeting up to DONE.  Returns NULL, or what is wrong. */
static const char *read_greeting(struct auth_socket *talk,
	struct tabbed_line *list, int64_t deadline_ms)
{
	bool has_version = false;

	for (int i = 0; i < MOST_LINES; i++) {
		char *text = auth_socket_line(talk, deadline_ms);
		struct tabbed line;

		if (text == NULL)
			return auth_socket_why(errno);
		if (!tabbed_split(text, &line))
			return auth_socket_why(EBADMSG);
		if (strcmp(line.fields[0], "DONE") == 0)
			return has_version ? NULL : "it told no version";
		if (line.count < 2)
			continue;
		if (strcmp(line.fields[0], "VERSION") == 0) {
			if (strcmp(line.fields[1], VERSION_MAJOR) != 0)
				return "it speaks another version of the "
					"protocol than 1";
			has_version = true;
		} else if (strcmp(line.fields[0], "MECH") == 0 &&
				is_fit(&line)) {
			add_mechanism(list, line.fields[1]);
		}
	}
	return "its greeting has no end";
}

int auth_offer_connect(const struct backend_settings *backend,
	struct auth_socket *talk, char *list, size_t room, int64_t deadline_ms)
{
	struct tabbed_line offered;
	const char *wrong;
	char greeting[64];

	tabbed_begin(&offered, list, room);
	if (auth_socket_open(talk, backend->path, deadline_ms) < 0) {
		auth_offer_log(backend, auth_socket_why(errno));
		return -1;
	}
	snprintf(greeting, sizeof(greeting), GREETING, (long)getpid());
	if (auth_socket_send(talk, greeting, deadline_ms) < 0)
		wrong = auth_socket_why(errno);
	else
		wrong = read_greeting(talk, &offered, deadline_ms);
	if (wrong == NULL)
		return 0;
	auth_offer_log(backend, wrong);
	auth_socket_close(talk);
	return -1;
}

bool auth_offer_has(const char *list, const char *name)
{
	size_t count = strlen(name);

	while (*list != '\0') {
		size_t word = strcspn(list, " ");

		if (word == count && memcmp(list, name, count) == 0)
			return true;
		list += word + (list[word] == ' ');
	}
	return false;
}

void auth_offer_log(const struct backend_settings *backend, const char *why)
{
	log_error("backend %s: %s: %s", backend->name, backend->path, why);
}
