/*
 * test_auth_rules.c - extra fields of a passwd-file: who may come, and where to
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth.h"
#include "auth_file.h"
#include "auth_nets.h"
#include "log.h"
#include "scratch.h"

#define DAY_S 86400

static struct auth_identity identity;
static char id[] = "1234", no_string[] = "";

static struct backend_settings backend_of(void)
{
	return (struct backend_settings){
		.type = BACKEND_PASSWD_FILE, .name = id, .uid = id, .gid = id,
		.home = no_string,
		.path = (char *)(uintptr_t)scratch_path("users"),
	};
}

static enum auth_result check_attempt(const struct auth_attempt *attempt)
{
	const struct backend_settings backend = backend_of();

	memset(&identity, 0, sizeof(identity));
	snprintf(identity.name, sizeof(identity.name), "%s", attempt->name);
	return auth_file_check(&backend, attempt, &identity);
}

static enum auth_result check_from(const char *address, const char *password)
{
	return check_attempt(&(struct auth_attempt){ .name = "a@b.example",
		.password = password, .address = address });
}

static enum auth_result check_exposed(const char *password)
{
	return check_attempt(&(struct auth_attempt){ .name = "a@b.example",
		.password = password, .address = "192.0.2.1",
		.is_exposed = true });
}

static void write_extra(const char *extra)
{
	char line[8192];

	snprintf(line, sizeof(line), "a@b.example:{PLAIN}x:5:5::/h/a::%s\n",
		extra);
	scratch_write("users", 0600, line);
}

static enum auth_result check(const char *extra)
{
	write_extra(extra);
	return check_from("192.0.2.1", "x");
}

static void expect_logged(const char *why)
{
	char expected[SCRATCH_PATH_BYTES + 256];

	snprintf(expected, sizeof(expected), "%s:1: user cannot log in: %s",
		scratch_path("users"), why);
	if (strstr(scratch_errors(), expected) == NULL)
		assert_string_equal(scratch_errors(), expected);
}

static const struct {
	const char *list, *address;
	enum nets_result result;
} nets[] = {
	{ "192.0.2.1", "192.0.2.1", NETS_HAVE },
	{ "192.0.2.1", "192.0.2.2", NETS_HAVE_NOT },
	{ "192.0.2.1", "::ffff:192.0.2.1", NETS_HAVE },
	{ "192.0.2.0/24", "192.0.2.255", NETS_HAVE },
	{ "192.0.2.0/24", "192.0.3.0", NETS_HAVE_NOT },
	{ "10.0.0.0/8,192.0.2.0/24", "192.0.2.7", NETS_HAVE },
	{ "10.0.0.0/8,192.0.2.0/24", "10.255.0.1", NETS_HAVE },
	{ "10.0.0.0/8,192.0.2.0/24", "11.0.0.1", NETS_HAVE_NOT },
	{ "0.0.0.0/0", "11.0.0.1", NETS_HAVE },
	{ "0.0.0.0/0", "2001:db8::1", NETS_HAVE_NOT },
	{ "2001:db8::/32", "2001:db8:ffff::1", NETS_HAVE },
	{ "2001:db8::/32", "2001:db9::1", NETS_HAVE_NOT },
	{ "fe80::/10", "fe80::1%lo", NETS_HAVE },
	{ "::1,127.0.0.0/8", "::1", NETS_HAVE },
	{ "local", "local", NETS_HAVE },
	{ "local", "127.0.0.1", NETS_HAVE_NOT },
	{ "127.0.0.1,local", "local", NETS_HAVE },
	{ "0.0.0.0/0,::/0", "local", NETS_HAVE_NOT },
	{ "", "192.0.2.1", NETS_BROKEN },
	{ ",", "192.0.2.1", NETS_BROKEN },
	{ "192.0.2.1,", "192.0.2.1", NETS_HAVE },
	{ "x,192.0.2.1", "192.0.2.1", NETS_HAVE },
	{ "x,192.0.2.1", "192.0.2.2", NETS_BROKEN },
	{ "192.0.2.0/33", "192.0.2.1", NETS_BROKEN },
	{ "192.0.2.1/24", "192.0.2.2", NETS_BROKEN },
	{ "example.net", "192.0.2.1", NETS_BROKEN },
	{ "localhost", "local", NETS_BROKEN },
	{ "11111111111111111111111111111111111111111111111111111111111111111111"
		"111111111111111111111", "192.0.2.1", NETS_BROKEN },
};

static void networks_hold_their_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(nets) / sizeof(nets[0]); i++)
		if (nets_find(nets[i].list, strlen(nets[i].list),
				nets[i].address) != nets[i].result)
			fail_msg("%s in %s", nets[i].address, nets[i].list);
	assert_int_equal(nets_find("10.0.0.1 x", 8, "10.0.0.1"), NETS_HAVE);
}

static void a_user_comes_only_from_its_networks(void **state)
{
	(void)state;
	write_extra("x=y allow_nets=10.0.0.0/8,2001:db8::/32 z");
	assert_int_equal(check_from("10.1.2.3", "x"), AUTH_GRANTED);
	assert_int_equal(check_from("2001:db8::1", "x"), AUTH_GRANTED);
	assert_int_equal(check_from("10.1.2.3", "y"), AUTH_DENIED);
	assert_string_equal(scratch_errors(), "");
	assert_int_equal(check_from("11.1.2.3", "y"), AUTH_DENIED);
	assert_string_equal(scratch_errors(), "");
	assert_int_equal(check_from("11.1.2.3", "x"), AUTH_REFUSED);
	expect_logged("the client is in none of its allow-nets");
	assert_int_equal(check_from("local", "x"), AUTH_REFUSED);
}

static void all_of_several_lists_count(void **state)
{
	(void)state;
	write_extra("allow-nets=10.0.0.0/8 allow_nets=10.1.0.0/16");
	assert_int_equal(check_from("10.1.0.1", "x"), AUTH_GRANTED);
	assert_int_equal(check_from("10.2.0.1", "x"), AUTH_REFUSED);
}

static void a_wrong_list_lets_nobody_in(void **state)
{
	(void)state;
	assert_int_equal(check("allow-nets"), AUTH_PERMANENT);
	assert_int_equal(check("allow-nets="), AUTH_PERMANENT);
	assert_int_equal(check("allow-nets=192.0.2"), AUTH_PERMANENT);
	expect_logged("its allow-nets has something that is no network");
}

static void only_who_may_sends_a_password_in_clear(void **state)
{
	(void)state;
	write_extra("cleartext=always mail=x");
	assert_int_equal(check_exposed("x"), AUTH_GRANTED);
	assert_int_equal(check_exposed("y"), AUTH_DENIED);
	write_extra("cleartext=always nologin");
	assert_int_equal(check_exposed("x"), AUTH_REFUSED);
	write_extra("xcleartext=always");
	assert_int_equal(check_exposed("x"), AUTH_REFUSED);
	expect_logged("auth.cleartext forbids how its password came, and it "
		"has no cleartext=always");
	assert_int_equal(check("cleartext=always"), AUTH_GRANTED);
	assert_int_equal(check("cleartext"), AUTH_PERMANENT);
	assert_int_equal(check("cleartext=alwaysx"), AUTH_PERMANENT);
	expect_logged("its cleartext is not \"always\"");
}

static void nologin_refuses_the_right_password(void **state)
{
	(void)state;
	assert_int_equal(check("mail=x nologin"), AUTH_REFUSED);
	expect_logged("it has nologin");
	assert_int_equal(check("nologin=yes readonly"), AUTH_REFUSED);
	assert_int_equal(check_from("192.0.2.1", "y"), AUTH_DENIED);
	assert_int_equal(check("nologins=1 xnologin mail=nologin"),
		AUTH_GRANTED);
}

static void print_day(time_t when, char field[32])
{
	struct tm utc;

	assert_non_null(gmtime_r(&when, &utc));
	assert_true(strftime(field, 32, "valid-until=%Y-%m-%d", &utc) > 0);
}

static void a_user_is_valid_until_the_end_of_a_day(void **state)
{
	char yesterday[32], today[32], tomorrow[32], after[32];
	time_t now;

	(void)state;
	/* Again, if midnight was in between. */
	do {
		now = time(NULL);
		print_day(now - DAY_S, yesterday);
		print_day(now, today);
		print_day(now + DAY_S, tomorrow);
		print_day(time(NULL), after);
		assert_int_equal(check(tomorrow), AUTH_GRANTED);
		assert_int_equal(check(yesterday), AUTH_REFUSED);
		if (check(today) == AUTH_GRANTED)
			break;
		print_day(time(NULL), after);
		assert_string_not_equal(today, after);
	} while (true);
	expect_logged("its valid-until is over");
	assert_int_equal(check("valid_until=1999-12-31"), AUTH_REFUSED);
	assert_int_equal(check("valid-until=9999-12-31"), AUTH_GRANTED);
	assert_int_equal(check("valid-until=9999-12-31 valid-until=2000-01-01"),
		AUTH_REFUSED);
}

