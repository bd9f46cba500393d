/*
 * test_auth_file.c - passwd-files: schemes, lines, and whom they make of a user
 */
#include "config.h"

#include <crypt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth_file.h"
#include "log.h"
#include "scratch.h"

#define PASSWORD "correct horse"
#define HASH_BYTES CRYPT_OUTPUT_SIZE
#define COST_ROUNDS 12

/* Every kind at its lowest cost. */
static const struct kind {
	const char *prefix;
	unsigned long cost;
	const char *schemes[3];
} kinds[] = {
	{ "$y$", 1, { "", "{CRYPT}", "{crypt}" } },
	{ "$6$", 1000, { "", "{SHA512-CRYPT}", "{CRYPT}" } },
	{ "$5$", 1000, { "", "{SHA256-CRYPT}", "{CRYPT}" } },
	{ "$2b$", 4, { "", "{BLF-CRYPT}", "{CRYPT}" } },
	{ "$1$", 0, { "", "{MD5-CRYPT}", "{Md5-Crypt}" } },
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static char no_string[] = "";
static struct auth_identity identity;

static void make_hash(const char *prefix, unsigned long cost,
	char hash[HASH_BYTES])
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	assert_non_null(data);
	assert_non_null(crypt_gensalt_rn(prefix, cost, NULL, 0, setting,
		sizeof(setting)));
	assert_non_null(crypt_r(PASSWORD, setting, data));
	snprintf(hash, HASH_BYTES, "%s", data->output);
	free(data);
}

static enum auth_result check_with(const struct backend_settings *usual,
	const char *name,
	const char *password)
{
	struct backend_settings backend = *usual;
	const struct auth_attempt attempt = { .name = name,
		.password = password, .address = "192.0.2.1" };

	backend.name = backend.path = (char *)(uintptr_t)scratch_path("users");
	memset(&identity, 0, sizeof(identity));
	snprintf(identity.name, sizeof(identity.name), "%s", name);
	return auth_file_check(&backend, &attempt, &identity);
}

static enum auth_result check(const char *name, const char *password)
{
	static char id[] = "1234";
	const struct backend_settings usual = {
		.uid = id, .gid = id, .home = no_string };

	return check_with(&usual, name, password);
}

static void expect_logged(const char *line, const char *text)
{
	char expected[SCRATCH_PATH_BYTES + 256];

	snprintf(expected, sizeof(expected), "%s:%s: %s", scratch_path("users"),
		line, text);
	if (strstr(scratch_errors(), expected) == NULL)
		assert_string_equal(scratch_errors(), expected);
}

static size_t count_logged(void)
{
	size_t lines = 0;

	for (const char *octet = scratch_errors(); *octet != '\0'; octet++)
		lines += *octet == '\n';
	return lines;
}

static void every_kind_of_hash_grants_its_password_only(void **state)
{
	char hash[HASH_BYTES], line[HASH_BYTES + 64];

	(void)state;
	for (size_t i = 0; i < KIND_COUNT; i++) {
		make_hash(kinds[i].prefix, kinds[i].cost, hash);
		for (size_t j = 0; j < 3; j++) {
			snprintf(line, sizeof(line), "anna:%s%s\n",
				kinds[i].schemes[j], hash);
			scratch_write("users", 0600, line);
			assert_int_equal(check("anna", PASSWORD),
				AUTH_GRANTED);
			assert_int_equal(check("anna", "correct hors"),
				AUTH_DENIED);
			assert_int_equal(check("anna", ""), AUTH_DENIED);
		}
	}
	assert_string_equal(scratch_errors(), "");
}

static void plain_passwords_match_whole_and_in_their_case(void **state)
{
	(void)state;
	scratch_write("users", 0600, "a:{PLAIN}secret\nb:{CLEAR}se}cr{et\n"
		"c:{cleartext}\xc3\xa4 x\nd:{PLAIN}!x\n");
	assert_int_equal(check("a", "secret"), AUTH_GRANTED);
	assert_int_equal(check("a", "Secret"), AUTH_DENIED);
	assert_int_equal(check("a", "secre"), AUTH_DENIED);
	assert_int_equal(check("a", "secrett"), AUTH_DENIED);
	assert_int_equal(check("a", ""), AUTH_DENIED);
	assert_int_equal(check("b", "se}cr{et"), AUTH_GRANTED);
	assert_int_equal(check("c", "\xc3\xa4 x"), AUTH_GRANTED);
	assert_int_equal(check("d", "!x"), AUTH_GRANTED);
}

