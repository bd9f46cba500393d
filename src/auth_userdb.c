/*
 * auth_userdb.c - who a user of Dovecot is on this machine
 *
 * Owns: the master's side of Dovecot's authentication protocol, as far as
 * asking for a user goes.  Runs in: a keeper, usually as root.  Distrusts: the
 * server, beyond whom it names.
 */
#include "config.h"

#include "auth_userdb.h"

#include <errno.h>
#include <string.h>

#include "auth_account.h"
#include "auth_ends.h"
#include "auth_name.h"
#include "auth_identity.h"
#include "auth_socket.h"
#include "deadline.h"
#include "log.h"
#include "tabbed.h"

#define GREETING "VERSION\t1\t1\n"
#define ID "1"
#define REQUEST_BYTES 2048
#define MOST_GREETING_LINES 20
#define MAILDIR "maildir:"
#define INBOX ":INBOX="

static const char no_maildir[] = "its mail is in no Maildir, says the userdb";

/* What the userdb may say before its answer. */
static bool is_greeting(const struct tabbed *line)
{
	return strcmp(line->fields[0], "VERSION") == 0 ||
		strcmp(line->fields[0], "SPID") == 0;
}

/* Send the request and read the answer.  Returns NULL, or what is wrong. */
static const char *ask(struct auth_socket *talk, const char *request,
	struct tabbed *answer, int64_t deadline_ms)
{
	if (auth_socket_send(talk, request, deadline_ms) < 0)
		return auth_socket_why(errno);
	for (int i = 0; i < MOST_GREETING_LINES; i++) {
		char *text = auth_socket_line(talk, deadline_ms);

		if (text == NULL)
			return auth_socket_why(errno);
		if (!tabbed_split(text, answer) || answer->count < 2)
			return auth_socket_why(EBADMSG);
		if (!is_greeting(answer))
			return strcmp(answer->fields[1], ID) == 0 ? NULL :
				auth_socket_why(EBADMSG);
		if (strcmp(answer->fields[0], "VERSION") == 0 &&
				strcmp(answer->fields[1], "1") != 0)
			return "it speaks another version of the protocol "
				"than 1";
	}
	return "its greeting has no end";
}

static void make_request(const struct auth_attempt *attempt, const char *name,
	char request[REQUEST_BYTES])
{
	struct tabbed_line line;

	tabbed_begin(&line, request, REQUEST_BYTES);
	tabbed_add(&line, GREETING "USER\t" ID "\t");
	tabbed_add_escaped(&line, name);
	auth_ends_add(&line, attempt);
	tabbed_add(&line, "\n");
	if (line.is_full)
		bug("a request to a userdb has no room");
}

/* What a field says, or "" where there is none. */
static const char *said(const struct tabbed *answer, const char *name)
{
	const char *value = tabbed_find(answer, 3, name);

	return value != NULL ? value : "";
}

/* A home in a chroot of Dovecot's is no path for us. */
static const char *take_account(const struct backend_settings *backend,
	const struct tabbed *answer, struct auth_identity *identity)
{
	const struct auth_words words = {
		said(answer, "uid"), said(answer, "gid"), said(answer, "home"),
	};
	const char *wrong;

	if (*said(answer, "chroot") != '\0')
		return "the userdb wants a chroot, which is not supported";
	if (*words.home != '\0' && *words.home != '/')
		return "its home is not absolute";
	wrong = auth_identity_find(backend, &words, identity);
	if (wrong == NULL)
		identity->has_groups = account_is_system_user(identity->name,
			identity->uid);
	return wrong;
}

/* Only what auth_name_expand() knows may stand in a pattern. */
static bool is_pattern(const char *path)
{
	for (const char *sign = strchr(path, '%'); sign != NULL;
			sign = strchr(sign + 2, '%'))
		if (sign[1] == '\0' || strchr("undh%", sign[1]) == NULL)
			return false;
	return *path == '/' || strncmp(path, "~/", 2) == 0 ||
		strncmp(path, "%h", 2) == 0;
}

