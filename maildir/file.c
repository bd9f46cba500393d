/*
 * file.c - the file of one message of a scan
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: that a name still belongs to what it belonged to.
 */
#include "config.h"

#include "maildir/file.h"

#include <fcntl.h>

/* O_NONBLOCK: a file that has become a FIFO, or is leased, must not block. */
#define MESSAGE_FLAGS \
	(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

static int64_t to_ns(const struct timespec *time)
{
	const int64_t limit_s = INT64_MAX / 1000000000 - 1;
	int64_t time_s = time->tv_sec;

	if (time_s > limit_s)
		time_s = limit_s;
	if (time_s < -limit_s)
		time_s = -limit_s;
	return time_s * 1000000000 + time->tv_nsec;
}

const char *file_name(const struct scan *scan,
	const struct scan_message *message)
{
	return scan->names + message->name;
}

int file_stat(const struct scan *scan,
	const struct scan_message *message, struct stat *status)
{
	return fstatat(scan->folder_fd[message->folder],
		file_name(scan, message), status, AT_SYMLINK_NOFOLLOW);
}

int file_open(const struct scan *scan,
	const struct scan_message *message)
{
	return folder_openat(scan->folder_fd[message->folder],
		file_name(scan, message), MESSAGE_FLAGS);
}

bool file_is_same(const struct scan_message *message,
	const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_ino == message->inode &&
		status->st_size >= 0 &&
		(uint64_t)status->st_size == message->size_bytes;
}

void file_take_facts(struct scan_message *message, const struct stat *status)
{
	message->size_bytes = (uint64_t)status->st_size;
	message->inode = status->st_ino;
	message->mtime_ns = to_ns(&status->st_mtim);
}
