/*
 * mechanism.h - SASL mechanisms: their names, and what each of them needs; pure
 */
#ifndef POSTERN_MECHANISM_H
#define POSTERN_MECHANISM_H

#include <stdbool.h>
#include <stdint.h>

/* In the order in which they are offered: the best first. */
enum mechanism {
	MECHANISM_EXTERNAL,
	MECHANISM_SCRAM_SHA_256_PLUS, MECHANISM_SCRAM_SHA_1_PLUS,
	MECHANISM_SCRAM_SHA_256, MECHANISM_SCRAM_SHA_1,
	MECHANISM_OAUTHBEARER, MECHANISM_XOAUTH2,
	MECHANISM_PLAIN, MECHANISM_LOGIN,
	MECHANISMS
};

/* What back ends can do, as bits: each mechanism needs one of them. */
enum ability {
	ABILITY_PASSWORD = 1,	/* compare a password */
	ABILITY_SCRAM_SHA_1 = 2, ABILITY_SCRAM_SHA_256 = 4,
	ABILITY_PLUS = 8,	/* SCRAM bound to our TLS channel, too */
	ABILITY_NAME = 16,	/* tell who somebody is, without a password */
	ABILITY_TOKEN = 32,	/* judge a bearer token */
	ABILITY_CLEARTEXT = 64	/* tell whose password may come in clear */
};

/* What is known of the connection. */
struct mechanism_channel {
	bool may_cleartext;	/* passwords and tokens may come as they are */
	bool has_binding;	/* a TLS exporter, RFC 9266 */
	bool has_name;		/* the client's certificate was verified */
};

/* The registered name, in capitals. */
const char *mechanism_name(enum mechanism mechanism);

/* Find the mechanism called 'name' in any case, or return MECHANISMS. */
enum mechanism mechanism_find(const char *name);

/* Whether it tells us a password or token as it is. */
bool mechanism_is_cleartext(enum mechanism mechanism);

/*
 * Whether 'mechanism' can work now; none can if this was built without GNU
 * SASL.
 *
 * abilities: bits of enum ability.  permitted: a bit for each mechanism that
 * the settings permit, 1 << mechanism.
 */
bool mechanism_can_work(enum mechanism mechanism, uint32_t abilities,
	uint32_t permitted, const struct mechanism_channel *channel);

#endif
