/*
 * test_auth_userdb.c - what the answer of a userdb makes of a user
 */
#include "config.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth_userdb.h"
#include "false_dovecot.h"
#include "scratch.h"

#define USER "USER\t1\tann@example.net"
#define IDS "\tuid=7\tgid=8"
#define LONG_TEXT "/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static struct auth_identity identity;

/* Settings of the back end: uid 21, gid 22, home /v/DOMAIN/USER. */
static enum auth_result look_up(const char *name, const char *answer)
{
	static char id[] = "21", group[] = "22", home[] = "/v/%d/%n",
		back_end[] = "test";
	char path[SCRATCH_PATH_BYTES], said[8192];
	struct backend_settings backend = {
		.name = back_end, .type = BACKEND_DOVECOT, .userdb = path,
		.timeout_s = 20, .uid = id, .gid = group, .home = home,
	};
	const struct auth_attempt attempt = {
		.name = name, .address = "local" };
	enum auth_result result;
	pid_t pid;

	snprintf(path, sizeof(path), "%s", scratch_path("userdb"));
	snprintf(said, sizeof(said), FALSE_USERDB_GREETING "%s\n", answer);
	pid = false_dovecot_start(path, said, strlen(said));
	memset(&identity, 0, sizeof(identity));
	snprintf(identity.name, sizeof(identity.name), "%s", name);
	result = auth_userdb_find(&backend, &attempt, &identity);
	false_dovecot_stop(pid);
	assert_int_equal(unlink(path), 0);
	return result;
}

static const struct grant {
	const char *answer;
	unsigned uid, gid;
	const char *name, *home, *maildir;
} grants[] = {
	{ USER IDS "\thome=/h", 7, 8, "ann@example.net", "/h", "" },
	{ USER, 21, 22, "ann@example.net", "/v/example.net/ann", "" },
	{ USER "\t", 21, 22, "ann@example.net", "/v/example.net/ann", "" },
	{ USER "\tuid=7", 7, 22, "ann@example.net", "/v/example.net/ann", "" },
	{ USER IDS "\thome=/a b\001tc", 7, 8, "ann@example.net", "/a b\tc",
		"" },
	{ "USER\t1\tjoe@b" IDS, 7, 8, "joe@b", "/v/b/joe", "" },
	{ USER IDS "\thome=/h\tmail=maildir:/m", 7, 8, "ann@example.net", "/h",
		"/m" },
	{ USER IDS "\thome=/h\tmail=maildir:~/M", 7, 8, "ann@example.net", "/h",
		"/h/M" },
	{ USER IDS "\thome=/h\tmail=maildir:%h/%d/%n/%u/%%", 7, 8,
		"ann@example.net", "/h",
		"/h/example.net/ann/ann@example.net/%" },
	{ USER IDS "\thome=/h\tmail=maildir:/m:LAYOUT=fs:INDEX=/i", 7, 8,
		"ann@example.net", "/h", "/m" },
	{ USER IDS "\thome=/h\tmail=maildir:/m:INDEX=/i:INBOX=/n:UTF-8", 7, 8,
		"ann@example.net", "/h", "/n" },
	{ USER IDS "\thome=/h\tmail_driver=maildir\tmail_path=~/M", 7, 8,
		"ann@example.net", "/h", "/h/M" },
	{ USER IDS "\thome=/h\tmail_driver=maildir", 7, 8, "ann@example.net",
		"/h", "" },
	{ USER IDS "\thome=/h\tmail=\tchroot=", 7, 8, "ann@example.net", "/h",
		"" },
	{ USER IDS "\thome=/h\tquota_rule=*:storage=1G\tnice=1", 7, 8,
		"ann@example.net", "/h", "" },
};

static void each_answer_makes_its_user(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(grants) / sizeof(grants[0]); i++) {
		const struct grant *one = &grants[i];

		if (look_up("ann@example.net", one->answer) != AUTH_GRANTED)
			fail_msg("%s: %s", one->answer, scratch_errors());
		assert_int_equal(identity.uid, one->uid);
		assert_int_equal(identity.gid, one->gid);
		assert_string_equal(identity.name, one->name);
		assert_string_equal(identity.home, one->home);
		assert_string_equal(identity.maildir, one->maildir);
		assert_false(identity.has_groups);
		assert_false(identity.is_read_only);
	}
	assert_string_equal(scratch_errors(), "");
}

