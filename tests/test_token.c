/*
 * test_token.c - bearer tokens in OAUTHBEARER and XOAUTH2 responses
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "token.h"

/* A string literal with its length: it may hold a NUL. */
#define OCTETS(literal) literal, sizeof(literal) - 1

typedef int parser(char *octets, size_t count, struct token *token);

static void expect(parser *parse, const char *octets, size_t count,
	const char *name, const char *bearer)
{
	char copy[256];
	struct token token;

	assert_true(count < sizeof(copy));
	memcpy(copy, octets, count);
	copy[count] = '\0';
	assert_int_equal(parse(copy, count, &token), 0);
	assert_string_equal(token.name, name);
	assert_string_equal(token.bearer, bearer);
}

static void expect_refused(parser *parse, const char *octets, size_t count)
{
	char copy[256];
	struct token token;

	assert_true(count < sizeof(copy));
	memcpy(copy, octets, count);
	copy[count] = '\0';
	assert_int_equal(parse(copy, count, &token), -1);
}

/* RFC 7628 section 4.1, and what is as good. */
static void oauthbearer(void **state)
{
	(void)state;
	expect(token_parse_oauthbearer, OCTETS("n,a=user@example.com,\1"
		"host=server.example.com\1port=143\1"
		"auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"),
		"user@example.com",
		"vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
	expect(token_parse_oauthbearer, OCTETS("n,,\1auth=bearer x\1\1"), "",
		"x");
	expect(token_parse_oauthbearer, OCTETS("y,a=j=2Co=3de,\1"
		"auth=BEARER  x.y~z\1qs=a\1\1"), "j,o=e", "x.y~z");
}

static void oauthbearer_refused(void **state)
{
	(void)state;
	expect_refused(token_parse_oauthbearer, OCTETS(""));
	expect_refused(token_parse_oauthbearer, OCTETS("n"));
	expect_refused(token_parse_oauthbearer, OCTETS("n,"));
	expect_refused(token_parse_oauthbearer, OCTETS("n,,"));
	expect_refused(token_parse_oauthbearer, OCTETS("n,,\1"));
	expect_refused(token_parse_oauthbearer, OCTETS("n,,\1\1"));
	expect_refused(token_parse_oauthbearer, OCTETS("n,,auth=Bearer x\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,x,\1auth=Bearer x\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,a=j=2,\1auth=Bearer x\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,a=j=,\1auth=Bearer x\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,a=j=41,\1auth=Bearer x\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("p=tls-exporter,,\1auth=Bearer x\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer x\1\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer x\1\1auth=Bearer y\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer x\0y\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer x=y\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer =\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer x\"y\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer\1\1"));
	expect_refused(token_parse_oauthbearer,
		OCTETS("n,,\1auth=Bearer x\1auth=Bearer x\1\1"));
}

static void xoauth2(void **state)
{
	(void)state;
	expect(token_parse_xoauth2, OCTETS("user=someuser@example.com\1"
		"auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1"
		"\1"), "someuser@example.com",
		"ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
}

static void xoauth2_refused(void **state)
{
	(void)state;
	expect_refused(token_parse_xoauth2, OCTETS(""));
	expect_refused(token_parse_xoauth2, OCTETS("user="));
	expect_refused(token_parse_xoauth2, OCTETS("user=x"));
	expect_refused(token_parse_xoauth2,
		OCTETS("user=\1auth=Bearer x\1\1"));
	expect_refused(token_parse_xoauth2, OCTETS("user=x\1\1"));
	expect_refused(token_parse_xoauth2, OCTETS("auth=Bearer x\1\1"));
	expect_refused(token_parse_xoauth2,
		OCTETS("user=x\1auth=Bearer y\1"));
	expect_refused(token_parse_xoauth2,
		OCTETS("user=x\0\1auth=Bearer y\1\1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "OAUTHBEARER's name and token are found", oauthbearer,
			NULL, NULL, NULL },
		{ "what is not whole OAUTHBEARER is refused",
			oauthbearer_refused, NULL, NULL, NULL },
		{ "XOAUTH2's name and token are found", xoauth2,
			NULL, NULL, NULL },
		{ "what is not whole XOAUTH2 is refused", xoauth2_refused,
			NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