static void a_wrong_date_lets_nobody_in(void **state)
{
	static const char *const dates[] = { "", "=", "=never", "=9999-1-1",
		"=9999-13-01", "=9999-00-01", "=9999-12-32", "=9999-12-00",
		"=9999/12/31", "=9999-12-31x", "=99999-12-31", "=9999-12-3:" };
	char extra[64];

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		snprintf(extra, sizeof(extra), "valid-until%s y", dates[i]);
		assert_int_equal(check(extra), AUTH_PERMANENT);
	}
	expect_logged("its valid-until is not of the form YYYY-MM-DD");
}

static void a_maildir_of_its_own_is_made_as_mailbox_path_is(void **state)
{
	(void)state;
	assert_int_equal(check("maildir=/m/%d/%n"), AUTH_GRANTED);
	assert_string_equal(identity.maildir, "/m/b.example/a");
	assert_int_equal(check("x maildir=~/Mail readonly"), AUTH_GRANTED);
	assert_string_equal(identity.maildir, "/h/a/Mail");
	assert_true(identity.is_read_only);
	assert_int_equal(check("maildir=%h/%u"), AUTH_GRANTED);
	assert_string_equal(identity.maildir, "/h/a/a@b.example");
	assert_int_equal(check(""), AUTH_GRANTED);
	assert_string_equal(identity.maildir, "");
}

