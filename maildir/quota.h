/*
 * quota.h - Maildir++ quota: keep the file maildirsize right when we remove
 */
#ifndef POSTERN_MAILDIR_QUOTA_H
#define POSTERN_MAILDIR_QUOTA_H

#include <stdint.h>

/* What the other programs that use the file count. */
enum quota_counts {
	QUOTA_COUNTS_AUTO,	/* as Courier if its files lie there */
	QUOTA_COUNTS_ALL,	/* Dovecot, Exim: those with the flag T, too */
	QUOTA_COUNTS_KEPT	/* Courier: not those, and not .Trash */
};

struct quota {
	int fd;			/* maildirsize, for appending; or -1 */
	int error;		/* why it could not be opened; 0 */
	enum quota_counts counts;
	int64_t bytes, count;	/* removed so far */
};

/*
 * Name, for a process that is to be kept in the directory 'root_fd', the one
 * file outside of it that it needs: where that is a folder of a Maildir that
 * has a maildirsize.  Returns a descriptor of it that can neither read nor
 * write, or -1.
 */
int quota_open_above(int root_fd);

/*
 * Begin: open maildirsize of the Maildir at 'root_fd' (for a folder, the one
 * of the whole Maildir), before anything is removed.  Never makes it.  Without
 * one there is no quota, and the calls below do nothing.  One that can't be
 * opened, or is no regular file, keeps that error until quota_end().
 */
void quota_begin(struct quota *quota, int root_fd, enum quota_counts counts);

/*
 * A message called 'name', whose file had 'size_bytes' bytes, was removed by
 * us: an unlink that found nothing was somebody else's, who accounts for it.
 * The last S= in the name counts before the file.
 */
void quota_removed(struct quota *quota, const char *name,
	uint64_t size_bytes);

/*
 * End: append one line for all that was removed, in one write, and close.  A
 * file that is empty by now stays empty.  Returns 0, or -1 with errno (that of
 * quota_begin(), if anything was removed that counts); the mail is removed in
 * any case, and the next program that adds up all mail repairs the file.
 */
int quota_end(struct quota *quota);

#endif
