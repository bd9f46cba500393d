/*
 * maildrop.h - one user's Maildir: found, locked, scanned
 */
#ifndef POSTERN_MAILDROP_H
#define POSTERN_MAILDROP_H

#include <stdint.h>

#include "auth.h"
#include "maildir/drop.h"
#include "maildir/lock.h"
#include "settings.h"
#include "wire.h"

struct maildrop {
	struct lock lock;
	struct drop_rules rules;
	struct drop drop;
	const char *user;
	uint32_t left_out, corrected;	/* entries, of which most were logged */
	uint8_t *marks;		/* a bit for each message, none set */
};

/*
 * Open the Maildir of 'identity', who this process is by now.  A session that is about to end gets a second to release the
 * lock.  A Maildir that does not exist yet is an empty maildrop, but only if
 * the directory that will hold it does.
 *
 * 'settings' and 'identity' must outlive it, for log lines about the Maildir.
 * The caller never closes it: a keeper serves one, and the kernel closes it.
 * Returns WIRE_LOGIN_GRANTED; or IN_USE, TEMPORARY or PERMANENT, logged.
 */
enum wire_login_status maildrop_open(struct maildrop *drop,
	const struct mailbox_settings *settings,
	const struct auth_identity *identity);

#endif