static void a_maildir_that_is_no_path_is_refused(void **state)
{
	static const char *const wrong[] = { "maildir", "maildir=",
		"maildir=Mail", "maildir=~joe/Mail", "maildir=~",
		"maildir=%u/x", "maildir=../x" };
	char extra[AUTH_PATH_BYTES + 64];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(check(wrong[i]), AUTH_PERMANENT);
	expect_logged("its maildir does not begin with / or ~/");
	snprintf(extra, sizeof(extra), "maildir=/%0*d", AUTH_PATH_BYTES, 1);
	assert_int_equal(check(extra), AUTH_PERMANENT);
	snprintf(extra, sizeof(extra), "maildir=/%%u%0*d", AUTH_PATH_BYTES - 9,
		1);
	assert_int_equal(check(extra), AUTH_PERMANENT);
	expect_logged("its maildir is too long");
	scratch_write("users", 0600, "a@b.example:{PLAIN}x::::::maildir=~/x\n");
	assert_int_equal(check_from("192.0.2.1", "x"), AUTH_PERMANENT);
	scratch_write("users", 0600, "a@b.example:{PLAIN}x::::::maildir=~/x "
		"nologin\n");
	assert_int_equal(check_from("192.0.2.1", "y"), AUTH_DENIED);
}

static void a_folder_is_a_name_of_one(void **state)
{
	static const char *const wrong[] = { "folder", "folder=", "folder=.x",
		"folder=a/b", "folder=a..b", "folder=../x" };
	char extra[AUTH_FOLDER_OCTETS + 64];

	(void)state;
	assert_int_equal(check("folder=Lists.Postern x"), AUTH_GRANTED);
	assert_string_equal(identity.folder, "Lists.Postern");
	assert_int_equal(check(""), AUTH_GRANTED);
	assert_string_equal(identity.folder, "");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(check(wrong[i]), AUTH_PERMANENT);
	expect_logged("its folder can't be the name of one");
	snprintf(extra, sizeof(extra), "folder=%0*d", AUTH_FOLDER_OCTETS, 1);
	assert_int_equal(check(extra), AUTH_GRANTED);
	snprintf(extra, sizeof(extra), "folder=%0*d", AUTH_FOLDER_OCTETS + 1,
		1);
	assert_int_equal(check(extra), AUTH_PERMANENT);
}

static void what_cannot_be_kept_refuses_the_user(void **state)
{
	(void)state;
	assert_int_equal(check("allow_real_nets=10.0.0.0/8"), AUTH_PERMANENT);
	assert_int_equal(check("nopassword"), AUTH_PERMANENT);
	expect_logged("its extra fields restrict logins");
	assert_int_equal(check("userdb_mail=maildir:~/x"), AUTH_GRANTED);
}

