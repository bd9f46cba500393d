/*
 * auth_owner.h - who owns the mail of users of whom a back end knows no more
 */
#ifndef POSTERN_AUTH_OWNER_H
#define POSTERN_AUTH_OWNER_H

#include "auth.h"

/*
 * Give 'identity', which has a name, the uid, gid and home that the settings of
 * 'backend' have; without the rights of root the uid and gid may be ours.
 * Returns AUTH_GRANTED, or AUTH_PERMANENT, logged.
 */
enum auth_result owner_of_backend(const struct backend_settings *backend,
	struct auth_identity *identity);

#endif
