/*
 * sasl_state.h - one SASL exchange, as sasl.c and sasl_tell.c know it
 */
#ifndef POSTERN_SASL_STATE_H
#define POSTERN_SASL_STATE_H

#include <gsasl.h>

#include "auth_dovecot.h"
#include "auth_scram.h"
#include "sasl.h"

struct sasl {
	const struct sasl_facts *facts;
	struct sasl_outcome outcome;
	Gsasl *library;
	Gsasl_session *session;
	struct scram_keys keys;		/* of the user, or made up */
	struct auth_dovecot *relay;	/* NULL: it is ours */
	struct auth_attempt relayed;
	bool is_relayed;		/* and over */
	const char *octets;		/* the response of this step */
	size_t count;
	bool has_begun, has_keys, has_said_last;
};

/* Remember whom the client names, and see what that name asks for. */
void sasl_take_name(struct sasl *sasl, const char *name);

/* What the back ends are asked: the name that was taken, and a secret. */
struct auth_attempt sasl_attempt(const struct sasl *sasl, const char *secret);

/* What GNU SASL asks when it has come so far. */
int sasl_tell(Gsasl *library, Gsasl_session *session,
	Gsasl_property property);

/*
 * An exchange with the Dovecot that auth_relay() names.  Begin returns 0, or
 * -1 with errno ENOMEM; end must follow.
 */
int sasl_relay_begin(struct sasl *sasl);
enum sasl_event sasl_relay_step(struct sasl *sasl, const char *response,
	char challenge[WIRE_IMAGE_BYTES]);
void sasl_relay_end(struct sasl *sasl);

#endif
