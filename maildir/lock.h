/*
 * lock.h - one session per maildrop, and silent ones that let others have it
 *
 * The lock is the kernel's, on the Maildir's root directory and, for other
 * hosts on the same NFS, on the file postern.lock in it.  It ends with the
 * process that holds it, so no stale lock can exist.  What the file says
 * excludes nobody: it tells others since when and from where, and a session
 * that has let go whether somebody was there meanwhile.
 */
#ifndef POSTERN_MAILDIR_LOCK_H
#define POSTERN_MAILDIR_LOCK_H

#include <stdbool.h>

#include "maildir/holder.h"

struct lock {
	int root_fd;	/* the root directory, or -1 */
	int file_fd;	/* postern.lock, or -1 */
	bool is_let_go;	/* since then nothing of the Maildir is ours */
	char line[HOLDER_LINE_OCTETS + 1];	/* what we wrote there, or "" */
	char found[HOLDER_LINE_OCTETS + 1];	/* what was there before */
};

/*
 * Take the lock of the Maildir at 'root_fd' without waiting, for a client at
 * 'address' (numeric).
 *
 * Returns 0, or -1 with errno EWOULDBLOCK when another session holds it, or
 * what the system said when neither kind of lock can be had here, or when the
 * name of another session would stay in the file.  A Maildir that can't be
 * written (read-only, full) is locked by its directory alone.
 * RFC 1939 section 4 (exclusive-access lock).
 */
int lock_take(struct lock *lock, int root_fd, const char *address);

/*
 * Let others take the lock.  When it is let go already: find out whether one
 * of them has.
 *
 * A lock that says not in its file whose it is stays: without that nobody
 * could tell later whether others were there.
 * Returns 0, or -1 with errno ESTALE when another session was there; then the
 * lock is released and never ours again.
 */
int lock_let_go(struct lock *lock);

/*
 * Have the lock back without waiting, if it was let go.
 *
 * Returns 0, or -1 with errno EWOULDBLOCK when another session holds it, ESTALE
 * when one was there, or what the system said; then the lock is released and
 * never ours again.
 */
int lock_take_again(struct lock *lock);

/* Release the lock, if it is held, and close what lock_take() opened. */
void lock_release(struct lock *lock);

/*
 * As lock_release(), by a session that has removed nothing: whoever had let go
 * before it may go on as if nobody had been there.
 */
void lock_give_back(struct lock *lock);

/*
 * Read who holds the lock of the Maildir at 'root_fd', for people to read: the
 * mail user may have written anything there.
 *
 * Returns 0, or -1 with errno when it is not told.
 */
int lock_holder(int root_fd, struct holder *holder);

#endif