static const struct {
	const char *extra;
	bool is_read_only;
} extras[] = {
	{ "", false },
	{ "readonly", true },
	{ "readonly=yes", true },
	{ "readonly=", true },
	{ "mail=x readonly", true },
	{ "mail=x   readonly", true },
	{ "readonly mail=x", true },
	{ "readonly=1 mail=x", true },
	{ "readonly=nope", true },
	{ "readonly=no readonly", true },
	{ "readonly=no", false },
	{ "readonly=no mail=x", false },
	{ "readonlyx", false },
	{ "xreadonly=yes", false },
	{ "mail=readonly", false },
	{ "userdb_readonly", false },
};

static void a_login_may_only_read_if_its_line_says_so(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(extras) / sizeof(extras[0]); i++) {
		assert_int_equal(check(extras[i].extra), AUTH_GRANTED);
		assert_int_equal(identity.is_read_only,
			extras[i].is_read_only);
	}
}

static void whoever_needs_no_password_is_judged_too(void **state)
{
	struct backend_settings backend = backend_of();
	const struct auth_settings settings = { .backends = &backend,
		.backend_count = 1 };
	const struct auth_attempt attempt = { .name = "a@b.example",
		.password = "", .address = "192.0.2.1" };

	(void)state;
	write_extra("allow-nets=10.0.0.0/8");
	assert_int_equal(auth_find(&settings, &attempt, &identity),
		AUTH_DENIED);
	assert_string_equal(identity.name, "");
	write_extra("allow-nets=192.0.2.0/24");
	assert_int_equal(auth_find(&settings, &attempt, &identity),
		AUTH_GRANTED);
}

/* Its salt stays, so that nobody can tell; its keys fit nothing. */
static void scram_does_not_tell_of_a_refused_user(void **state)
{
	struct backend_settings backends[2] = { backend_of(), backend_of() };
	const struct auth_settings settings = { .backends = backends,
		.backend_count = 2 };
	const struct auth_attempt attempt = { .name = "a@b.example",
		.password = "", .address = "192.0.2.1" };
	struct scram_keys free_keys, refused_keys;

	(void)state;
	backends[0].path = (char *)(uintptr_t)scratch_path("others");
	scratch_write("others", 0600, "c:{PLAIN}y\n");
	write_extra("");
	assert_int_equal(auth_find_scram(&settings, &attempt, SCRAM_SHA_256,
		&free_keys, &identity), AUTH_GRANTED);
	write_extra("nologin");
	assert_int_equal(auth_find_scram(&settings, &attempt, SCRAM_SHA_256,
		&refused_keys, &identity), AUTH_DENIED);
	assert_int_equal(free_keys.iterations, refused_keys.iterations);
	assert_memory_equal(free_keys.salt, refused_keys.salt,
		free_keys.salt_bytes);
	/* Not even that the password is right. */
	assert_memory_not_equal(free_keys.stored_key, refused_keys.stored_key,
		scram_digest_bytes(SCRAM_SHA_256));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("networks hold their addresses",
			networks_hold_their_addresses),
		SCRATCH_CASE("a user comes only from its networks",
			a_user_comes_only_from_its_networks),
		SCRATCH_CASE("all of several lists count",
			all_of_several_lists_count),
		SCRATCH_CASE("a wrong list lets nobody in",
			a_wrong_list_lets_nobody_in),
		SCRATCH_CASE("only who may sends a password in clear",
			only_who_may_sends_a_password_in_clear),
		SCRATCH_CASE("nologin refuses the right password",
			nologin_refuses_the_right_password),
		SCRATCH_CASE("a user is valid until the end of a day",
			a_user_is_valid_until_the_end_of_a_day),
		SCRATCH_CASE("a wrong date lets nobody in",
			a_wrong_date_lets_nobody_in),
		SCRATCH_CASE("a Maildir of its own is made as mailbox.path is",
			a_maildir_of_its_own_is_made_as_mailbox_path_is),
		SCRATCH_CASE("a Maildir that is no path is refused",
			a_maildir_that_is_no_path_is_refused),
		SCRATCH_CASE("a folder is a name of one",
			a_folder_is_a_name_of_one),
		SCRATCH_CASE("restrictions that cannot be kept refuse the user",
			what_cannot_be_kept_refuses_the_user),
		SCRATCH_CASE("a login may only read if its line says so",
			a_login_may_only_read_if_its_line_says_so),
		SCRATCH_CASE("whoever needs no password is judged, too",
			whoever_needs_no_password_is_judged_too),
		SCRATCH_CASE("SCRAM does not tell a refused user's password",
			scram_does_not_tell_of_a_refused_user),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
