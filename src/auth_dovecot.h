/*
 * auth_dovecot.h - back end: the authentication server of a Dovecot
 *
 * Passwords are asked for by auth_dovecot_check().  What that is made of is a
 * relay for any SASL mechanism that the server offers, for who has the client's
 * responses:
 *
 *	struct auth_dovecot exchange;
 *	bool goes_on = auth_dovecot_begin(&exchange, backend, &attempt,
 *		"SCRAM-SHA-256", response);
 *
 *	while (goes_on) {
 *		... send exchange.challenge to the client, get its response;
 *		... leave the loop if the client cancels, or is gone
 *		goes_on = auth_dovecot_step(&exchange, response);
 *	}
 *	result = auth_dovecot_end(&exchange, &identity);
 *
 * Responses and challenges are base64 without line ends, "" for an empty one,
 * shorter than AUTH_SOCKET_OCTETS, and nothing of them is understood here.  A
 * last challenge that goes with a success (the server's signature of SCRAM)
 * comes as one more challenge, whose response is "": POP3 has no other place
 * for it, RFC 5034 section 4.  The client's name is in its responses: a folder
 * in it is not taken apart.  Mechanisms that are bound to the TLS channel can't
 * be relayed.
 *
 * Each exchange has a connection of its own, since Dovecot lets one that has
 * guessed wrong wait.  It answers a failure late by itself (auth_failure_delay
 * and its penalty for the address): whoever waits on a failure, too, counts
 * from the beginning of the exchange, so that the longer one of both holds.
 */
#ifndef POSTERN_AUTH_DOVECOT_H
#define POSTERN_AUTH_DOVECOT_H

#include "auth.h"
#include "auth_socket.h"

/* One exchange.  'challenge' is for the caller, the rest is not. */
struct auth_dovecot {
	char *challenge;	/* in base64, valid until the next call */
	const struct backend_settings *backend;
	const struct auth_attempt *attempt;
	enum auth_result result;
	char user[AUTH_NAME_OCTETS + 1];	/* as the server calls it */
	struct auth_socket talk;
};

/*
 * Ask the server for the mechanisms that it offers now, and write them to
 * 'list', in its order and with a blank between: "PLAIN LOGIN SCRAM-SHA-256".
 * Those that are private, anonymous or bound to the channel are left out, and
 * what does not fit in 'room' bytes.
 * Returns 0, or -1 after a log line.  Blocks for 'timeout' of 'backend'.
 */
int auth_dovecot_mechanisms(const struct backend_settings *backend,
	char *list, size_t room);

/*
 * Begin an exchange; auth_dovecot_end() must follow, whatever happens.
 *
 * backend, attempt: must outlive the exchange.  attempt->name: who it is if
 * the server does not say so, or "" if only it can know; ->password is not
 * read.  mechanism: its name, in upper case.  response: the initial one, or
 * NULL for none.
 * Returns true if 'exchange->challenge' waits for a response, false when it is
 * over.  Blocks for 'timeout' of 'backend'.
 */
bool auth_dovecot_begin(struct auth_dovecot *exchange,
	const struct backend_settings *backend,
	const struct auth_attempt *attempt, const char *mechanism,
	const char *response);

/* Go on with the client's response.  Returns and blocks as begin does. */
bool auth_dovecot_step(struct auth_dovecot *exchange, const char *response);

/*
 * End the exchange and tell what came of it; one that is not over is given up,
 * and denied.  If it is granted, find out who that is: see auth_userdb.h.
 *
 * Returns AUTH_GRANTED with all of 'identity' filled in, AUTH_DENIED,
 * AUTH_TEMPORARY (logged: the server is not there, or answers what it may not,
 * or says so), AUTH_STUCK (logged: it granted, and then could not tell who that
 * is) or AUTH_PERMANENT (logged: no usable account).
 */
enum auth_result auth_dovecot_end(struct auth_dovecot *exchange,
	struct auth_identity *identity);

/*
 * Check the password of 'attempt' by PLAIN; results as above.  Dovecot does
 * not tell an unknown user from a wrong password, so it is never AUTH_UNKNOWN.
 */
enum auth_result auth_dovecot_check(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity);

#endif
