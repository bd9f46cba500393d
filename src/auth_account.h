/*
 * auth_account.h - the uid and gid of a user, from numbers or system names
 */
#ifndef POSTERN_AUTH_ACCOUNT_H
#define POSTERN_AUTH_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Read 'text' as a decimal number or as the name of a system user or group.
 * Returns false if it is neither, and for the number that means "none", (id)-1.
 */
bool account_find_uid(const char *text, uid_t *uid);
bool account_find_gid(const char *text, gid_t *gid);

/* Return true if the system knows 'name' as a user with this uid. */
bool account_is_system_user(const char *name, uid_t uid);

#endif
