/*
 * test_auth.c - several back ends together, names, and folders in them
 */
#include "config.h"

#include <crypt.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "auth.h"
#include "auth_name.h"
#include "scratch.h"

static char id[] = "1234", no_string[] = "";
static struct auth_identity identity;

/* Two passwd-files, "first" and "second", and then a program "third". */
static enum auth_result check(const char *name, const char *password)
{
	char paths[3][SCRATCH_PATH_BYTES];
	char *command[] = { paths[2], NULL };
	struct backend_settings backends[3] = {
		{ .name = paths[0], .path = paths[0] },
		{ .name = paths[1], .path = paths[1] },
		{ .name = paths[2], .command = command, .timeout_s = 60,
			.type = BACKEND_PROGRAM },
	};
	const struct auth_settings settings = { .backends = backends,
		.backend_count = 3 };
	const struct auth_attempt attempt = { .name = name,
		.password = password, .address = "192.0.2.1" };

	for (size_t i = 0; i < 3; i++)
		backends[i].uid = backends[i].gid = id,
		backends[i].home = no_string;
	snprintf(paths[0], SCRATCH_PATH_BYTES, "%s", scratch_path("first"));
	snprintf(paths[1], SCRATCH_PATH_BYTES, "%s", scratch_path("second"));
	snprintf(paths[2], SCRATCH_PATH_BYTES, "%s", scratch_path("third"));
	memset(&identity, 0xff, sizeof(identity));
	return auth_check(&settings, &attempt, &identity);
}

static void write_all(const char *first, const char *second, const char *third)
{
	scratch_write("first", 0600, first);
	scratch_write("second", 0600, second);
	scratch_write("third", 0755, third);
}

#define REFUSES "#!/bin/sh\ntouch \"$0.ran\"\nexit 1\n"

static bool third_has_run(void)
{
	return remove(scratch_path("third.ran")) == 0;
}

static void the_next_one_is_asked_for_an_unknown_user_only(void **state)
{
	(void)state;
	write_all("a:{PLAIN}x\n", "a:{PLAIN}y\nb:{PLAIN}y:77\n", REFUSES);
	assert_int_equal(check("a", "x"), AUTH_GRANTED);
	assert_int_equal(check("a", "y"), AUTH_DENIED);
	assert_false(third_has_run());
	assert_int_equal(check("b", "y"), AUTH_GRANTED);
	assert_int_equal(identity.uid, 77);
	assert_string_equal(identity.name, "b");
	assert_int_equal(check("b", "x"), AUTH_DENIED);
	assert_false(third_has_run());
	assert_int_equal(check("c", "x"), AUTH_DENIED);
	assert_true(third_has_run());
}

static void trouble_with_one_is_temporary_unless_another_knows(void **state)
{
	(void)state;
	scratch_make_directory("first");
	scratch_write("second", 0600, "b:{PLAIN}y\n");
	scratch_write("third", 0755, REFUSES);
	assert_int_equal(check("b", "y"), AUTH_GRANTED);
	assert_int_equal(check("b", "x"), AUTH_DENIED);
	scratch_write("third", 0755, "#!/bin/sh\nexit 111\n");
	assert_int_equal(check("c", "x"), AUTH_TEMPORARY);
}

static void an_unusable_account_ends_the_chain(void **state)
{
	(void)state;
	write_all("a:{PLAIN}x:0\n", "a:{PLAIN}x\n", REFUSES);
	assert_int_equal(check("a", "x"), AUTH_PERMANENT);
	assert_int_equal(identity.uid, 0);
	assert_string_equal(identity.name, "");
}

static void expect_request(const char *expected)
{
	char request[256] = "";
	FILE *file = fopen(scratch_path("third.ran"), "r");

	assert_non_null(file);
	assert_int_equal(fread(request, 1, sizeof(request) - 1, file),
		strlen(expected));
	fclose(file);
	assert_string_equal(request, expected);
}

static void a_bad_name_reaches_no_back_end(void **state)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/", "a\nb",
		"a\x7f", "u@..", "u@.x" };
	char longest[AUTH_NAME_OCTETS + 2];

	(void)state;
	write_all("", "", "#!/bin/sh\n"
		"tr '\\000' '\\n' <&3 | head -n 2 >\"$0.ran\"\nexit 1\n");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(check(bad[i], "x"), AUTH_DENIED);
		expect_request("-\n-\n");
	}
	memset(longest, 'a', sizeof(longest));
	longest[AUTH_NAME_OCTETS + 1] = '\0';
	assert_int_equal(check(longest, "x"), AUTH_DENIED);
	expect_request("-\n-\n");
	assert_string_equal(scratch_errors(), "");
}

