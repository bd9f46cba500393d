/*
 * quota.c - Maildir++ quota: keep the file maildirsize right when we remove
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: maildirsize, which the mail user may have made a link or a FIFO,
 * and the sizes in names, which may be any number.
 */
#include "config.h"

#include "maildir/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/name.h"

/* What makes a directory a folder of the Maildir above it. */
#define FOLDER_MARK "maildirfolder"

/* No O_CREAT: where no file is, no quota is. */
#define SIZE_FLAGS \
	(O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* A line break that may be missing, two numbers, blank, line break, NUL. */
#define LINE_BYTES 64

/* Where the files of the whole Maildir are, seen from what is served. */
struct places {
	const char *size, *sizelist, *subscribed, *trash;
};

static const struct places seen_from_root = {
	"maildirsize", "courierpop3dsizelist", "courierimapsubscribed",
	".Trash"
};
static const struct places seen_from_folder = {
	"../maildirsize", "../courierpop3dsizelist",
	"../courierimapsubscribed", "../.Trash"
};

static bool is_there(int root_fd, const char *path)
{
	struct stat status;

	return fstatat(root_fd, path, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static enum quota_counts judge(int root_fd, const struct places *places)
{
	if (is_there(root_fd, places->sizelist) ||
		is_there(root_fd, places->subscribed))
		return QUOTA_COUNTS_KEPT;
	return QUOTA_COUNTS_ALL;
}

/* Whether the directory 'root_fd' is the one at 'path', seen from itself. */
static bool is_same(int root_fd, const char *path)
{
	struct stat ours, theirs;

	return fstat(root_fd, &ours) == 0 &&
		fstatat(root_fd, path, &theirs, 0) == 0 &&
		ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

static int open_regular(int root_fd, const char *path)
{
	int fd = openat(root_fd, path, SIZE_FLAGS);
	struct stat status;

	if (fd >= 0 && (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

/* Whether a name has the flag T (trashed), as Courier reads it. */
static bool is_trashed(const char *name)
{
	const char *flag = strstr(name, ":2,");

	if (flag == NULL)
		return false;
	for (flag += 3; *flag >= 'A' && *flag <= 'Z'; flag++)
		if (*flag == 'T')
			return true;
	return false;
}

static void add(int64_t *sum, uint64_t value)
{
	if (value > (uint64_t)(INT64_MAX - *sum))
		*sum = INT64_MAX;
	else
		*sum += (int64_t)value;
}

/*
 * Whether something stands in the last line without ending it.  An empty file
 * has no line: what we append would become the definition of the quota.
 */
static int look_at_end(int fd, bool *is_open_line, bool *is_empty)
{
	struct stat status;
	char last = '\n';

	if (fstat(fd, &status) < 0)
		return -1;
	*is_empty = status.st_size == 0;
	if (!*is_empty && pread(fd, &last, 1, status.st_size - 1) < 0)
		return -1;
	*is_open_line = last != '\n';
	return 0;
}

/*
 * Take back the first part of a line that the disk had no room for, unless
 * somebody has appended to it.  Both numbers of such a half would be wrong.
 */
static void take_back(int fd, off_t written)
{
	off_t end = lseek(fd, 0, SEEK_CUR);
	struct stat status;

	if (end >= written && fstat(fd, &status) == 0 && status.st_size == end)
		/* If it fails, the next to add up all mail repairs it. */
		(void)!ftruncate(fd, end - written);
}

/* One write: only so do lines of several programs not mix. */
static int append(int fd, const char *line)
{
	size_t bytes = strlen(line);
	ssize_t written;

	do
		written = write(fd, line, bytes);
	while (written < 0 && errno == EINTR);
	if (written < 0)
		return -1;
	if ((size_t)written == bytes)
		return 0;
	take_back(fd, written);
	errno = ENOSPC;
	return -1;
}

/*
 * Padded as Courier does it.  Exim wants one blank behind the first number and
 * nothing behind the second; Dovecot takes all that.
 */
static int subtract(const struct quota *quota)
{
	bool is_open_line, is_empty;
	char line[LINE_BYTES];

	if (look_at_end(quota->fd, &is_open_line, &is_empty) < 0)
		return -1;
	if (is_empty)
		return 0;
	snprintf(line, sizeof(line), "%s%12lld %12lld\n",
		is_open_line ? "\n" : "", -(long long)quota->bytes,
		-(long long)quota->count);
	return append(quota->fd, line);
}

int quota_open_above(int root_fd)
{
	if (!is_there(root_fd, FOLDER_MARK))
		return -1;
	return openat(root_fd, seen_from_folder.size,
		O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

void quota_begin(struct quota *quota, int root_fd, enum quota_counts counts)
{
	bool is_folder = is_there(root_fd, FOLDER_MARK);
	const struct places *places =
		is_folder ? &seen_from_folder : &seen_from_root;

	if (counts == QUOTA_COUNTS_AUTO)
		counts = judge(root_fd, places);
	*quota = (struct quota){ .fd = -1, .counts = counts };
	if (counts == QUOTA_COUNTS_KEPT && is_folder &&
		is_same(root_fd, places->trash))
		return;
	quota->fd = open_regular(root_fd, places->size);
	if (quota->fd < 0 && errno != ENOENT)
		quota->error = errno;
}

void quota_removed(struct quota *quota, const char *name, uint64_t size_bytes)
{
	uint64_t bytes = size_bytes;

	if (quota->fd < 0 && quota->error == 0)
		return;
	if (quota->counts == QUOTA_COUNTS_KEPT && is_trashed(name))
		return;
	(void)name_size(name, 'S', &bytes);	/* else it has the one above */
	add(&quota->bytes, bytes);
	add(&quota->count, 1);
}

int quota_end(struct quota *quota)
{
	int result = 0, saved;

	if (quota->fd < 0) {
		errno = quota->error;
		return quota->error != 0 && quota->count > 0 ? -1 : 0;
	}
	if (quota->count > 0)
		result = subtract(quota);
	saved = errno;
	/* On NFS this is what writes. */
	if (close(quota->fd) < 0 && result == 0) {
		result = -1;
		saved = errno;
	}
	quota->fd = -1;
	errno = saved;
	return result;
}
