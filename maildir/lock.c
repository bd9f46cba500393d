/*
 * lock.c - one session per maildrop, and silent ones that let others have it
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: postern.lock, which the mail user may have made a link or a FIFO,
 * may replace at any time, and may fill with anything.
 */
#include "config.h"

#include "maildir/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_FILE "postern.lock"

#define FILE_FLAGS (O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

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
static int lock_directory(struct lock *lock, int root_fd)
{
	lock->root_fd = openat(root_fd, ".",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return lock->root_fd < 0 ? -1 : flock(lock->root_fd, LOCK_EX | LOCK_NB);
}

static int open_file(int root_fd, int flags)
{
	int fd = openat(root_fd, LOCK_FILE, flags | FILE_FLAGS, 0600);
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

/* Whether the open file is what others will find: it may be replaced. */
static bool is_in_place(int root_fd, int fd)
{
	struct stat ours, found;

	return fstat(fd, &ours) == 0 && fstatat(root_fd, LOCK_FILE, &found,
			AT_SYMLINK_NOFOLLOW) == 0 &&
		ours.st_dev == found.st_dev && ours.st_ino == found.st_ino;
}

/* Then it is somebody's file, which may be locked but not written. */
static bool has_other_name(int fd)
{
	struct stat status;

	return fstat(fd, &status) < 0 || status.st_nlink != 1;
}

static bool replace_line(int fd, const char *line)
{
	size_t count = strlen(line);

	return pwrite(fd, line, count, 0) == (ssize_t)count &&
		(lseek(fd, 0, SEEK_END) == (off_t)count ||
			ftruncate(fd, (off_t)count) == 0);
}

static bool write_line(struct lock *lock, const char *address)
{
	struct holder holder = { .since_s = (int64_t)time(NULL) };

	snprintf(holder.address, sizeof(holder.address), "%s", address);
	if (getentropy(holder.session, sizeof(holder.session)) < 0)
		return false;
	/* If it can't be read, what lock_give_back() leaves is nobody's. */
	(void)!pread(lock->file_fd, lock->found, HOLDER_LINE_OCTETS, 0);
	(void)holder_write(&holder, lock->line);
	return replace_line(lock->file_fd, lock->line);
}

/*
 * Say whose the maildrop is.  Where that can't be written (a full disk) nobody
 * else may stand there: he would believe that he was alone.
 */
static int sign(struct lock *lock, const char *address)
{
	if (has_other_name(lock->file_fd) || write_line(lock, address))
		return 0;
	lock->line[0] = '\0';
	return ftruncate(lock->file_fd, 0);
}

/*
 * Lock and sign the file.  Returns -1 with errno if the maildrop can't be had,
 * 0 if it can, even if there is no such lock here.
 */
static int take_file(struct lock *lock, int root_fd, const char *address)
{
	lock->file_fd = open_file(root_fd, O_RDWR | O_CREAT);
	if (lock->file_fd < 0)
		return 0;
	if (lock_file(lock->file_fd) < 0) {
		drop(&lock->file_fd);
		return is_unavailable(errno) ? 0 : -1;
	}
	if (!is_in_place(root_fd, lock->file_fd)) {
		errno = EWOULDBLOCK;
		return -1;
	}
	return sign(lock, address);
}

/* Whether nobody but us has signed. */
static bool is_ours(const struct lock *lock)
{
	char found[HOLDER_LINE_OCTETS + 1];
	size_t count = strlen(lock->line);

	return is_in_place(lock->root_fd, lock->file_fd) &&
		!has_other_name(lock->file_fd) &&
		pread(lock->file_fd, found, sizeof(found), 0) ==
			(ssize_t)count &&
		memcmp(found, lock->line, count) == 0;
}

static int give_up(struct lock *lock, int error)
{
	lock_release(lock);
	errno = error;
	return -1;
}

int lock_take(struct lock *lock, int root_fd, const char *address)
{
	int directory_error;

	*lock = (struct lock){ .root_fd = -1, .file_fd = -1 };
	directory_error = lock_directory(lock, root_fd) < 0 ? errno : 0;
	if (is_in_use(directory_error) && is_private(root_fd))
		return give_up(lock, EWOULDBLOCK);
	if (take_file(lock, root_fd, address) < 0)
		return give_up(lock, errno);
	if (lock->file_fd >= 0 || directory_error == 0)
		return 0;
	/* A Maildir that can't be written is locked by its directory alone. */
	return give_up(lock, is_unavailable(directory_error) ? errno :
		directory_error);
}

int lock_let_go(struct lock *lock)
{
	struct flock whole = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (lock->is_let_go)
		return lock->file_fd >= 0 && is_ours(lock) ? 0 :
			give_up(lock, ESTALE);
	if (lock->line[0] == '\0' || lock->root_fd < 0)
		return 0;
	/* If it can't be unlocked, others can't take it: no harm is done. */
	(void)fcntl(lock->file_fd, SET_LOCK, &whole);
	(void)flock(lock->root_fd, LOCK_UN);
	lock->is_let_go = true;
	return 0;
}

int lock_take_again(struct lock *lock)
{
	if (!lock->is_let_go)
		return 0;
	if (lock->file_fd < 0)
		return give_up(lock, ESTALE);
	if (flock(lock->root_fd, LOCK_EX | LOCK_NB) < 0 &&
			is_in_use(errno) && is_private(lock->root_fd))
		return give_up(lock, EWOULDBLOCK);
	if (lock_file(lock->file_fd) < 0)
		return give_up(lock, errno);
	if (!is_ours(lock))
		return give_up(lock, ESTALE);
	lock->is_let_go = false;
	return 0;
}

void lock_release(struct lock *lock)
{
	drop(&lock->file_fd);
	drop(&lock->root_fd);
}

void lock_give_back(struct lock *lock)
{
	if (lock->line[0] != '\0' && lock->file_fd >= 0 && lock->root_fd >= 0 &&
			is_ours(lock))
		/* If it fails, who had let go has lost: no harm is done. */
		(void)replace_line(lock->file_fd, lock->found);
	lock_release(lock);
}

int lock_holder(int root_fd, struct holder *holder)
{
	char line[HOLDER_LINE_OCTETS + 1];
	int fd = open_file(root_fd, O_RDONLY);

	if (fd < 0)
		return -1;
	ssize_t count = pread(fd, line, sizeof(line), 0);
	drop(&fd);
	if (count < 0)
		return -1;
	if (holder_read(holder, line, (size_t)count) == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}
