/*
 * trash.h - where removed messages wait, so that they can be had back
 *
 * The trash is the directory postern.trash in the maildrop's root, a Maildir of
 * its own.  No dot begins its name: an IMAP server shows it as no folder, and
 * Maildir++ quota does not count it.
 *
 * The rule that whoever brings a message back can rely on:
 *   - A removed message lies in the subfolder that it was in (new or cur),
 *     under the name that it had.  Renaming it back undoes the removal: it has
 *     the same file name, content, time and unique-id as before.
 *   - If another file had that name in the trash already, ",1", or the first
 *     free number, follows its unique part, which stays the same.
 *   - The inode's ctime tells when it was removed: rename(2) and link(2) set
 *     it.  (So do chmod and chown, which keep the message longer.)
 *   - Once the ctime is more than trash-days ago the file may be removed for
 *     good, by a QUIT under that setting, at most once a day: the mtime of
 *     postern.trash itself is on the day of the last time.
 *   - Whoever brings messages back holds the maildrop's lock meanwhile.
 */
#ifndef POSTERN_MAILDIR_TRASH_H
#define POSTERN_MAILDIR_TRASH_H

#include <stdbool.h>
#include <stdint.h>

#include "maildir/folder.h"

#define TRASH_NAME "postern.trash"

struct trash {
	int fd;				/* of the directory, or -1 */
	int folder_fd[FOLDERS];		/* or -1 */
	bool is_changed[FOLDERS];	/* since it was opened */
	int error;			/* why it could not be opened; 0 */
};

/*
 * Open the trash of the maildrop at 'root_fd'; make what is missing of it, with
 * mode 0700, to last.  trash_close() ends it.
 *
 * A trash that can't be opened, also for a link or a file in its place, keeps
 * that error and takes nothing.
 */
void trash_open(struct trash *trash, int root_fd);
void trash_close(struct trash *trash);

/*
 * Move the file 'name' of the folder 'folder', open as 'folder_fd', into the
 * trash.  Returns 0, or -1 with errno: ENOENT if it is not there any more,
 * EEXIST if no name is free, EXDEV if the trash is another file system, what
 * opening the trash said, or what the system said.  Never replaces a file.
 */
int trash_take(struct trash *trash, enum folder folder, int folder_fd,
	const char *name);

/*
 * Make what was taken last in the trash; to be called before the folders that
 * it came from.  Returns 0, or -1 with errno.
 */
int trash_settle(struct trash *trash);

/*
 * Remove for good what has been in the trash of the maildrop at 'root_fd' for
 * more than 'days' days, unless that was done today.  today: in days since the
 * epoch.  No trash is no error.
 * Returns how many were removed, or -1 with errno.
 */
int64_t trash_purge(int root_fd, uint32_t days, uint16_t today);

#endif
