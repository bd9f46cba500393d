/*
 * exchange.h - AUTH: what client and keeper say to each other, relayed
 */
#ifndef POSTERN_EXCHANGE_H
#define POSTERN_EXCHANGE_H

#include "mechanism.h"
#include "pop3.h"

/* What stands behind AUTH. */
struct exchange_request {
	enum mechanism mechanism;	/* MECHANISMS: not one that we know */
	const char *response;		/* the initial one; NULL: none */
};

/* Ends of an exchange that are no answer of the keeper's. */
#define EXCHANGE_CANCELLED (-2)		/* the client sent '*' */
#define EXCHANGE_LOST (-3)		/* it is gone; report.end says how */

/*
 * Take "mechanism [initial-response]" apart; the response, of base64, points
 * into 'text', or is "" for '='.  Returns 0, or -1 if it is something else.
 * RFC 5034 section 4.
 */
int exchange_parse(const char *text, struct exchange_request *request);

/*
 * Until when to wait for the keeper's answer to an attempt: it ends a check
 * that takes too long itself, and opening a large mailbox may take longer than
 * a login.
 */
int64_t exchange_deadline_ms(const struct session *session);

/*
 * Relay an exchange with the keeper at the other end of 'keeper_fd', which it
 * takes over, to its end.
 *
 * Returns what mailbox_login() does, but WIRE_LOGIN_CHALLENGE, or one of the
 * two above.
 */
int exchange_run(struct session *session, const struct pop3_state *state,
	int keeper_fd, const struct exchange_request *request);

#endif