static const struct refusal {
	const char *answer;
	enum auth_result result;
	const char *logged;
} refusals[] = {
	{ "NOTFOUND\t1", AUTH_PERMANENT, "the userdb does not know it" },
	{ USER "\tuid=0\tgid=8", AUTH_PERMANENT, "uid 0 and gid 0" },
	{ USER "\tuid=7\tgid=0", AUTH_PERMANENT, "uid 0 and gid 0" },
	{ USER "\tuid=00\tgid=8", AUTH_PERMANENT, "uid 0 and gid 0" },
	{ USER "\tuid=root\tgid=8", AUTH_PERMANENT, "uid 0 and gid 0" },
	{ USER "\tuid=4294967295\tgid=8", AUTH_PERMANENT,
		"its uid is neither" },
	{ USER "\tuid=4294967296\tgid=8", AUTH_PERMANENT,
		"its uid is neither" },
	{ USER "\tuid=-1\tgid=8", AUTH_PERMANENT, "its uid is neither" },
	{ USER "\tuid=7\tgid=no-such-group", AUTH_PERMANENT,
		"its gid is neither" },
	{ USER IDS "\thome=rel", AUTH_PERMANENT, "its home is not absolute" },
	{ USER IDS "\tchroot=/c", AUTH_PERMANENT, "wants a chroot" },
	{ USER IDS "\tmail=mbox:/m", AUTH_PERMANENT, "is in no Maildir" },
	{ USER IDS "\tmail=/m", AUTH_PERMANENT, "is in no Maildir" },
	{ USER IDS "\tmail=maildir:m", AUTH_PERMANENT, "is not absolute" },
	{ USER IDS "\tmail=maildir:", AUTH_PERMANENT, "is not absolute" },
	{ USER IDS "\tmail=maildir:/%L", AUTH_PERMANENT, "has a variable" },
	{ USER IDS "\tmail=maildir:/%", AUTH_PERMANENT, "has a variable" },
	{ USER IDS "\tmail=maildir:/m:INBOX=n", AUTH_PERMANENT,
		"is not absolute" },
	{ USER IDS "\tmail_driver=mdbox\tmail_path=/m", AUTH_PERMANENT,
		"is in no Maildir" },
	{ USER IDS "\tmail_path=%{home}/m", AUTH_PERMANENT, "has a variable" },
	{ "USER\t1\t../x" IDS, AUTH_PERMANENT, "a name that cannot be used" },
	{ "USER\t1\t" IDS, AUTH_PERMANENT, "a name that cannot be used" },
	{ "USER\t1\tno-domain" IDS, AUTH_PERMANENT, "needs a domain" },
	{ "USER\t1", AUTH_STUCK, "it sent what is no answer" },
	{ "USER\t2\tann@example.net" IDS, AUTH_STUCK, "what is no answer" },
	{ "OK\t1\tuser=x", AUTH_STUCK, "it sent what is no answer" },
	{ "", AUTH_STUCK, "it sent what is no answer" },
	{ "FAIL\t1\tno", AUTH_STUCK, "it could not look the user up" },
	{ "VERSION\t2\t0", AUTH_STUCK, "another version" },
	{ "SPID\t1", AUTH_STUCK, "it closed the connection" },
};

static void each_other_answer_is_refused_with_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const struct refusal *one = &refusals[i];
		size_t before = strlen(scratch_errors());
		enum auth_result result = look_up("ann@example.net",
			one->answer);

		if (result != one->result ||
			strstr(scratch_errors() + before, one->logged) == NULL)
			fail_msg("%s: %d, %s", one->answer, result,
				scratch_errors() + before);
	}
}

static void paths_that_are_too_long_are_refused(void **state)
{
	static const char *const fields[] = { "home=", "mail=maildir:" };
	char answer[AUTH_PATH_BYTES + 256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(answer, sizeof(answer), USER IDS "\t%s%s%0*d",
			fields[i], LONG_TEXT, AUTH_PATH_BYTES, 1);
		assert_int_equal(look_up("ann@example.net", answer),
			AUTH_PERMANENT);
		assert_non_null(strstr(scratch_errors(), "too long"));
	}
}

static void a_system_user_has_groups(void **state)
{
	const struct passwd *daemon = getpwnam("daemon");
	char answer[256];

	(void)state;
	if (daemon == NULL || daemon->pw_uid == 0)
		skip();
	snprintf(answer, sizeof(answer), "USER\t1\tdaemon\tuid=%u\tgid=8\t"
		"home=/h", (unsigned)daemon->pw_uid);
	assert_int_equal(look_up("daemon", answer), AUTH_GRANTED);
	assert_true(identity.has_groups);
	snprintf(answer, sizeof(answer), "USER\t1\tdaemon\tuid=%u\tgid=8\t"
		"home=/h", (unsigned)daemon->pw_uid + 4000);
	assert_int_equal(look_up("daemon", answer), AUTH_GRANTED);
	assert_false(identity.has_groups);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("each answer makes its user, and the settings "
			"fill in the rest", each_answer_makes_its_user),
		SCRATCH_CASE("each other answer is refused, with its reason "
			"in the log",
			each_other_answer_is_refused_with_its_reason),
		SCRATCH_CASE("paths that are too long are refused",
			paths_that_are_too_long_are_refused),
		SCRATCH_CASE("a system user of that uid has groups, another "
			"uid has none", a_system_user_has_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