/* By doveadm pw -s SCHEME -p secret of Dovecot 2.3.19. */
static const char *const by_dovecot[] = {
	"{SSHA}HBdPXVXuTl3qwwuEj/lhIoUH1hiVEpif",
	"{SSHA256}N2WZzFVWX5JfLCxmfxGnRfpoz5m9tO06I1KAIvi72ny+s5+G",
	"{SSHA512}BzEPaXiFxi60qDIAaY4X8g9WPObVwCYXTQDF2F0q46Hp09cAwgz0rC+QPXch"
	    "cz9HyRepR3j4bfAqYH1UoTamc1gePoQ=",
	"{SMD5}+PTKAZtI4/hHI/h6n2CjXEA4b/Q=",
	"{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
	"{SHA1}5en6G6MezRroT3XKqkdPOmY/BfQ=",
	"{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"{SHA512}vSsar3708Jvp9Szi2NWZZ02Bqp1qRCFpbcTZPdBhnWgs5WtNZKnvCXdhztmeD"
	    "2cmW192CF5bDufKRpayrW/isg==",
	"{PLAIN-MD5}5ebe2294ecd0e0f08eab7690d2a6ee69",
	"{LDAP-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
	"{SSHA.HEX}539f3c92da45f30524b789d189c5a7888329897e9719f069",
	"{SSHA256.HEX}824ba96a4fd48c0ce8226b48b5cc6e05c6e784580967518c88974821"
	    "ae797960f3ad1c6e",
	"{SSHA512.HEX}83c8e1fd6e79c8c65904f09c75279fdba523192d54c14f521f72aabe"
	    "5a99956bf66801468059b353d5b83a27aa2f5cc56bde1ccba90b66dd608c92c6a"
	    "245f82889ff043c",
	"{sha.hex}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
	"{SHA256.HEX}2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf"
	    "527a25b",
	"{SHA512.HEX}bd2b1aaf7ef4f09be9f52ce2d8d599674d81aa9d6a4421696dc4d93dd"
	    "0619d682ce56b4d64a9ef097761ced99e0f67265b5f76085e5b0ee7ca4696b2ad"
	    "6fe2b2",
	"{SHA256.B64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"{SHA256.base64}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"{PLAIN-MD5.B64}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
	"{PLAIN-MD5.HEX}5ebe2294ecd0e0f08eab7690d2a6ee69",
	"{LDAP-MD5.HEX}5ebe2294ecd0e0f08eab7690d2a6ee69",
	"{LDAP-MD5.B64}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
	"{SHA1}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
	"{PLAIN-MD5}Xr4ilOzQ4PCOq3aQ0qbuaQ==",
	"{PBKDF2}$1$CdmGQFzbNLCFUDM3$5000$eb53c7b22bdd633ab02aeb37c3a1b1a40700"
	    "431d",
};

static void write_hash(const char *hash)
{
	char line[512];

	snprintf(line, sizeof(line), "a:%s:5:5\n", hash);
	scratch_write("users", 0600, line);
}

static void digests_of_dovecot_grant_their_password_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(by_dovecot) / sizeof(by_dovecot[0]);
			i++) {
		write_hash(by_dovecot[i]);
		assert_int_equal(check("a", "secret"), AUTH_GRANTED);
		assert_int_equal(check("a", "Secret"), AUTH_DENIED);
		assert_int_equal(check("a", "secret0"), AUTH_DENIED);
		assert_int_equal(check("a", ""), AUTH_DENIED);
	}
	assert_string_equal(scratch_errors(), "");
}

