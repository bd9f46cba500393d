/*
 * auth_userdb.h - who a user of Dovecot is on this machine
 */
#ifndef POSTERN_AUTH_USERDB_H
#define POSTERN_AUTH_USERDB_H

#include "auth.h"

/*
 * Find out who identity->name is, whose password was right: ask the socket
 * 'userdb' of 'backend', if one is set, for uid, gid, home and mail; take what
 * it does not tell from 'backend', as for a line of a passwd-file.
 *
 * A "mail=maildir:/path" becomes identity->maildir.  The userdb may change the
 * user's name.  Returns AUTH_GRANTED; AUTH_PERMANENT (logged): not known there,
 * no uid or gid, one of them 0, or mail that is in no Maildir; AUTH_STUCK
 * (logged): could not be asked, or gave no right answer.
 * Blocks for 'timeout' of 'backend'.
 */
enum auth_result auth_userdb_find(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity);

#endif
