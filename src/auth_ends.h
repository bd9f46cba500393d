/*
 * auth_ends.h - both ends of the client's connection, as Dovecot is told them
 */
#ifndef POSTERN_AUTH_ENDS_H
#define POSTERN_AUTH_ENDS_H

#include "auth.h"
#include "tabbed.h"

/*
 * Add the fields that AUTH and USER share: the service, whether there is TLS,
 * addresses and ports.  What is not known (of a local client, say) is left out.
 */
void auth_ends_add(struct tabbed_line *line,
	const struct auth_attempt *attempt);

#endif
