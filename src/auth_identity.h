/*
 * auth_identity.h - who a user is here: a back end's own words, or settings
 */
#ifndef POSTERN_AUTH_IDENTITY_H
#define POSTERN_AUTH_IDENTITY_H

#include "auth.h"

/* What a back end says of one user; "" where it says nothing. */
struct auth_words {
	const char *uid, *gid;	/* a number, or the name of a system account */
	const char *home;
};

/*
 * Fill in uid, gid and home of 'identity', whose name is there already: as
 * 'words' say, or else as 'backend' is set, where the home is a pattern.
 *
 * Without the rights of root, who we are stands in for uid and gid.
 * Returns NULL, or what is wrong, for the log: no uid or gid, an unknown one,
 * 0, or a home that is too long or needs a domain.
 */
const char *auth_identity_find(const struct backend_settings *backend,
	const struct auth_words *words, struct auth_identity *identity);

#endif
