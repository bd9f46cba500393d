/*
 * uidls.h - give each message of a scan a unique-id that no other one has
 *
 * For scan.c only.
 */
#ifndef POSTERN_MAILDIR_UIDLS_H
#define POSTERN_MAILDIR_UIDLS_H

#include "maildir/scan.h"

/*
 * Write the unique-id of every message into 'scan'; the messages are in message
 * number order, so equal unique parts are neighbours.
 *
 * Of several with the same name_uidl() the oldest (by time of last change, then
 * inode) keeps it, the others get name_uidl_of_twin().  A message for which no
 * unique-id can be found is given the state GATHER_LEFT_OUT and reported.
 * Returns 0, or -1 with errno ENOMEM or EOVERFLOW.
 */
int uidls_assign(struct scan *scan, const struct scan_hooks *hooks);

#endif
