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

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the vectors of RFC 5802 and RFC 7677 are met", vectors,
			NULL, NULL, NULL },
		{ "what is no key is refused", no_keys, NULL, NULL, NULL },
		{ "a salt has at most 64 octets", long_salts,
			NULL, NULL, NULL },
		{ "a salt that is made up stays, keys do not", made_up,
			NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
