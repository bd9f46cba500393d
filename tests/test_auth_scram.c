/*
 * test_auth_scram.c - SCRAM keys: the RFCs' vectors, and what is no key
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth_salt.h"
#include "auth_scram.h"

/* RFC 5802 section 5 and RFC 7677 section 3: the password is "pencil". */
#define SHA_1 "4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=," \
	"D+CSWLOshSulAsxiupA+qs2/fTE="
#define SHA_256 "4096,W22ZaJ0SNY7soEsUEjb6gQ==," \
	"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=," \
	"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="

static void expect_vector(enum scram_digest digest, const char *text)
{
	struct scram_keys stored, derived;
	size_t bytes = scram_digest_bytes(digest);

	assert_true(scram_parse(digest, text, &stored));
	assert_int_equal(stored.iterations, 4096);
	derived = stored;
	memset(derived.stored_key, 0, sizeof(derived.stored_key));
	memset(derived.server_key, 0, sizeof(derived.server_key));
	assert_int_equal(scram_derive(digest, "pencil", &derived), 0);
	assert_memory_equal(derived.stored_key, stored.stored_key, bytes);
	assert_memory_equal(derived.server_key, stored.server_key, bytes);
	assert_int_equal(scram_derive(digest, "pencils", &derived), 0);
	assert_memory_not_equal(derived.stored_key, stored.stored_key, bytes);
}

static void vectors(void **state)
{
	(void)state;
	expect_vector(SCRAM_SHA_1, SHA_1);
	expect_vector(SCRAM_SHA_256, SHA_256);
	expect_vector(SCRAM_SHA_256, SHA_256 " readonly");
}

static void no_keys(void **state)
{
	static const char *const texts[] = {
		"", "4096", "4096,", "4096,QSXCR+Q6sek8bf92",
		"0,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
			"D+CSWLOshSulAsxiupA+qs2/fTE=",
		"-1,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
			"D+CSWLOshSulAsxiupA+qs2/fTE=",
		"99999999999999999999,QSXCR+Q6sek8bf92,"
			"6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
			"D+CSWLOshSulAsxiupA+qs2/fTE=",
		"4096,,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,"
			"D+CSWLOshSulAsxiupA+qs2/fTE=",
		"4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=",
		"4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,",
		"4096,QSXCR+Q6sek8bf92,!,D+CSWLOshSulAsxiupA+qs2/fTE=",
		SHA_1 ",x", SHA_256,
	};
	struct scram_keys keys;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_false(scram_parse(SCRAM_SHA_1, texts[i], &keys));
	assert_false(scram_parse(SCRAM_SHA_256, SHA_1, &keys));
}

static void long_salts(void **state)
{
	char text[512];
	struct scram_keys keys;

	(void)state;
	/* 64 octets are 86 of base64 and padding; 66 are 88. */
	snprintf(text, sizeof(text), "4096,%.86s==,%s",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", SHA_1 + 22);
	assert_true(scram_parse(SCRAM_SHA_1, text, &keys));
	assert_int_equal(keys.salt_bytes, 64);
	snprintf(text, sizeof(text), "4096,%.88s,%s",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", SHA_1 + 22);
	assert_false(scram_parse(SCRAM_SHA_1, text, &keys));
}

static void made_up(void **state)
{
	struct scram_keys a, b;

	(void)state;
	salt_begin();
	salt_of("jim", &a);
	salt_of("jim", &b);
	assert_int_equal(a.salt_bytes, 16);
	assert_memory_equal(a.salt, b.salt, 16);
	salt_of("jin", &b);
	assert_memory_not_equal(a.salt, b.salt, 16);
	assert_int_equal(scram_make_up(&a), 0);
	assert_int_equal(scram_make_up(&b), 0);
	assert_memory_not_equal(a.stored_key, b.stored_key, 32);
	assert_memory_not_equal(a.stored_key, a.server_key, 32);
}

/* Whether new keys of 'password' are those of 'normal'. */
static void expect_enrolled(enum scram_digest digest, const char *password,
	const char *normal)
{
	char text[SCRAM_TEXT_BYTES];
	struct scram_keys stored, derived;

	assert_int_equal(scram_enrol(digest, password, text), 0);
	assert_true(scram_parse(digest, text, &stored));
	assert_int_equal(stored.iterations, SCRAM_ITERATIONS);
	assert_int_equal(stored.salt_bytes, 16);
	derived = stored;
	assert_int_equal(scram_derive(digest, normal, &derived), 0);
	assert_memory_equal(stored.stored_key, derived.stored_key,
		scram_digest_bytes(digest));
	assert_memory_equal(stored.server_key, derived.server_key,
		scram_digest_bytes(digest));
}

static void enrolment(void **state)
{
	char texts[2][SCRAM_TEXT_BYTES];

	(void)state;
	expect_enrolled(SCRAM_SHA_1, "secret", "secret");
	expect_enrolled(SCRAM_SHA_256, " two  words ", " two  words ");
	/* A letter and its dots become one; no UTF-8 stays as it is. */
	expect_enrolled(SCRAM_SHA_256, "a\xcc\x88", "\xc3\xa4");
	expect_enrolled(SCRAM_SHA_256, "\xff\xfe", "\xff\xfe");
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(scram_enrol(SCRAM_SHA_256, "x", texts[i]), 0);
	assert_string_not_equal(texts[0], texts[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the vectors of RFC 5802 and RFC 7677 are met", vectors,
			NULL, NULL, NULL },
		{ "what is no key is refused", no_keys, NULL, NULL, NULL },
		{ "a salt has at most 64 octets", long_salts,
			NULL, NULL, NULL },
		{ "what a new password is given are its keys, with a new salt",
			enrolment, NULL, NULL, NULL },
		{ "a salt that is made up stays, keys do not", made_up,
			NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
