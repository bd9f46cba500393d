/*
 * auth_offer.h - connect to a Dovecot, and hear what mechanisms it offers
 */
#ifndef POSTERN_AUTH_OFFER_H
#define POSTERN_AUTH_OFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth_socket.h"
#include "settings.h"

/* All mechanisms that exist, with the blanks between them. */
#define AUTH_OFFER_BYTES 1024

/*
 * Connect to the 'path' of 'backend' and exchange greetings.  Writes the
 * mechanisms that can be relayed to 'list', as far as 'room' bytes go, with a
 * blank between.  Returns 0, or -1 after a log line, and 'talk' is closed.
 */
int auth_offer_connect(const struct backend_settings *backend,
	struct auth_socket *talk, char *list, size_t room, int64_t deadline_ms);

/* Whether 'list' holds the mechanism 'name'. */
bool auth_offer_has(const char *list, const char *name);

/* Log what is wrong with the server. */
void auth_offer_log(const struct backend_settings *backend, const char *why);

#endif