/* Take the path that ends at ':' or at the end. */
static const char *take_path(const char *path, struct auth_identity *identity)
{
	char pattern[AUTH_PATH_BYTES];
	size_t count = strcspn(path, ":");

	if (count >= sizeof(pattern))
		return "the path of its mail is too long";
	memcpy(pattern, path, count);
	pattern[count] = '\0';
	if (!is_pattern(pattern))
		return "the path of its mail is not absolute, or has a "
			"variable that is not known here";
	if (auth_name_expand(pattern, identity->name, identity->home,
			identity->maildir) < 0)
		return "the path of its mail is too long, or needs a home or "
			"a domain that it has not";
	return NULL;
}

/*
 * Take "maildir:/path:OPTION=...:INBOX=/path", of which the INBOX counts; other
 * options change nothing about it.  A mailbox in another form is none of ours:
 * to serve the usual Maildir then would show an empty one.
 */
static const char *take_mail(const char *mail, struct auth_identity *identity)
{
	const char *inbox = strstr(mail, INBOX);

	if (strncmp(mail, MAILDIR, strlen(MAILDIR)) != 0)
		return no_maildir;
	return take_path(inbox != NULL ? inbox + strlen(INBOX) :
		mail + strlen(MAILDIR), identity);
}

/* Dovecot 2.4 has a field for each part of it. */
static const char *take_mail_parts(const struct tabbed *answer,
	struct auth_identity *identity)
{
	const char *driver = said(answer, "mail_driver");
	const char *path = said(answer, "mail_path");

	if (*driver != '\0' && strcmp(driver, "maildir") != 0)
		return no_maildir;
	return *path == '\0' ? NULL : take_path(path, identity);
}

/* USER, id, name, and what is known of it. */
static const char *take_user(const struct backend_settings *backend,
	const struct tabbed *answer, struct auth_identity *identity)
{
	const char *mail = said(answer, "mail"), *wrong;

	if (!auth_name_is_usable(answer->fields[2]))
		return "the userdb calls it by a name that cannot be used "
			"here";
	memcpy(identity->name, answer->fields[2],
		strlen(answer->fields[2]) + 1);
	wrong = take_account(backend, answer, identity);
	if (wrong != NULL)
		return wrong;
	return *mail != '\0' ? take_mail(mail, identity) :
		take_mail_parts(answer, identity);
}

static enum auth_result refuse(const struct backend_settings *backend,
	const struct auth_identity *identity, const char *why)
{
	log_error("backend %s: user=%s cannot log in: %s", backend->name,
		identity->name, why);
	return AUTH_PERMANENT;
}

static enum auth_result stuck(const struct backend_settings *backend,
	const char *why)
{
	log_error("backend %s: %s: %s", backend->name, backend->userdb, why);
	return AUTH_STUCK;
}

static enum auth_result judge(const struct backend_settings *backend,
	const struct tabbed *answer, struct auth_identity *identity)
{
	const char *word = answer->fields[0], *wrong;

	if (strcmp(word, "NOTFOUND") == 0)
		return refuse(backend, identity,
			"the userdb does not know it");
	if (strcmp(word, "FAIL") == 0)
		return stuck(backend, "it could not look the user up (its own "
			"log tells why)");
	if (strcmp(word, "USER") != 0 || answer->count < 3)
		return stuck(backend, auth_socket_why(EBADMSG));
	wrong = take_user(backend, answer, identity);
	return wrong == NULL ? AUTH_GRANTED :
		refuse(backend, identity, wrong);
}

static enum auth_result ask_userdb(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	int64_t deadline_ms = deadline_in_s(backend->timeout_s);
	char request[REQUEST_BYTES];
	struct auth_socket talk;
	struct tabbed answer;
	enum auth_result result;
	const char *wrong;

	if (auth_socket_open(&talk, backend->userdb, deadline_ms) < 0)
		return stuck(backend, auth_socket_why(errno));
	make_request(attempt, identity->name, request);
	wrong = ask(&talk, request, &answer, deadline_ms);
	result = wrong != NULL ? stuck(backend, wrong) :
		judge(backend, &answer, identity);
	auth_socket_close(&talk);
	return result;
}

enum auth_result auth_userdb_find(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	const struct auth_words nothing = { "", "", "" };
	const char *wrong;

	if (*backend->userdb != '\0')
		return ask_userdb(backend, attempt, identity);
	wrong = auth_identity_find(backend, &nothing, identity);
	return wrong == NULL ? AUTH_GRANTED :
		refuse(backend, identity, wrong);
}
