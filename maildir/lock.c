/*
 * lock.c - one session per maildrop
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: postern.lock, which the mail user may have made a link or a FIFO.
 */
#include "config.h"

#include "maildir/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_FILE "postern.lock"

#define LOCK_FILE_FLAGS \
	(O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* A lock that belongs to the descriptor survives the close of another one. */
#ifdef F_OFD_SETLK
#define SET_LOCK F_OFD_SETLK
#else
#define SET_LOCK F_SETLK
#endif

/* Close '*fd', which may be -1, and keep errno. */
static void drop(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

static bool is_in_use(int error)
{
	return error == EWOULDBLOCK || error == EAGAIN || error == EACCES;
}

/* Errors that say: no locks of this kind on this file system. */
static bool is_unavailable(int error)
{
	return error == EBADF || error == EOPNOTSUPP || error == ENOLCK ||
		error == EINVAL || error == ENOSYS;
}

/*
 * Lock the directory, by a descriptor of its own: flock is not POSIX, but all
 * systems have it, and it alone locks what can't be opened for writing.
 */
static int lock_directory(int root_fd)
{
	int fd = openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		drop(&fd);
	return fd;
}

static int open_file(int root_fd)
{
	int fd = openat(root_fd, LOCK_FILE, LOCK_FILE_FLAGS, 0600);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
		return fd;
	drop(&fd);
	errno = EOPNOTSUPP;
	return -1;
}

static int lock_file(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, SET_LOCK, &whole) == 0)
		return 0;
	if (is_in_use(errno))
		errno = EWOULDBLOCK;
	return -1;
}

/*
 * Whoever may read the directory could hold its lock for ever, so where that is
 * not the owner alone it does not count if there is another lock.
 */
static bool is_private(int root_fd)
{
	struct stat status;

	return fstat(root_fd, &status) == 0 &&
		(status.st_mode & (S_IRGRP | S_IROTH)) == 0;
}

int lock_take(struct lock *lock, int root_fd)
{
	int directory_error;

	lock->file_fd = -1;
	lock->root_fd = lock_directory(root_fd);
	directory_error = lock->root_fd < 0 ? errno : 0;
	if (is_in_use(directory_error) && is_private(root_fd))
		return -1;
	lock->file_fd = open_file(root_fd);
	if (lock->file_fd >= 0 && lock_file(lock->file_fd) < 0) {
		drop(&lock->file_fd);
		if (errno == EWOULDBLOCK) {
			drop(&lock->root_fd);
			return -1;
		}
	}
	if (lock->file_fd >= 0 || lock->root_fd >= 0)
		return 0;
	/* A Maildir that can't be written is locked by its directory alone. */
	if (directory_error != 0 && !is_unavailable(directory_error))
		errno = directory_error;
	return -1;
}

void lock_release(struct lock *lock)
{
	drop(&lock->file_fd);
	drop(&lock->root_fd);
}
