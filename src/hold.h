/*
 * hold.h - a client that falls silent lets others have its maildrop
 *
 * Nothing is asked of a client that talks, and a silent one that nobody took
 * over goes on as if nothing had been.
 */
#ifndef POSTERN_HOLD_H
#define POSTERN_HOLD_H

#include "pop3.h"

/*
 * From now on, which is after the login, let the keeper let go of the maildrop
 * when the client has been silent for mailbox.takeover-after, ask it every few
 * seconds whether another session has it, and have it back when the client is
 * heard again.
 */
void hold_begin(struct session *session);

/*
 * Before a command is served: say POP3_CONTINUE if the maildrop is ours, else
 * tell the client that it is not, and that the session is over.
 */
enum pop3_event hold_check(struct session *session);

#endif