/* Too short or long, cut, of another alphabet, without salt, with too much. */
static const char *const broken_digests[] = {
	"{SHA}5en6G6MezRroT3XKqkdPOmY/Bf", "{SHA}5en6", "{SHA256}5en6G6MezRro",
	"{SHA}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=",
	"{SHA.HEX}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SHA.HEX}e5e", "{SHA.HEX}ee",
	"{SHA.B64}e5e9fa1ba31ecd1ae84f75caaa474f3a663f05f4",
	"{PLAIN-MD5}zebe2294ecd0e0f08eab7690d2a6ee69", "{LDAP-MD5}====",
	"{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "{SSHA}AAAA", "{SSHA512}!",
	"{PBKDF2}x", "{PBKDF2}$1$", "{PBKDF2}$1$salt", "{PBKDF2}$1$salt$1",
	"{PBKDF2}$2$CdmGQFzbNLCFUDM3$5000$eb53c7b22bdd633ab02aeb37c3a1b1a40700"
	    "431d",
	"{PBKDF2}$1$salt$0$eb53c7b22bdd633ab02aeb37c3a1b1a40700431d",
	"{PBKDF2}$1$salt$-1$eb53c7b22bdd633ab02aeb37c3a1b1a40700431d",
	"{PBKDF2}$1$salt$1x$eb53c7b22bdd633ab02aeb37c3a1b1a40700431d",
	"{PBKDF2}$1$salt$1000001$eb53c7b22bdd633ab02aeb37c3a1b1a40700431d",
	"{PBKDF2}$1$salt$99999999999999999999$eb53c7b22bdd633ab02aeb37c3a1b1a4"
	    "0700431d",
	"{PBKDF2}$1$salt$1000$eb53", "{PBKDF2}$1$salt$1000$",
};

static void a_broken_digest_decides_nothing_and_is_logged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(broken_digests) /
			sizeof(broken_digests[0]); i++) {
		write_hash(broken_digests[i]);
		assert_int_equal(check("a", "secret"), AUTH_STUCK);
		assert_int_equal(count_logged(), i + 1);
	}
	expect_logged("1", "scheme {SHA} has a hash that is none of that "
		"scheme");
	assert_null(strstr(scratch_errors(), "5en6"));
	assert_null(strstr(scratch_errors(), "eb53"));
}

static void only_the_suffixes_of_dovecot_are_known(void **state)
{
	static const char *const hashes[] = { "{SHA1.}x", "{SHA1.HE}x",
		"{SHA1.HEXX}x", "{SHA1.HEX.B64}x", "{.HEX}x", "{SHA2}x", "{}x",
		"{PBKDF2.HEX}x", "{SHA512.512}x" };

	(void)state;
	for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++) {
		write_hash(hashes[i]);
		assert_int_equal(check("a", "secret"), AUTH_STUCK);
	}
	expect_logged("1", "scheme {SHA1.HEX.B64} is not supported here");
}

static void locked_and_empty_hashes_fit_no_password(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f" };
	static const char *const tries[] = { "", "x", "*", "!", "*0" };

	(void)state;
	scratch_write("users", 0600,
		"a:\nb:*\nc:!\nd:{PLAIN}\ne:{CRYPT}*0\nf:!$1$abc\n");
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < 5; j++)
			assert_int_equal(check(names[i], tries[j]),
				AUTH_DENIED);
}

static void an_unknown_scheme_is_temporary_and_named(void **state)
{
	(void)state;
	scratch_write("users", 0600, "# x\na:{ARGON2ID}$argon2id$v=19$x\n"
		"b:{PLAIN}x\n");
	assert_int_equal(check("a", "x"), AUTH_STUCK);
	expect_logged("2", "scheme {ARGON2ID} is not supported");
	assert_int_equal(check("b", "x"), AUTH_GRANTED);
	assert_int_equal(count_logged(), 1);
}

static void an_unknown_kind_of_crypt_is_temporary(void **state)
{
	(void)state;
	scratch_write("users", 0600, "a:{CRYPT}$unheard$abc$def\n");
	assert_int_equal(check("a", "x"), AUTH_STUCK);
	expect_logged("1", "scheme {CRYPT} has a kind of hash that crypt(3)");
	assert_null(strstr(scratch_errors(), "unheard"));
}

