/*
 * scan.c - which messages are in a Maildir now, in a stable order
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: whatever else writes to the Maildir: names, kinds of files, and
 * that anything is still where it was a moment ago.
 */
#include "config.h"

#include "maildir/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/gather.h"
#include "maildir/octets.h"
#include "maildir/uidls.h"

/*
 * How often messages are sought that somebody renames while we count.  Each
 * pass has less to do than the one before, so few are needed.
 */
#define PASSES 20

/* How often one message is sought that somebody keeps renaming. */
#define TRIES 10

/* O_NONBLOCK: a file that has become a FIFO, or is leased, must not block. */
#define MESSAGE_FLAGS \
	(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

/* The message that a search wants. */
struct wanted {
	struct scan *scan;
	struct scan_message *message;
};

static const char *name_of(const struct scan *scan,
	const struct scan_message *message)
{
	return scan->names + message->name;
}

static int stat_message(const struct scan *scan,
	const struct scan_message *message, struct stat *status)
{
	return fstatat(scan->folder_fd[message->folder],
		name_of(scan, message), status, AT_SYMLINK_NOFOLLOW);
}

static int open_message(const struct scan *scan,
	const struct scan_message *message)
{
	return folder_openat(scan->folder_fd[message->folder],
		name_of(scan, message), MESSAGE_FLAGS);
}

static bool is_same_file(const struct scan_message *message,
	const struct stat *status)
{
	return S_ISREG(status->st_mode) && status->st_ino == message->inode &&
		status->st_size >= 0 &&
		(uint64_t)status->st_size == message->size_bytes;
}

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

	if (name_compare_unique(name_of(wanted->scan, message),
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

/* Errors of the whole process, for which no entry is to blame. */
static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

static int leave_out(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks, const char *why)
{
	message->state = GATHER_LEFT_OUT;
	hooks->left_out(hooks->context, name_of(scan, message), why);
	return 0;
}

/* Judge an entry that could not be opened or read, by errno. */
static int blame(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks)
{
	if (is_shortage(errno))
		return -1;
	/* ESTALE: the same, from an NFS server. */
	if (errno == ENOENT || errno == ESTALE) {
		message->state = GATHER_LOST;
		return 0;
	}
	return leave_out(scan, message, hooks, strerror(errno));
}

static int count_open(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return blame(scan, message, hooks);
	if (!S_ISREG(status.st_mode))
		return leave_out(scan, message, hooks, "not a regular file");
	message->size_bytes = (uint64_t)status.st_size;
	if (octets_count(fd, &message->size_bytes, &message->octets) < 0)
		return blame(scan, message, hooks);
	message->inode = status.st_ino;
	message->mtime_ns = to_ns(&status.st_mtim);
	message->state = GATHER_COUNTED;
	return 0;
}

/* Looks before it opens: opening a device is not free of side effects. */
static int count_message(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks)
{
	struct stat status;
	int fd, result;

	if (!message->is_regular) {
		if (stat_message(scan, message, &status) < 0)
			return blame(scan, message, hooks);
		if (!S_ISREG(status.st_mode))
			return leave_out(scan, message, hooks,
				"not a regular file");
	}
	fd = open_message(scan, message);
	if (fd < 0)
		return blame(scan, message, hooks);
	result = count_open(scan, message, hooks, fd);
	close(fd);
	return result;
}

static int count_seen(struct scan *scan, const struct scan_hooks *hooks)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct scan_message *message = &scan->messages[idx];

		if (message->state != GATHER_SEEN)
			continue;
		if (count_message(scan, message, hooks) < 0)
			return -1;
	}
	return 0;
}

/* Count all; look again for those that are renamed meanwhile. */
static int count_all(struct scan *scan, const struct scan_hooks *hooks)
{
	for (int i = 0; i < PASSES; i++) {
		int result;

		if (count_seen(scan, hooks) < 0)
			return -1;
		if (gather_count(scan, GATHER_LOST) == 0)
			return 0;
		result = gather_round(scan);
		if (result < 0)
			return -1;
		if (result == 1 && gather_count(scan, GATHER_SEEN) == 0)
			return 0;
	}
	return 0;
}

static int compare_messages(const void *left, const void *right, void *context)
{
	const struct scan *scan = context;

	return name_compare(name_of(scan, left), name_of(scan, right));
}

static int fill(struct scan *scan, const struct scan_hooks *hooks)
{
	if (gather_all(scan) < 0 || count_all(scan, hooks) < 0)
		return -1;
	gather_keep(scan, GATHER_COUNTED);
	/* Again, by what fstat says of the inodes. */
	gather_collapse(scan);
	/* POSIX.1-2024 has qsort_r as glibc and musl do. */
	if (scan->count > 0)
		qsort_r(scan->messages, scan->count, sizeof(*scan->messages),
			compare_messages, scan);
	if (uidls_assign(scan, hooks) < 0)
		return -1;
	gather_keep(scan, GATHER_COUNTED);
	return 0;
}

int scan_maildir(struct scan *scan, int root_fd,
	const struct scan_hooks *hooks)
{
	*scan = (struct scan){ .folder_fd = { -1, -1 } };
	if (folder_open(root_fd, scan->folder_fd) < 0)
		return -1;
	return fill(scan, hooks);
}

void scan_free(struct scan *scan)
{
	for (int i = 0; i < FOLDERS; i++)
		if (scan->folder_fd[i] >= 0)
			close(scan->folder_fd[i]);
	free(scan->messages);
	free(scan->names);
	*scan = (struct scan){ .folder_fd = { -1, -1 } };
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

	return stat_message(scan, &scan->messages[idx], &status) == 0;
}

int scan_locate(struct scan *scan, uint32_t idx)
{
	const struct scan_message *message = &scan->messages[idx];
	struct stat status;

	for (int i = 0; i < TRIES && message->state != GATHER_LOST; i++) {
		if (stat_message(scan, message, &status) == 0) {
			if (is_same_file(message, &status))
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

/* As open_message(), but only the file that was scanned. */
static int open_same(const struct scan *scan,
	const struct scan_message *message)
{
	struct stat status;
	int fd = open_message(scan, message);

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) == 0 && is_same_file(message, &status))
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

const char *scan_name(const struct scan *scan, uint32_t idx)
{
	return name_of(scan, &scan->messages[idx]);
}

const char *scan_uidl(const struct scan *scan, uint32_t idx)
{
	return scan->names + scan->messages[idx].uidl;
}