static void a_bad_name_is_denied_where_nobody_has_its_password(
	void **state)
{
	(void)state;
	write_all("-:{PLAIN}-\n", "", REFUSES);
	assert_int_equal(check("-", "-"), AUTH_GRANTED);
	assert_int_equal(check("a/b", "-"), AUTH_DENIED);
	assert_int_equal(identity.uid, 0);
}

static void a_password_of_512_octets_is_the_longest(void **state)
{
	char line[AUTH_PASSWORD_OCTETS + 32];
	char password[AUTH_PASSWORD_OCTETS + 2];

	(void)state;
	memset(password, 'p', sizeof(password));
	password[AUTH_PASSWORD_OCTETS] = '\0';
	snprintf(line, sizeof(line), "a:{PLAIN}%s\n", password);
	write_all(line, "", REFUSES);
	assert_int_equal(check("a", password), AUTH_GRANTED);
	password[AUTH_PASSWORD_OCTETS] = 'p';
	password[AUTH_PASSWORD_OCTETS + 1] = '\0';
	assert_int_equal(check("a", password), AUTH_DENIED);
}

/* Stored in one form, sent in the other, and both ways. */
static void names_and_passwords_are_the_same_in_each_form(void **state)
{
	static const char *const names[] = { "j\xc3\xb6rg", "jo\xcc\x88rg" };
	static const char *const passwords[] = { "p\xc3\xa4ss",
		"pa\xcc\x88ss" };
	char line[64];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "%s:{PLAIN}%s\n", names[i],
			passwords[i]);
		write_all("a:{PLAIN}x\n", line, REFUSES);
		for (size_t j = 0; j < 2; j++) {
			assert_int_equal(check(names[j], passwords[j]),
				AUTH_GRANTED);
			assert_int_equal(check(names[j], passwords[1 - j]),
				AUTH_GRANTED);
			/* That of the file may be a directory's name. */
			assert_string_equal(identity.name, names[i]);
			assert_int_equal(check(names[j], "pass"),
				AUTH_DENIED);
		}
		assert_int_equal(check("j\xf6rg", passwords[i]), AUTH_DENIED);
	}
}

