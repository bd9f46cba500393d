/*
 * move.c - give a file another name, never in place of another file
 *
 * Runs in: the keeper, as the mail user.  Distrusts: that a name is free, or
 * still belongs to a file, just because it was so a moment ago.
 */
#include "config.h"

#include "maildir/move.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

/* Linux-only: POSIX has no rename that refuses to replace. */
static int rename_exclusively(int from_fd, const char *from, int to_fd,
	const char *to)
{
#if defined(HAVE_RENAMEAT2) && defined(RENAME_NOREPLACE)
	return renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE);
#else
	(void)from_fd, (void)from, (void)to_fd, (void)to;	/* not used */
	errno = ENOSYS;
	return -1;
#endif
}

/* EINVAL: this file system can't.  ENOSYS: this kernel can't. */
static bool is_unavailable(int error)
{
	return error == EINVAL || error == ENOSYS;
}

/*
 * How many names a file has; 0 if that is not told.  It is opened, because that
 * makes NFS ask its server again.
 */
static nlink_t count_names(int directory_fd, const char *name)
{
	int fd = openat(directory_fd, name, FILE_FLAGS);
	struct stat status = { .st_nlink = 0 };

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) < 0)
		status.st_nlink = 0;
	close(fd);
	return status.st_nlink;
}

/*
 * The new name first.  When the old one is gone then, another program has
 * renamed the file: take the new name back and let it be sought.  But if it was
 * removed, by another program or by us (NFS may lose the answer to that), the
 * new name may be the last, and stays.
 */
static int link_and_unlink(int from_fd, const char *from, int to_fd,
	const char *to)
{
	nlink_t before = count_names(from_fd, from), after;
	int error;

	if (linkat(from_fd, from, to_fd, to, 0) < 0)
		return -1;
	if (unlinkat(from_fd, from, 0) == 0)
		return 0;
	error = errno;
	after = count_names(to_fd, to);
	if (before > 0 && after > before)
		/* If that fails, the file has two names, and none is lost. */
		(void)unlinkat(to_fd, to, 0);
	else if (error == ENOENT && before > 0 && after > 0)
		return 0;
	errno = error;
	return -1;
}

static bool is_same(int a_fd, const char *a, int b_fd, const char *b)
{
	struct stat left, right;

	return fstatat(a_fd, a, &left, AT_SYMLINK_NOFOLLOW) == 0 &&
		fstatat(b_fd, b, &right, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISREG(left.st_mode) && left.st_dev == right.st_dev &&
		left.st_ino == right.st_ino;
}

/* Whether both names are one: two folders may be the same directory. */
static bool is_one(int a_fd, const char *a, int b_fd, const char *b)
{
	struct stat left, right;

	if (strcmp(a, b) != 0)
		return false;
	return fstat(a_fd, &left) < 0 || fstat(b_fd, &right) < 0 ||
		(left.st_dev == right.st_dev && left.st_ino == right.st_ino);
}

int move_file(int from_fd, const char *from, int to_fd, const char *to)
{
	int result = rename_exclusively(from_fd, from, to_fd, to);

	if (result < 0 && is_unavailable(errno))
		result = link_and_unlink(from_fd, from, to_fd, to);
	if (result == 0 || errno != EEXIST)
		return result;
	if (is_same(from_fd, from, to_fd, to))
		return is_one(from_fd, from, to_fd, to) ? 0 :
			unlinkat(from_fd, from, 0);
	errno = EEXIST;
	return -1;
}

int move_settle(int directory_fd)
{
	int result;

	do
		result = fsync(directory_fd);
	while (result < 0 && errno == EINTR);
	return result < 0 && errno != EINVAL ? -1 : 0;
}
