/*
 * locate.c - the file of a message again, after other programs renamed it
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: that anything is still where it was a moment ago.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "maildir/file.h"
#include "maildir/gather.h"
#include "maildir/octets.h"
#include "maildir/scan.h"

/* How often one message is sought that somebody keeps renaming. */
#define TRIES 10

/* The message that a search wants. */
struct wanted {
	struct scan *scan;
	struct scan_message *message;
};

/* readdir's inode number is not everywhere that of fstat. */
static bool has_inode(const struct scan *scan,
	const struct folder_entry *entry, uint64_t inode)
{
	struct stat status;

	return fstatat(scan->folder_fd[entry->folder], entry->name, &status,
		AT_SYMLINK_NOFOLLOW) == 0 && status.st_ino == inode;
}

static int see_wanted(void *context, const struct folder_entry *entry)
{
	struct wanted *wanted = context;
	struct scan_message *message = wanted->message;

	if (name_compare_unique(file_name(wanted->scan, message),
			entry->name) != 0)
		return 0;
	if (entry->inode != message->inode &&
			!has_inode(wanted->scan, entry, message->inode))
		return 0;
	message->folder = (uint8_t)entry->folder;
	if (gather_string(wanted->scan, &message->name, entry->name) < 0)
		return -1;
	return 1;
}

int scan_find(struct scan *scan, uint32_t idx)
{
	struct wanted wanted = { scan, &scan->messages[idx] };

	for (int i = 0; i < TRIES; i++) {
		int result = folder_round(scan->folder_fd, see_wanted,
			&wanted);

		if (result < 0)
			return -1;
		if (result == FOLDER_STOPPED)
			return 0;
		if (result == FOLDER_CALM || (result == FOLDER_RACY && i > 0))
			break;
	}
	errno = ENOENT;
	return -1;
}

bool scan_is_there(const struct scan *scan, uint32_t idx)
{
	struct stat status;

	return file_stat(scan, &scan->messages[idx], &status) == 0;
}

int scan_locate(struct scan *scan, uint32_t idx)
{
	const struct scan_message *message = &scan->messages[idx];
	struct stat status;

	if (message->state == GATHER_CHANGED) {
		errno = ESTALE;
		return -1;
	}
	for (int i = 0; i < TRIES && message->state != GATHER_LOST; i++) {
		if (file_stat(scan, message, &status) == 0) {
			if (file_is_same(message, &status))
				return 0;
			errno = ESTALE;
			return -1;
		}
		if (errno != ENOENT || scan_find(scan, idx) < 0)
			return -1;
	}
	errno = ENOENT;
	return -1;
}

/* As file_open(), but only the file that was scanned. */
static int open_same(const struct scan *scan,
	const struct scan_message *message)
{
	struct stat status;
	int fd = file_open(scan, message);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && file_is_same(message, &status))
		return fd;
	close(fd);
	errno = ESTALE;
	return -1;
}

int scan_open(struct scan *scan, uint32_t idx)
{
	for (int i = 0; i < TRIES; i++) {
		int fd;

		if (scan_locate(scan, idx) < 0)
			return -1;
		fd = open_same(scan, &scan->messages[idx]);
		if (fd >= 0 || errno != ENOENT)
			return fd;
	}
	errno = ENOENT;
	return -1;
}

/* Count the open file 'fd'.  Returns as scan_recount() does. */
static int recount_open(struct scan_message *message, int fd)
{
	struct scan_message now = *message;
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode) || status.st_ino != message->inode)
		return 0;	/* the next scan sees another message */
	file_take_facts(&now, &status);
	if (octets_count(fd, &now.size_bytes, &now.octets) < 0)
		return -1;
	if (now.octets == message->octets &&
			now.size_bytes == message->size_bytes)
		return 0;
	now.state = GATHER_CHANGED;
	*message = now;
	return 1;
}

int scan_recount(struct scan *scan, uint32_t idx)
{
	struct scan_message *message = &scan->messages[idx];
	int fd = file_open(scan, message), result, saved;

	if (fd < 0)
		return -1;
	result = recount_open(message, fd);
	saved = errno;
	close(fd);
	errno = saved;
	return result;
}
