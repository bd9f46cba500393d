/*
 * folder.h - new/ and cur/: open them, read their names, know if they changed
 */
#ifndef POSTERN_MAILDIR_FOLDER_H
#define POSTERN_MAILDIR_FOLDER_H

#include <stdbool.h>
#include <stdint.h>

/* The two folders that hold messages; tmp/ is never looked at. */
enum folder { FOLDER_NEW, FOLDER_CUR, FOLDERS };

/* The coarsest stamps of a file system are FAT's. */
#define FOLDER_RACY_S 2

/* How far the names of one round are the names that were there. */
enum folder_round {
	FOLDER_CALM,	/* all of them */
	FOLDER_RACY,	/* all that the time stamps can tell, which are young */
	FOLDER_MOVED,	/* some may be missing, others may be outdated */
	FOLDER_STOPPED	/* the visitor had enough */
};

/*
 * What a folder looked like: it has not changed if all of this is the same, and
 * the stamps were old enough when they were taken.  All 0: it is missing.
 * Fixed widths: the index holds them as they are.
 */
struct folder_stamps {
	uint64_t dev, inode, links;
	int64_t mtime_s, mtime_ns, ctime_s, ctime_ns;
};

/* An entry as its directory describes it. */
struct folder_entry {
	const char *name;	/* begins with no dot */
	uint64_t inode;		/* on odd file systems not what fstat says */
	enum folder folder;
	bool is_regular;	/* a regular file for sure, or not known */
};

/* Called with one entry.  Returns 0 to go on, 1 to stop, or -1 with errno. */
typedef int folder_visitor(void *context, const struct folder_entry *entry);

/*
 * Open both folders of the Maildir at 'root_fd' into 'fds', which the caller
 * closes.  -1 stands for a folder that is missing.  Returns 0, or -1 with errno
 * and both at -1.
 */
int folder_open(int root_fd, int fds[FOLDERS]);

/*
 * Read the stamps of both folders of the Maildir at 'root_fd', without opening
 * them.  Returns 0, or -1 with errno.
 */
int folder_look(int root_fd, struct folder_stamps stamps[FOLDERS]);

/* Whether both folders are still the same, with the same stamps. */
bool folder_is_same(const struct folder_stamps a[FOLDERS],
	const struct folder_stamps b[FOLDERS]);

/*
 * Whether a change that left the stamps as they are is possible: they are not
 * older by FOLDER_RACY_S than 'now_s', by the clock of the file system.  Their
 * ctime counts only where it shows no more than seconds.
 */
bool folder_is_racy(const struct folder_stamps stamps[FOLDERS],
	int64_t now_s);

/*
 * openat(2), without leaving a new access time where we may do without: what
 * a login reads is no reason to write inodes.
 */
int folder_openat(int folder_fd, const char *name, int flags);

/*
 * Show every entry of new/, then of cur/, then those of new/ again if it
 * changed meanwhile.  Returns an enum folder_round, or -1 with errno.
 */
int folder_round(const int fds[FOLDERS], folder_visitor *visit, void *context);

#endif
