/*
 * maildrop.h - one folder of a user's Maildir: found, locked, scanned
 */
#ifndef POSTERN_MAILDROP_H
#define POSTERN_MAILDROP_H

#include <stdbool.h>
#include <stdint.h>

#include "auth.h"
#include "maildir/drop.h"
#include "maildir/lock.h"
#include "settings.h"
#include "wire.h"

struct maildrop {
	int quota_root_fd;	/* the Maildir; -1: there is none yet */
	int above_fd;		/* see quota_open_above(); -1 */
	int root_fd;		/* the maildrop: the same, or a folder of it */
	bool is_read_only;	/* no lock is held; nothing may be written */
	struct lock lock;
	struct holder holder;	/* IN_USE: who has it; no address: not known */
	struct drop_rules rules;
	struct drop drop;
	const char *user;
	uint32_t left_out, corrected;	/* entries, of which most were logged */
	bool is_listed;		/* the worker has the listing */
	uint8_t *marks;		/* a bit for each message, none set */
	uint8_t *retrieved;	/* the same */
};

/*
 * Find the Maildir of 'identity', who this process is by now, and nothing more:
 * after this the process can be confined to what is below quota_root_fd, and to
 * above_fd, which the caller closes.  A Maildir that does not exist yet is an
 * empty maildrop, but only if the directory that will hold it does.
 *
 * 'identity' must outlive it, for log lines about the Maildir.
 * Returns WIRE_LOGIN_GRANTED; or TEMPORARY or PERMANENT, both of them logged.
 */
enum wire_login_status maildrop_find(struct maildrop *drop,
	const struct mailbox_settings *settings,
	const struct auth_identity *identity);

/*
 * Open what maildrop_find() has found.  A session that is about to end gets a
 * second to release the lock.
 *
 * address: the client's, to tell whoever finds the maildrop in use.
 * folder: as auth_name_split() makes it; "" for the Maildir itself.  A folder
 * that is a link counts only while that leads to a directory of this Maildir.
 * A login that may only read waits for no lock, and has it at most until what
 * was found is stored.
 *
 * 'settings' and 'identity' must outlive it, for log lines about the Maildir.
 * The caller never closes it: a keeper serves one, and the kernel closes it.
 * Returns WIRE_LOGIN_GRANTED; or IN_USE, NO_FOLDER, TEMPORARY or PERMANENT, all
 * four of them logged.
 */
enum wire_login_status maildrop_open(struct maildrop *drop,
	const struct mailbox_settings *settings, const char *folder,
	const struct auth_identity *identity, const char *address);

/*
 * Check of the settings what only the storage can judge, at the start.  Returns
 * 0, or -1 after a mistake, logged as "file:line: what is wrong".
 */
int maildrop_check(const struct mailbox_settings *mailbox);

#endif