static void a_hash_is_that_of_the_normal_form(void **state)
{
	char line[256], hash[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data data = { .initialized = 0 };

	(void)state;
	assert_non_null(crypt_gensalt_rn("$5$", 1000, NULL, 0, hash,
		sizeof(hash)));
	snprintf(line, sizeof(line), "a:{CRYPT}%s\n",
		crypt_r("p\xc3\xa4ss", hash, &data));
	write_all(line, "", REFUSES);
	assert_int_equal(check("a", "p\xc3\xa4ss"), AUTH_GRANTED);
	assert_int_equal(check("a", "pa\xcc\x88ss"), AUTH_GRANTED);
	assert_int_equal(check("a", "p\xe4ss"), AUTH_DENIED);
	/* Of an old client, and an old hash. */
	snprintf(line, sizeof(line), "a:{CRYPT}%s\n",
		crypt_r("p\xe4ss", hash, &data));
	write_all(line, "", REFUSES);
	assert_int_equal(check("a", "p\xe4ss"), AUTH_GRANTED);
	assert_int_equal(check("a", "p\xc3\xa4ss"), AUTH_DENIED);
}

static void a_program_gets_the_normal_form(void **state)
{
	(void)state;
	write_all("", "", "#!/bin/sh\n"
		"tr '\\000' '\\n' <&3 | head -n 2 >\"$0.ran\"\nexit 1\n");
	assert_int_equal(check("jo\xcc\x88rg", "pa\xcc\x88\xc2\xa0s"),
		AUTH_DENIED);
	expect_request("j\xc3\xb6rg\np\xc3\xa4 s\n");
	assert_int_equal(check("j\xf6rg", "p\xe4s\xcc\x88"), AUTH_DENIED);
	expect_request("j\xf6rg\np\xe4s\xcc\x88\n");
}

/* 85 times three octets that become six: too long only in its normal form. */
static void a_name_that_grows_too_long_is_denied(void **state)
{
	char name[AUTH_NAME_OCTETS + 1] = "";

	(void)state;
	for (int i = 0; i < 85; i++)
		strcat(name, "\xe0\xa5\x98");
	write_all("-:{PLAIN}-\n", "", REFUSES);
	assert_int_equal(check(name, "-"), AUTH_DENIED);
	assert_int_equal(identity.uid, 0);
}

static void no_back_end_grants_nothing(void **state)
{
	const struct auth_settings settings = { .backend_count = 0 };
	const struct auth_attempt attempt = { .name = "a", .password = "x",
		.address = "192.0.2.1" };

	(void)state;
	assert_int_equal(auth_check(&settings, &attempt, &identity),
		AUTH_DENIED);
}

static void names_of_mail_are_usable(void **state)
{
	char longest[AUTH_NAME_OCTETS + 1];

	(void)state;
	memset(longest, 'a', AUTH_NAME_OCTETS);
	longest[AUTH_NAME_OCTETS] = '\0';
	assert_true(auth_name_is_usable(longest));
	assert_true(auth_name_is_usable("a"));
	assert_true(auth_name_is_usable("j.doe+x@mail.example"));
	assert_true(auth_name_is_usable("j\xc3\xb6rg x"));
}

static const struct expansion {
	const char *pattern, *name, *home, *path;
} expansions[] = {
	{ "~/Maildir", "a@b", "/h", "/h/Maildir" },
	{ "~", "a@b", "/h", "/h" },
	{ "%h/%u/%n/%d/%%", "a@b", "/h", "/h/a@b/a/b/%" },
	{ "/m/%n", "a", "", "/m/a" },
	{ "/m/%n@%d", "a@b@c", "", "/m/a@b@c" },
	{ "/m/~x/%", "a", "", "/m/~x/%" },
};

static void paths_are_made_of_names(void **state)
{
	char path[AUTH_PATH_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(expansions) / sizeof(expansions[0]);
		i++) {
		const struct expansion *one = &expansions[i];

		assert_int_equal(auth_name_expand(one->pattern, one->name,
			one->home, path), 0);
		assert_string_equal(path, one->path);
	}
}

static void nothing_is_made_of_what_is_missing(void **state)
{
	char path[AUTH_PATH_BYTES];

	(void)state;
	assert_int_equal(auth_name_expand("~/x", "a", "", path), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(auth_name_expand("/%d/x", "a", "/h", path), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(auth_name_expand("/%n/x", "@b", "/h", path), -1);
	assert_int_equal(errno, ENOENT);
}

static void a_path_fits_or_is_refused(void **state)
{
	char path[AUTH_PATH_BYTES], home[AUTH_PATH_BYTES];

	(void)state;
	memset(home, 'h', sizeof(home));
	home[AUTH_PATH_BYTES - 1] = '\0';
	assert_int_equal(auth_name_expand("%h", "a", home, path), 0);
	assert_int_equal(strlen(path), AUTH_PATH_BYTES - 1);
	assert_int_equal(auth_name_expand("%h/", "a", home, path), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

static const struct split {
	const char *sent, *separator, *user, *folder;
} splits[] = {
	{ "joe", "+", "joe", "" },
	{ "joe@example.net", "+", "joe@example.net", "" },
	{ "joe+Junk", "+", "joe", "Junk" },
	{ "joe+Junk.Sub", "+", "joe", "Junk.Sub" },
	{ "joe+Junk@example.net", "+", "joe@example.net", "Junk" },
	{ "joe@example.net+Junk", "+", "joe@example.net", "Junk" },
	{ "joe+a+b", "+", "joe", "a+b" },
	{ "joe+a+b@c", "+", "joe@c", "a+b" },
	{ "joe+a@b+c", "+", "joe@b+c", "a" },
	{ "joe@b+a@c", "+", "joe@b@c", "a" },
	{ "joe+ J\xc3\xb6 ", "+", "joe", " J\xc3\xb6 " },
	{ "joe+junk", "+", "joe", "junk" },
	{ "joe-Junk", "+", "joe-Junk", "" },
	{ "joe-Junk", "-", "joe", "Junk" },
	{ "", "+", "", "" },
	/* Without a separator nothing is taken apart. */
	{ "joe+Junk", "", "joe+Junk", "" },
	{ "joe+", "", "joe+", "" },
	{ "+", "", "+", "" },
};

static void a_folder_stands_behind_the_first_separator(void **state)
{
	struct auth_login login;

	(void)state;
	for (size_t i = 0; i < sizeof(splits) / sizeof(splits[0]); i++) {
		memset(&login, 0xff, sizeof(login));
		auth_name_split(splits[i].sent, splits[i].separator, &login);
		assert_string_equal(login.user, splits[i].user);
		assert_string_equal(login.folder, splits[i].folder);
	}
}

static void a_bad_folder_makes_an_unknown_user(void **state)
{
	static const char *const bad[] = { "+", "++", "+Junk", "+Junk@b",
		"joe+", "joe+@b", "joe+@", "joe+.", "joe+..", "joe+.Junk",
		"joe+../ann", "joe+..@b", "joe+a..b", "joe+a/b", "joe+/",
		"joe+/etc", "joe+Junk/", "joe+Junk/..", "joe+a\nb",
		"joe+a\x7f", "joe+\x01@b" };
	struct auth_login login;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&login, 0xff, sizeof(login));
		auth_name_split(bad[i], "+", &login);
		assert_string_equal(login.user, "");
		assert_string_equal(login.folder, "");
		assert_false(auth_name_is_usable(login.user));
	}
}

static void a_folder_of_200_octets_is_the_longest(void **state)
{
	char sent[AUTH_NAME_OCTETS + 2] = "joe+";
	struct auth_login login;

	(void)state;
	memset(sent + 4, 'f', AUTH_FOLDER_OCTETS);
	auth_name_split(sent, "+", &login);
	assert_string_equal(login.user, "joe");
	assert_int_equal(strlen(login.folder), AUTH_FOLDER_OCTETS);
	sent[4 + AUTH_FOLDER_OCTETS] = 'f';
	auth_name_split(sent, "+", &login);
	assert_string_equal(login.user, "");
}

static void a_name_of_255_octets_is_the_longest(void **state)
{
	char sent[AUTH_NAME_OCTETS + 2];
	struct auth_login login;

	(void)state;
	memset(sent, 'j', sizeof(sent));
	memcpy(sent + AUTH_NAME_OCTETS - 2, "+F", 3);
	auth_name_split(sent, "+", &login);
	assert_int_equal(strlen(login.user), AUTH_NAME_OCTETS - 2);
	assert_string_equal(login.folder, "F");
	memcpy(sent + AUTH_NAME_OCTETS - 2, "+FF", 4);
	auth_name_split(sent, "+", &login);
	assert_string_equal(login.user, "");
	memset(sent, 'j', AUTH_NAME_OCTETS + 1);
	auth_name_split(sent, "", &login);
	assert_string_equal(login.user, "");
	sent[AUTH_NAME_OCTETS] = '\0';
	auth_name_split(sent, "", &login);
	assert_string_equal(login.user, sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("the next one is asked for unknown users only",
			the_next_one_is_asked_for_an_unknown_user_only),
		SCRATCH_CASE("trouble with one is temporary, unless another "
			"knows the user",
			trouble_with_one_is_temporary_unless_another_knows),
		SCRATCH_CASE("an unusable account ends the chain",
			an_unusable_account_ends_the_chain),
		SCRATCH_CASE("a bad name reaches no back end",
			a_bad_name_reaches_no_back_end),
		SCRATCH_CASE("a bad name is denied even where its stand-in "
			"would be granted",
			a_bad_name_is_denied_where_nobody_has_its_password),
		SCRATCH_CASE("a password of 512 octets is the longest",
			a_password_of_512_octets_is_the_longest),
		SCRATCH_CASE("names and passwords are the same in each form",
			names_and_passwords_are_the_same_in_each_form),
		SCRATCH_CASE("a hash is that of the normal form",
			a_hash_is_that_of_the_normal_form),
		SCRATCH_CASE("a program gets the normal form",
			a_program_gets_the_normal_form),
		SCRATCH_CASE("a name that grows too long is denied",
			a_name_that_grows_too_long_is_denied),
		SCRATCH_CASE("no back end grants nothing",
			no_back_end_grants_nothing),
		PLAIN_CASE("names of mail are usable",
			names_of_mail_are_usable),
		PLAIN_CASE("a folder stands behind the first separator, to an "
			"'@' or to the end",
			a_folder_stands_behind_the_first_separator),
		PLAIN_CASE("a bad folder makes a name that nobody has",
			a_bad_folder_makes_an_unknown_user),
		PLAIN_CASE("a folder of 200 octets is the longest",
			a_folder_of_200_octets_is_the_longest),
		PLAIN_CASE("a name of 255 octets is the longest, with a folder "
			"or without", a_name_of_255_octets_is_the_longest),
		PLAIN_CASE("paths are made of names",
			paths_are_made_of_names),
		PLAIN_CASE("nothing is made of what is missing",
			nothing_is_made_of_what_is_missing),
		PLAIN_CASE("a path fits or is refused",
			a_path_fits_or_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
