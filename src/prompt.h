/*
 * prompt.h - ask for a new password
 */
#ifndef POSTERN_PROMPT_H
#define POSTERN_PROMPT_H

#include <stddef.h>

/*
 * Ask twice on the terminal, without echo, if standard input is one; else take
 * the first line of standard input.
 *
 * password: 'room' octets.  A longer one, an empty one, and one with a control
 * character are refused.
 * Returns NULL, or what is wrong.  A signal that ends programs ends this one,
 * with the terminal as before.
 */
const char *prompt_password(const char *user, char *password, size_t room);

#endif
