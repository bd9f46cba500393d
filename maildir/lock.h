/*
 * lock.h - one session per maildrop
 *
 * The lock is the kernel's, on the Maildir's root directory and, for other
 * hosts on the same NFS, on the file postern.lock in it.  It ends with the
 * process that holds it, so no stale lock can exist.
 */
#ifndef POSTERN_MAILDIR_LOCK_H
#define POSTERN_MAILDIR_LOCK_H

struct lock {
	int root_fd;	/* locked, or -1 */
	int file_fd;	/* postern.lock, locked, or -1 */
};

/*
 * Take the lock of the Maildir at 'root_fd' without waiting.
 *
 * Returns 0, or -1 with errno EWOULDBLOCK when another session holds it, or
 * what the system said when neither kind of lock can be had here.  A Maildir
 * that can't be written (read-only, full) is locked by its directory alone.
 * RFC 1939 section 4 (exclusive-access lock).
 */
int lock_take(struct lock *lock, int root_fd);

/* Release the lock, if it is held, and close what lock_take() opened. */
void lock_release(struct lock *lock);

#endif
