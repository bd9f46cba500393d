/*
 * sasl.h - the server's side of one SASL exchange
 *
 * Runs in a keeper, as root or as the invoking user.  RFC 4422.
 */
#ifndef POSTERN_SASL_H
#define POSTERN_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth.h"
#include "auth_name.h"
#include "mechanism.h"
#include "wire.h"

/* What an exchange is given; all of it must outlive the exchange. */
struct sasl_facts {
	const struct settings *settings;
	struct auth_attempt attempt;	/* without name and password */
	enum mechanism mechanism;
	const uint8_t *binding;		/* WIRE_BINDING_BYTES, or NULL */
	const char *client_name;	/* of its certificate; "" if none */
};

/* What came of it, once it is over. */
struct sasl_outcome {
	enum auth_result result;	/* never AUTH_UNKNOWN */
	bool is_malformed;		/* DENIED: nothing was guessed */
	char name[WIRE_NAME_OCTETS + 1]; /* as the client sent it; "" */
	struct auth_login login;
	struct auth_identity identity;
	/* DENIED: a last challenge, in base64, before that is said; or "" */
	char farewell[128];
};

enum sasl_event { SASL_CHALLENGE, SASL_OVER };

struct sasl;

/* Begin an exchange.  Returns NULL if it can't be had; sasl_end() ends it. */
struct sasl *sasl_begin(const struct sasl_facts *facts);

/*
 * Take the client's response in base64; NULL before it has sent one.
 *
 * challenge: where the next challenge is stored in base64, NUL-terminated.
 * Returns SASL_CHALLENGE, or SASL_OVER once the outcome is there.  Blocks as
 * auth_check() does.
 */
enum sasl_event sasl_step(struct sasl *sasl, const char *response,
	char challenge[WIRE_IMAGE_BYTES]);

/* What came of an exchange that is over; good until sasl_end(). */
const struct sasl_outcome *sasl_outcome(const struct sasl *sasl);

/* Free it, and wipe what it knew. */
void sasl_end(struct sasl *sasl);

#endif
