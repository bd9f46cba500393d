/*
 * uidls.h - give each new message of a scan a unique-id that no other one has
 *
 * For whoever has filled a scan.
 */
#ifndef POSTERN_MAILDIR_UIDLS_H
#define POSTERN_MAILDIR_UIDLS_H

#include "maildir/ledger.h"
#include "maildir/scan.h"

/*
 * Give every message that has SCAN_UIDL_NONE a unique-id, and the rank that the
 * ledger has for it.  The messages are in the order of their identities.
 *
 * It is what the ledger says, or else name_uidl(), unless that belongs to
 * another message, or did so at any time by the ledger.  Of several that claim
 * the same one, the one that the ledger means has it, else the oldest (by time
 * of last change, then inode), and the others get name_uidl_of_twin(); files
 * that share a unique part are then entered in the ledger, which the caller
 * writes if is_changed says so.
 * A message for which no unique-id can be found is given the state
 * GATHER_LEFT_OUT and reported.
 * Returns 0, or -1 with errno.
 */
int uidls_assign(struct scan *scan, struct ledger *ledger,
	const struct scan_hooks *hooks);

#endif
