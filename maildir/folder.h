/*
 * folder.h - new/ and cur/: open them, read their names, know if they changed
 */
#ifndef POSTERN_MAILDIR_FOLDER_H
#define POSTERN_MAILDIR_FOLDER_H

#include <stdint.h>

/* The two folders that hold messages; tmp/ is never looked at. */
enum folder { FOLDER_NEW, FOLDER_CUR, FOLDERS };

/* How far the names of one round are the names that were there. */
enum folder_round {
	FOLDER_CALM,	/* all of them */
	FOLDER_RACY,	/* all that the time stamps can tell, which are young */
	FOLDER_MOVED,	/* some may be missing, others may be outdated */
	FOLDER_STOPPED	/* the visitor had enough */
};

/*
 * Called with one entry whose name begins with no dot; 'inode' is what the
 * directory says, which on odd file systems is not what fstat says.
 * Returns 0 to go on, 1 to stop, or -1 with errno.
 */
typedef int folder_visitor(void *context, enum folder folder,
	const char *name, uint64_t inode);

/*
 * Open both folders of the Maildir at 'root_fd' into 'fds', which the caller
 * closes.  -1 stands for a folder that is missing.  Returns 0, or -1 with errno
 * and both at -1.
 */
int folder_open(int root_fd, int fds[FOLDERS]);

/*
 * Show every entry of new/, then of cur/, then those of new/ again if it
 * changed meanwhile.  Returns an enum folder_round, or -1 with errno.
 */
int folder_round(const int fds[FOLDERS], folder_visitor *visit, void *context);

#endif
