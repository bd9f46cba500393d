/*
 * trash.c - where removed messages wait, so that they can be had back
 *
 * Runs in: the keeper, as the mail user.  Distrusts: whatever lies in place of
 * the trash, and the names in it.
 */
#include "config.h"

#include "maildir/trash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/move.h"
#include "maildir/name.h"

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define DAY_S 86400

/* How many files of the same name the trash holds. */
#define MOST_TWINS 100

/* By enum folder. */
static const char *const folder_names[FOLDERS] = {
	[FOLDER_NEW] = "new", [FOLDER_CUR] = "cur",
};

/* Make a directory, and make that last.  One that exists is good. */
static int make_directory(int parent_fd, const char *name)
{
	if (mkdirat(parent_fd, name, 0700) == 0)
		return move_settle(parent_fd);
	return errno == EEXIST ? 0 : -1;
}

static int make_and_open(int parent_fd, const char *name)
{
	if (make_directory(parent_fd, name) < 0)
		return -1;
	return openat(parent_fd, name, DIRECTORY_FLAGS);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_all(struct trash *trash, int root_fd)
{
	trash->fd = make_and_open(root_fd, TRASH_NAME);
	if (trash->fd < 0)
		return -1;
	for (int i = 0; i < FOLDERS; i++) {
		trash->folder_fd[i] = make_and_open(trash->fd,
			folder_names[i]);
		if (trash->folder_fd[i] < 0)
			return -1;
	}
	/* Other programs take it for a Maildir only if it has all three. */
	return make_directory(trash->fd, "tmp");
}

void trash_open(struct trash *trash, int root_fd)
{
	*trash = (struct trash){ .fd = -1, .folder_fd = { -1, -1 } };
	if (open_all(trash, root_fd) == 0)
		return;
	/* ENOENT would say that a message is not there. */
	trash->error = errno != ENOENT ? errno : ENOTDIR;
}

void trash_close(struct trash *trash)
{
	for (int i = 0; i < FOLDERS; i++)
		close_fd(&trash->folder_fd[i]);
	close_fd(&trash->fd);
}

/* Put ',' and 'number' behind the unique part of 'name'. */
static int number_name(const char *name, int number, char twin[NAME_MAX + 1])
{
	int unique = (int)name_unique(name);
	int count = snprintf(twin, NAME_MAX + 1, "%.*s,%d%s", unique, name,
		number, name + unique);

	if (count >= 0 && count <= NAME_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

static int take_as_twin(int folder_fd, const char *name, int to_fd)
{
	char twin[NAME_MAX + 1];

	for (int i = 1; i < MOST_TWINS; i++) {
		if (number_name(name, i, twin) < 0)
			return -1;
		if (move_file(folder_fd, name, to_fd, twin) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

int trash_take(struct trash *trash, enum folder folder, int folder_fd,
	const char *name)
{
	int to_fd = trash->folder_fd[folder], result;

	if (trash->error != 0) {
		errno = trash->error;
		return -1;
	}
	result = move_file(folder_fd, name, to_fd, name);
	if (result < 0 && errno == EEXIST)
		result = take_as_twin(folder_fd, name, to_fd);
	if (result == 0)
		trash->is_changed[folder] = true;
	return result;
}

int trash_settle(struct trash *trash)
{
	for (int i = 0; i < FOLDERS; i++)
		if (trash->is_changed[i] &&
				move_settle(trash->folder_fd[i]) < 0)
			return -1;
	return 0;
}

/* Rounded towards the past. */
static int64_t day_of(int64_t time_s)
{
	return time_s / DAY_S - (time_s % DAY_S < 0);
}

/* Whether nothing was removed for good today; if so, say that it was. */
static bool is_due(int trash_fd, uint16_t today)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_sec = (time_t)today * DAY_S },
	};
	struct stat status;

	return fstat(trash_fd, &status) == 0 &&
		day_of(status.st_mtim.tv_sec) != today &&
		futimens(trash_fd, times) == 0;
}

/* One look at the trash. */
struct purge {
	int folder_fd[FOLDERS];
	uint32_t days;
	uint16_t today;
	int64_t removed;
	int error;		/* of the first that failed; 0: none */
};

static int purge_entry(void *context, const struct folder_entry *entry)
{
	struct purge *purge = context;
	int folder_fd = purge->folder_fd[entry->folder];
	struct stat status;

	if (fstatat(folder_fd, entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (!S_ISREG(status.st_mode) ||
			day_of(status.st_ctim.tv_sec) + purge->days >=
				purge->today)
		return 0;
	if (unlinkat(folder_fd, entry->name, 0) == 0)
		purge->removed++;
	else if (purge->error == 0)
		purge->error = errno;
	return 0;
}

static int64_t purge_folders(int trash_fd, struct purge *purge)
{
	if (folder_open(trash_fd, purge->folder_fd) < 0)
		return -1;
	if (folder_round(purge->folder_fd, purge_entry, purge) < 0)
		purge->error = errno;
	for (int i = 0; i < FOLDERS; i++)
		close_fd(&purge->folder_fd[i]);
	errno = purge->error;
	return purge->error == 0 ? purge->removed : -1;
}

int64_t trash_purge(int root_fd, uint32_t days, uint16_t today)
{
	struct purge purge = { .days = days, .today = today };
	int trash_fd = openat(root_fd, TRASH_NAME, DIRECTORY_FLAGS);
	int64_t result = 0;
	int error;

	if (trash_fd < 0)
		return errno == ENOENT ? 0 : -1;
	if (is_due(trash_fd, today))
		result = purge_folders(trash_fd, &purge);
	error = errno;
	close(trash_fd);
	errno = error;
	return result;
}
