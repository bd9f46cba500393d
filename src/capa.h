/*
 * capa.h - what we can do, truthfully in both states
 */
#ifndef POSTERN_CAPA_H
#define POSTERN_CAPA_H

#include <stdbool.h>

#include "mechanism.h"
#include "pop3.h"

/* Whether the client has TLS: with us, or with the proxy that it came by. */
bool capa_is_secure(const struct session *session);

/* The TLS session that reaches to the client itself, or NULL. */
const struct tls *capa_clients_tls(const struct session *session);

/* Whether STLS would work now.  RFC 2595 section 4. */
bool capa_has_stls(const struct session *session);

/*
 * Whether USER and PASS are offered now: not in cleartext where the settings
 * forbid that.  RFC 2595 section 3.1, RFC 8314 section 4.1.
 */
bool capa_has_user(const struct session *session);

/*
 * Whether USER and PASS are taken now: also unoffered where some users may send
 * passwords in clear whatever the settings say, which the keeper judges.
 */
bool capa_takes_user(const struct session *session);

/*
 * The mechanisms with which AUTH would be taken now, as bits 1 << mechanism.
 * RFC 5034 section 3.
 */
uint32_t capa_mechanisms(const struct session *session);

/* Answer CAPA in the AUTHORIZATION or the TRANSACTION state.  RFC 2449. */
enum pop3_event capa_authorization(struct session *session,
	const struct pop3_request *request);
enum pop3_event capa_transaction(struct session *session,
	const struct pop3_request *request);

#endif
