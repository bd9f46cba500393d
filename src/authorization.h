/*
 * authorization.h - the AUTHORIZATION state: CAPA STLS USER PASS AUTH QUIT
 */
#ifndef POSTERN_AUTHORIZATION_H
#define POSTERN_AUTHORIZATION_H

#include "pop3.h"

/* RFC 1939 section 4, RFC 2449, RFC 2595, RFC 3206. */
extern const struct pop3_state authorization_state;

/*
 * Make the session a TLS session and note it in the report.  Returns
 * POP3_CONTINUE, or POP3_OVER when the handshake failed.
 */
enum pop3_event authorization_start_tls(struct session *session);

#endif