static void an_unknown_user_is_unknown_in_any_file(void **state)
{
	(void)state;
	scratch_write("users", 0600, "");
	assert_int_equal(check("anna", "x"), AUTH_UNKNOWN);
	scratch_write("users", 0600, "bert:*\n\n# anna:{PLAIN}x\n");
	assert_int_equal(check("anna", "x"), AUTH_UNKNOWN);
	assert_int_equal(check("# anna", "x"), AUTH_UNKNOWN);
	scratch_write("users", 0600, "bert:{PLAIN}x\n");
	assert_int_equal(check("anna", "x"), AUTH_UNKNOWN);
	assert_int_equal(check("Bert", "x"), AUTH_UNKNOWN);
	assert_int_equal(check("ber", "x"), AUTH_UNKNOWN);
	assert_int_equal(check("", "x"), AUTH_UNKNOWN);
}

static clock_t cost_of(const char *prefix)
{
	clock_t begin = clock();
	char name[32];

	for (int i = 0; i < COST_ROUNDS; i++) {
		snprintf(name, sizeof(name), "%s%d", prefix, i);
		check(name, "wrong");
	}
	return clock() - begin;
}

static void an_unknown_user_costs_as_much_as_a_known_one(void **state)
{
	char text[COST_ROUNDS * (HASH_BYTES + 16)], hash[HASH_BYTES];
	size_t used = 0;
	clock_t known, unknown;

	(void)state;
	make_hash("$2b$", 8, hash);
	for (int i = 0; i < COST_ROUNDS; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
			"user%d:%s\n", i, hash);
	scratch_write("users", 0600, text);
	known = cost_of("user");
	unknown = cost_of("none");
	assert_true(unknown > known / 2);
	assert_true(unknown < known * 2);
}

static void a_bad_line_costs_no_other_user_and_is_logged_once(void **state)
{
	static const char text[] = "a:{PLAIN}x\nno colon\n:{PLAIN}x\n"
	    ".dot:{PLAIN}x\nsl/ash:{PLAIN}x\nnul\0:{PLAIN}x\ntab\t:{PLAIN}x\n"
		"br:{PLAIN\nhome:{PLAIN}x::::rel\nb:{PLAIN}y";

	(void)state;
	scratch_write_octets("users", text, sizeof(text) - 1);
	assert_int_equal(check("a", "x"), AUTH_GRANTED);
	expect_logged("2", "ignored: it has no ':'");
	assert_int_equal(count_logged(), 1);
	assert_int_equal(check("b", "y"), AUTH_GRANTED);
	assert_int_equal(check("nul", "x"), AUTH_UNKNOWN);
	assert_int_equal(check(".dot", "x"), AUTH_UNKNOWN);
	assert_int_equal(check("br", "x"), AUTH_UNKNOWN);
	assert_int_equal(check("home", "x"), AUTH_UNKNOWN);
}

static void expect_bad_line(const char *line, const char *why)
{
	scratch_write("users", 0600, line);
	check("anybody", "x");
	expect_logged("1", why);
}

static void each_kind_of_bad_line_is_told_by_its_fault(void **state)
{
	(void)state;
	expect_bad_line("a:{PLAIN}x\r\n", "ignored: it has a control");
	expect_bad_line("anna\n", "ignored: it has no ':'");
	expect_bad_line(":x\n", "ignored: it has no usable user name");
	expect_bad_line("a:{PLAIN\n", "ignored: it has a scheme without '}'");
	expect_bad_line("a:x:::::h:\n", "");
	expect_bad_line("a:x::::h:\n", "ignored: it has a home that does not");
}

static void of_two_lines_for_a_user_the_first_counts(void **state)
{
	(void)state;
	scratch_write("users", 0600, "a:{PLAIN}x\nb:{PLAIN}z\na:{PLAIN}y\n");
	assert_int_equal(check("b", "z"), AUTH_GRANTED);
	assert_int_equal(count_logged(), 0);
	assert_int_equal(check("a", "x"), AUTH_GRANTED);
	assert_int_equal(check("a", "y"), AUTH_DENIED);
	expect_logged("3", "ignored: line 1 has this user already");
}

