/*
 * mechanism.c - SASL mechanisms: their names, and what each of them needs
 *
 * Runs in: workers, which offer them, and keepers, which check that again.
 * Pure.
 */
#include "config.h"

#include "mechanism.h"

#include <strings.h>

static const struct row {
	const char *name;
	uint32_t abilities;		/* all of these */
	bool is_cleartext, is_bound, is_external;
} rows[MECHANISMS] = {
	[MECHANISM_EXTERNAL] = { "EXTERNAL", ABILITY_NAME,
		.is_external = true },
	[MECHANISM_SCRAM_SHA_256_PLUS] = { "SCRAM-SHA-256-PLUS",
		ABILITY_SCRAM_SHA_256 | ABILITY_PLUS, .is_bound = true },
	[MECHANISM_SCRAM_SHA_1_PLUS] = { "SCRAM-SHA-1-PLUS",
		ABILITY_SCRAM_SHA_1 | ABILITY_PLUS, .is_bound = true },
	[MECHANISM_SCRAM_SHA_256] = { "SCRAM-SHA-256",
		ABILITY_SCRAM_SHA_256, .is_bound = false },
	[MECHANISM_SCRAM_SHA_1] = { "SCRAM-SHA-1",
		ABILITY_SCRAM_SHA_1, .is_bound = false },
	[MECHANISM_OAUTHBEARER] = { "OAUTHBEARER", ABILITY_TOKEN,
		.is_cleartext = true },
	[MECHANISM_XOAUTH2] = { "XOAUTH2", ABILITY_TOKEN,
		.is_cleartext = true },
	[MECHANISM_PLAIN] = { "PLAIN", ABILITY_PASSWORD,
		.is_cleartext = true },
	[MECHANISM_LOGIN] = { "LOGIN", ABILITY_PASSWORD,
		.is_cleartext = true },
};

const char *mechanism_name(enum mechanism mechanism)
{
	return rows[mechanism].name;
}

enum mechanism mechanism_find(const char *name)
{
	int i = 0;

	while (i < MECHANISMS && strcasecmp(rows[i].name, name) != 0)
		i++;
	return (enum mechanism)i;
}

bool mechanism_is_cleartext(enum mechanism mechanism)
{
	return rows[mechanism].is_cleartext;
}

bool mechanism_can_work(enum mechanism mechanism, uint32_t abilities,
	uint32_t permitted, const struct mechanism_channel *channel)
{
	const struct row *row = &rows[mechanism];

#ifndef HAVE_GSASL
	permitted = 0;
#endif
	return (permitted & UINT32_C(1) << mechanism) != 0 &&
		(abilities & row->abilities) == row->abilities &&
		(!row->is_cleartext || channel->may_cleartext) &&
		(!row->is_bound || channel->has_binding) &&
		(!row->is_external || channel->has_name);
}
