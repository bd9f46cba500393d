/*
 * maildrop.h - one user's Maildir: found, locked, scanned
 */
#ifndef POSTERN_MAILDROP_H
#define POSTERN_MAILDROP_H

#include <stdint.h>

#include "auth.h"
#include "maildir/lock.h"
#include "maildir/scan.h"
#include "wire.h"

struct maildrop {
	struct lock lock;
	struct holder holder;	/* IN_USE: who has it; no address: not known */
	struct scan scan;
	uint8_t *marks;		/* a bit for each message, none set */
};

/*
 * Open the Maildir of 'identity', who this process is by now: 'pattern' is
 * mailbox.path, 'address' the client's.  A session that is about to end gets a
 * second to release the lock.  A Maildir that does not exist yet is an empty
 * maildrop, but only if the directory that will hold it does.
 *
 * The caller never closes it: a keeper serves one, and the kernel closes it.
 * Returns WIRE_LOGIN_GRANTED; or IN_USE, TEMPORARY or PERMANENT, logged.
 */
enum wire_login_status maildrop_open(struct maildrop *drop,
	const char *pattern, const struct auth_identity *identity,
	const char *address);

#endif