static void ids_of_the_line_come_before_those_of_the_backend(void **state)
{
	(void)state;
	scratch_write("users", 0600, "a:{PLAIN}x:1001:1002::/h/a::\n"
		"b:{PLAIN}x:1001\nc:{PLAIN}x::1002\n");
	assert_int_equal(check("a", "x"), AUTH_GRANTED);
	assert_int_equal(identity.uid, 1001);
	assert_int_equal(identity.gid, 1002);
	assert_string_equal(identity.home, "/h/a");
	assert_false(identity.has_groups);
	assert_int_equal(check("b", "x"), AUTH_GRANTED);
	assert_int_equal(identity.uid, 1001);
	assert_int_equal(identity.gid, 1234);
	assert_string_equal(identity.home, "");
	assert_int_equal(check("c", "x"), AUTH_GRANTED);
	assert_int_equal(identity.uid, 1234);
	assert_int_equal(identity.gid, 1002);
}

static void ids_may_be_names_of_the_system(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");

	(void)state;
	if (nobody == NULL)
		skip();
	scratch_write("users", 0600, "a:{PLAIN}x:nobody:1\n");
	assert_int_equal(check("a", "x"), AUTH_GRANTED);
	assert_int_equal(identity.uid, nobody->pw_uid);
}

static void expect_unusable(const char *line, const char *why)
{
	scratch_write("users", 0600, line);
	assert_int_equal(check("a", "x"), AUTH_PERMANENT);
	expect_logged("1", why);
	assert_int_equal(check("a", "y"), AUTH_DENIED);
}

static void ids_that_nobody_may_have_are_refused(
	void **state)
{
	(void)state;
	expect_unusable("a:{PLAIN}x:0:5\n", "user cannot log in: uid 0 and");
	expect_unusable("a:{PLAIN}x:00:5\n", "user cannot log in: uid 0 and");
	expect_unusable("a:{PLAIN}x:root:5\n", "user cannot log in: uid 0");
	expect_unusable("a:{PLAIN}x:5:0\n", "user cannot log in: uid 0 and");
	expect_unusable("a:{PLAIN}x:4294967295:5\n", "user cannot log in: its "
		"uid is neither");
	expect_unusable("a:{PLAIN}x:4294967296:5\n", "user cannot log in: its "
		"uid is neither");
	expect_unusable("a:{PLAIN}x:-1:5\n", "user cannot log in: its uid");
	expect_unusable("a:{PLAIN}x:5:no such group\n", "user cannot log in: "
		"its gid is neither");
}

static void with_no_ids_at_all_only_root_cannot_help(void **state)
{
	const struct backend_settings usual = { .uid = no_string,
		.gid = no_string, .home = no_string };

	(void)state;
	scratch_write("users", 0600, "a:{PLAIN}x\n");
	if (geteuid() == 0) {
		assert_int_equal(check_with(&usual, "a", "x"),
			AUTH_PERMANENT);
		expect_logged("1", "user cannot log in: it has no uid");
		return;
	}
	assert_int_equal(check_with(&usual, "a", "x"), AUTH_GRANTED);
	assert_int_equal(identity.uid, geteuid());
	assert_int_equal(identity.gid, getegid());
}

static void the_home_of_the_backend_is_made_from_the_name(void **state)
{
	static char id[] = "1234", pattern[] = "/mail/%d/%n/%u%%";
	const struct backend_settings usual = { .uid = id, .gid = id,
		.home = pattern };

	(void)state;
	scratch_write("users", 0600, "a@b.example:{PLAIN}x\nc:{PLAIN}x\n"
		"d@e:{PLAIN}x::::/own/%n\n");
	assert_int_equal(check_with(&usual, "a@b.example", "x"), AUTH_GRANTED);
	assert_string_equal(identity.home,
		"/mail/b.example/a/a@b.example%");
	assert_int_equal(check_with(&usual, "c", "x"), AUTH_PERMANENT);
	expect_logged("2", "user cannot log in: the home of the backend needs "
		"a domain");
	assert_int_equal(check_with(&usual, "d@e", "x"), AUTH_GRANTED);
	assert_string_equal(identity.home, "/own/%n");
}

