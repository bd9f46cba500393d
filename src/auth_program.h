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

/*
 * Run the command of 'backend', of type token, with the token as the password
 * of the attempt, whose name may be "": exit 0 grants, after the user's name
 * was written to descriptor 4, maybe with a line end; 1 denies; all else is
 * AUTH_TEMPORARY, as above.
 */
enum auth_result auth_program_token(const struct backend_settings *backend,
	const struct auth_attempt *attempt, char name[AUTH_NAME_OCTETS + 1]);

#endif
