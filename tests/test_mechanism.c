/*
 * test_mechanism.c - which SASL mechanisms can work, and when
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mechanism.h"

#define ALL ((UINT32_C(1) << MECHANISMS) - 1)
#define EVERY_ABILITY 63

/* All that can work, in the order in which they are offered. */
static const char *offer(uint32_t abilities, uint32_t permitted,
	const struct mechanism_channel *channel)
{
	static char line[256];
	size_t count = 0;

#ifndef HAVE_GSASL
	skip();
#endif
	line[0] = '\0';
	for (int i = 0; i < MECHANISMS; i++)
		if (mechanism_can_work((enum mechanism)i, abilities,
				permitted, channel))
			count += (size_t)snprintf(line + count,
				sizeof(line) - count, "%s ",
				mechanism_name((enum mechanism)i));
	return line;
}

static void names(void **state)
{
	(void)state;
	for (int i = 0; i < MECHANISMS; i++)
		assert_int_equal(mechanism_find(mechanism_name(
			(enum mechanism)i)), i);
	assert_int_equal(mechanism_find("scram-sha-256-plus"),
		MECHANISM_SCRAM_SHA_256_PLUS);
	assert_int_equal(mechanism_find("SCRAM-SHA-25"), MECHANISMS);
	assert_int_equal(mechanism_find(""), MECHANISMS);
	assert_int_equal(mechanism_find("CRAM-MD5"), MECHANISMS);
}

static void channels(void **state)
{
	static const struct mechanism_channel bare = { false, false, false },
		clear = { true, false, false }, bound = { true, true, false },
		known = { true, true, true };

	(void)state;
	assert_string_equal(offer(EVERY_ABILITY, ALL, &bare),
		"SCRAM-SHA-256 SCRAM-SHA-1 ");
	assert_string_equal(offer(EVERY_ABILITY, ALL, &clear),
		"SCRAM-SHA-256 SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN ");
	assert_string_equal(offer(EVERY_ABILITY, ALL, &bound),
		"SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
		"SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN ");
	assert_string_equal(offer(EVERY_ABILITY, ALL, &known),
		"EXTERNAL SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 "
		"SCRAM-SHA-1 OAUTHBEARER XOAUTH2 PLAIN LOGIN ");
}

static void abilities(void **state)
{
	static const struct mechanism_channel known = { true, true, true };

	(void)state;
	assert_string_equal(offer(0, ALL, &known), "");
	assert_string_equal(offer(ABILITY_PASSWORD, ALL, &known),
		"PLAIN LOGIN ");
	assert_string_equal(offer(ABILITY_SCRAM_SHA_1, ALL, &known),
		"SCRAM-SHA-1 ");
	assert_string_equal(offer(ABILITY_SCRAM_SHA_256 | ABILITY_PLUS, ALL,
		&known), "SCRAM-SHA-256-PLUS SCRAM-SHA-256 ");
	assert_string_equal(offer(ABILITY_PLUS, ALL, &known), "");
	assert_string_equal(offer(ABILITY_NAME, ALL, &known), "EXTERNAL ");
	assert_string_equal(offer(ABILITY_TOKEN, ALL, &known),
		"OAUTHBEARER XOAUTH2 ");
}

static void permitted(void **state)
{
	static const struct mechanism_channel known = { true, true, true };

	(void)state;
	assert_string_equal(offer(EVERY_ABILITY, 0, &known), "");
	assert_string_equal(offer(EVERY_ABILITY, 1 << MECHANISM_PLAIN, &known),
		"PLAIN ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a name is found in any case, and whole", names,
			NULL, NULL, NULL },
		{ "the channel decides what can be offered", channels,
			NULL, NULL, NULL },
		{ "the back ends decide what can be offered", abilities,
			NULL, NULL, NULL },
		{ "what the settings do not permit is not offered", permitted,
			NULL, NULL, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