static void a_file_that_cannot_be_read_is_temporary(void **state)
{
	(void)state;
	assert_int_equal(check("a", "x"), AUTH_TEMPORARY);
	assert_non_null(strstr(scratch_errors(), "No such file or directory"));
	scratch_make_directory("users");
	assert_int_equal(check("a", "x"), AUTH_TEMPORARY);
	assert_non_null(strstr(scratch_errors(), "is not a regular file"));
	assert_int_equal(rmdir(scratch_path("users")), 0);
	assert_int_equal(mkfifo(scratch_path("users"), 0600), 0);
	assert_int_equal(check("a", "x"), AUTH_TEMPORARY);
	assert_int_equal(count_logged(), 3);
}

static void a_file_without_permission_is_temporary(void **state)
{
	(void)state;
	if (geteuid() == 0)
		skip();
	scratch_write("users", 0000, "a:{PLAIN}x\n");
	assert_int_equal(check("a", "x"), AUTH_TEMPORARY);
	assert_non_null(strstr(scratch_errors(), "Permission denied"));
}

static void no_password_is_ever_logged(void **state)
{
	(void)state;
	scratch_write("users", 0600, "a:{XY}QWERTY\nQWERTY\nb:QWERTY\n"
		"a:{PLAIN}QWERTY\nc:{PLAIN}QWERTY:0\nd:{QWERTY\n");
	check("a", "QWERTY");
	check("b", "QWERTY");
	check("c", "QWERTY");
	check("d", "QWERTY");
	assert_null(strstr(scratch_errors(), "QWERTY"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("every kind of hash grants its password only",
			every_kind_of_hash_grants_its_password_only),
		SCRATCH_CASE("plain passwords match whole and in their case",
			plain_passwords_match_whole_and_in_their_case),
		SCRATCH_CASE("digests of Dovecot grant their password only",
			digests_of_dovecot_grant_their_password_only),
		SCRATCH_CASE("a broken digest decides nothing and is logged",
			a_broken_digest_decides_nothing_and_is_logged),
		SCRATCH_CASE("only the suffixes of Dovecot are known",
			only_the_suffixes_of_dovecot_are_known),
		SCRATCH_CASE("locked and empty hashes fit no password",
			locked_and_empty_hashes_fit_no_password),
		SCRATCH_CASE("an unknown scheme is temporary and named",
			an_unknown_scheme_is_temporary_and_named),
		SCRATCH_CASE("an unknown kind of crypt hash is temporary",
			an_unknown_kind_of_crypt_is_temporary),
		SCRATCH_CASE("an unknown user is unknown in any file",
			an_unknown_user_is_unknown_in_any_file),
		SCRATCH_CASE("an unknown user costs as much as a known one",
			an_unknown_user_costs_as_much_as_a_known_one),
		SCRATCH_CASE("a bad line costs no other user, is logged once",
			a_bad_line_costs_no_other_user_and_is_logged_once),
		SCRATCH_CASE("each kind of bad line is told by its fault",
			each_kind_of_bad_line_is_told_by_its_fault),
		SCRATCH_CASE("of two lines for a user the first counts",
			of_two_lines_for_a_user_the_first_counts),
		SCRATCH_CASE("ids of the line come before the backend's",
			ids_of_the_line_come_before_those_of_the_backend),
		SCRATCH_CASE("ids may be names of the system",
			ids_may_be_names_of_the_system),
		SCRATCH_CASE("ids that nobody may have are refused, after the "
			"password is checked",
			ids_that_nobody_may_have_are_refused),
		SCRATCH_CASE("without any ids root refuses, others are it",
			with_no_ids_at_all_only_root_cannot_help),
		SCRATCH_CASE("the home of the backend is made from the name",
			the_home_of_the_backend_is_made_from_the_name),
		SCRATCH_CASE("a file that cannot be read is temporary",
			a_file_that_cannot_be_read_is_temporary),
		SCRATCH_CASE("a file without permission is temporary",
			a_file_without_permission_is_temporary),
		SCRATCH_CASE("no password is ever logged",
			no_password_is_ever_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
