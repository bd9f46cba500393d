/*
 * auth_program.h - back end: a program with the checkpassword interface
 */
#ifndef POSTERN_AUTH_PROGRAM_H
#define POSTERN_AUTH_PROGRAM_H

#include "auth.h"

/*
 * Run the command of 'backend' with postern-reply as its last argument: the
 * attempt is on its descriptor 3, and postern-reply tells who it became.
 * Exit 0 after a reply grants, 1 denies, all else is AUTH_TEMPORARY, logged;
 * so is a program that runs longer than the 'timeout' of 'backend'.  Exit 0
 * without a reply is AUTH_STUCK, logged: the password was right.
 */
enum auth_result auth_program_check(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity);

#endif
