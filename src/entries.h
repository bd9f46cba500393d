/*
 * entries.h - the many lines of LIST and UIDL
 */
#ifndef POSTERN_ENTRIES_H
#define POSTERN_ENTRIES_H

#include "pop3.h"

/*
 * Write a line for each message that is not marked, with the number it had at
 * the login, and the final dot.  The listing must be there.
 */
enum pop3_event entries_of_octets(struct session *session);
enum pop3_event entries_of_uidls(struct session *session);

#endif
