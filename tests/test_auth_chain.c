/*
 * test_auth_chain.c - back ends of every kind, one behind the other
 *
 * Every pair of a first back end that comes to some result and a second one:
 * passwd-files, checkpassword programs, Dovecots.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth.h"
#include "false_dovecot.h"
#include "reply_program.h"
#include "scratch.h"

#define SETPRIV "/usr/bin/setpriv"
#define FIRST_ID 4321
#define SECOND_ID 4322

/* One back end that comes to 'result' for the user "a" with password "x". */
struct kind {
	const char *name;
	enum backend_type type;
	enum auth_result result;
	const char *text;	/* file, script, or the server's answer */
};

static const struct kind kinds[] = {
	{ "file: right password", BACKEND_PASSWD_FILE, AUTH_GRANTED,
		"a:{PLAIN}x\n" },
	{ "file: another password", BACKEND_PASSWD_FILE, AUTH_DENIED,
		"a:{PLAIN}y\n" },
	{ "file: another user", BACKEND_PASSWD_FILE, AUTH_UNKNOWN,
		"b:{PLAIN}x\n" },
	{ "file: missing", BACKEND_PASSWD_FILE, AUTH_TEMPORARY, NULL },
	{ "file: unknown scheme", BACKEND_PASSWD_FILE, AUTH_STUCK,
		"a:{NONE-KNOWN}x\n" },
	{ "file: locked", BACKEND_PASSWD_FILE, AUTH_DENIED, "a:!\n" },
	{ "file: uid 0", BACKEND_PASSWD_FILE, AUTH_PERMANENT,
		"a:{PLAIN}x:0\n" },
	{ "file: nologin", BACKEND_PASSWD_FILE, AUTH_REFUSED,
		"a:{PLAIN}x::::::nologin\n" },
	{ "program: grants", BACKEND_PROGRAM, AUTH_GRANTED, "exec $as \"$@\"" },
	{ "program: denies", BACKEND_PROGRAM, AUTH_DENIED, "exit 1" },
	{ "program: can't check", BACKEND_PROGRAM, AUTH_TEMPORARY, "exit 111" },
	{ "program: dies", BACKEND_PROGRAM, AUTH_TEMPORARY, "kill -9 $$" },
	{ "program: says nothing", BACKEND_PROGRAM, AUTH_STUCK, "exit 0" },
	{ "dovecot: grants", BACKEND_DOVECOT, AUTH_GRANTED,
		FALSE_GREETING "OK\t1\tuser=a\t\n" },
	{ "dovecot: denies", BACKEND_DOVECOT, AUTH_DENIED,
		FALSE_GREETING "FAIL\t1\tuser=a\n" },
	{ "dovecot: disabled", BACKEND_DOVECOT, AUTH_DENIED,
		FALSE_GREETING "FAIL\t1\tuser=a\tcode=user_disabled\n" },
	{ "dovecot: can't check", BACKEND_DOVECOT, AUTH_TEMPORARY,
		FALSE_GREETING "FAIL\t1\tuser=a\tcode=temp_fail\n" },
	{ "dovecot: ends", BACKEND_DOVECOT, AUTH_TEMPORARY, "VERSION\t1" },
	{ "dovecot: missing", BACKEND_DOVECOT, AUTH_TEMPORARY, NULL },
	{ "dovecot: elsewhere", BACKEND_DOVECOT, AUTH_PERMANENT,
		FALSE_GREETING "OK\t1\tuser=a\tnologin\n" },
	{ "dovecot: no userdb", BACKEND_DOVECOT, AUTH_STUCK,
		FALSE_GREETING "OK\t1\tuser=a\n" },
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

/* What the first result leaves of the second one. */
static enum auth_result expected(enum auth_result first,
	enum auth_result second)
{
	static const struct {
		bool goes_on;
		enum auth_result end;	/* what is said, if the last says no */
	} rules[] = {
		[AUTH_GRANTED] = { false, AUTH_GRANTED },
		[AUTH_DENIED] = { false, AUTH_DENIED },
		[AUTH_UNKNOWN] = { true, AUTH_DENIED },
		[AUTH_TEMPORARY] = { true, AUTH_TEMPORARY },
		[AUTH_REFUSED] = { false, AUTH_DENIED },
		[AUTH_STUCK] = { false, AUTH_TEMPORARY },
		[AUTH_PERMANENT] = { false, AUTH_PERMANENT },
	};

	if (!rules[first].goes_on)
		return rules[first].end;
	if (rules[second].goes_on)
		return first == AUTH_TEMPORARY ? AUTH_TEMPORARY :
			rules[second].end;
	return rules[second].end;
}

/* One back end in a chain. */
struct link {
	struct backend_settings settings;
	char path[SCRATCH_PATH_BYTES], userdb[SCRATCH_PATH_BYTES];
	char id[16];
	char *command[2];
	pid_t pid;		/* of a false Dovecot, or 0 */
};

static void write_program(const char *name, const char *body, unsigned id)
{
	char script[512], as[128] = "";

	if (geteuid() == 0)
		snprintf(as, sizeof(as), SETPRIV " --reuid=%u --regid=%u "
			"--clear-groups", id, id);
	snprintf(script, sizeof(script), "#!/bin/sh\nas=\"%s\"\n"
		"USER=a HOME=/h; export USER HOME\n%s\n", as, body);
	scratch_write(name, 0755, script);
}

static void set_up(struct link *link, const char *name,
	const struct kind *kind, unsigned id)
{
	static char no_string[] = "";

	*link = (struct link){ .pid = 0 };
	snprintf(link->path, sizeof(link->path), "%s", scratch_path(name));
	snprintf(link->id, sizeof(link->id), "%u", id);
	link->command[0] = link->path;
	link->settings = (struct backend_settings){
		.name = link->path, .type = kind->type, .path = link->path,
		.userdb = link->userdb, .command = link->command,
		.timeout_s = 60, .uid = link->id, .gid = link->id,
		.home = no_string,
	};
	if (kind->type == BACKEND_DOVECOT && kind->result == AUTH_STUCK)
		snprintf(link->userdb, sizeof(link->userdb), "%s",
			scratch_path("missing"));
	if (kind->text == NULL)
		return;
	if (kind->type == BACKEND_PROGRAM)
		write_program(name, kind->text, id);
	else if (kind->type == BACKEND_PASSWD_FILE)
		scratch_write(name, 0600, kind->text);
	else
		link->pid = false_dovecot_start(link->path, kind->text,
			strlen(kind->text));
}

static void tear_down(struct link *link)
{
	if (link->pid != 0)
		false_dovecot_stop(link->pid);
	(void)unlink(link->path);
}

static bool runs_as_somebody(void)
{
	return geteuid() != 0 || access(SETPRIV, X_OK) == 0;
}

static void try_pair(const struct kind *first, const struct kind *second)
{
	static struct auth_identity identity;
	struct link one, two;
	struct backend_settings backends[2];
	const struct auth_settings settings = {
		.backends = backends, .backend_count = 2 };
	const struct auth_attempt attempt = { .name = "a", .password = "x",
		.address = "192.0.2.1" };
	enum auth_result result, wanted = expected(first->result,
		second->result);

	set_up(&one, "one", first, FIRST_ID);
	set_up(&two, "two", second, SECOND_ID);
	backends[0] = one.settings;
	backends[1] = two.settings;
	result = auth_check(&settings, &attempt, &identity);
	tear_down(&one);
	tear_down(&two);
	if (result != wanted)
		fail_msg("%s, then %s: %d, not %d", first->name, second->name,
			result, wanted);
	if (result == AUTH_GRANTED && geteuid() == 0)
		assert_int_equal(identity.uid,
			first->result == AUTH_GRANTED ? FIRST_ID : SECOND_ID);
	if (result != AUTH_GRANTED)
		assert_string_equal(identity.name, "");
}

static void every_pair_comes_to_its_result(void **state)
{
	(void)state;
	if (!runs_as_somebody())
		skip();
	for (size_t i = 0; i < KIND_COUNT; i++)
		for (size_t j = 0; j < KIND_COUNT; j++)
			try_pair(&kinds[i], &kinds[j]);
}

/* Each kind's own result, or the table above proves nothing. */
static void every_kind_comes_to_its_result_alone(void **state)
{
	static const struct kind none = { "nothing", BACKEND_PASSWD_FILE,
		AUTH_UNKNOWN, "" };

	(void)state;
	if (!runs_as_somebody())
		skip();
	for (size_t i = 0; i < KIND_COUNT; i++)
		try_pair(&none, &kinds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("every kind of back end comes to its result",
			every_kind_comes_to_its_result_alone),
		SCRATCH_CASE("of every pair the first that knows the user "
			"decides, and trouble is temporary",
			every_pair_comes_to_its_result),
	};

	if (reply_program_link() != 0)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
