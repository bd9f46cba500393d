/*
 * login.h - one login attempt, from its first record to a user who is granted
 *
 * For keeper.c, in whose process it runs.
 */
#ifndef POSTERN_LOGIN_H
#define POSTERN_LOGIN_H

#include "keeper.h"
#include "sasl.h"
#include "wire.h"

/*
 * Receive an attempt and check it, by a password or by a SASL exchange.
 *
 * Returns only when it is granted, with who that is in 'login'.  Else it
 * answers, after the penalty if the client was wrong, and exits with the code
 * that says so.  SIGTERM ends no work from here on, and SIGALRM the process
 * when it has taken too long.
 */
void login_run(const struct keeper *keeper, struct sasl_outcome *login);

/* Say why there is no session though the user is who they say, and exit. */
_Noreturn void login_give_up(const struct keeper *keeper,
	enum wire_login_status status);

/* End this process by SIGALRM in 'seconds', or (0) not. */
void login_set_alarm(uint32_t seconds);

#endif
