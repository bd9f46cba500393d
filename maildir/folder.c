/*
 * folder.c - new/ and cur/: open them, read their names, know if they changed
 *
 * Runs in: the keeper.  Distrusts: readdir, which misses and repeats entries
 * that other programs rename meanwhile, and time stamps, which are coarse.
 */
#include "config.h"

#include "maildir/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* The coarsest stamps of a file system are FAT's. */
#define RACY_S 2

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct stamps {
	struct timespec mtime, ctime;
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec < b->tv_sec;
	return a->tv_nsec < b->tv_nsec;
}

static bool is_equal(const struct stamps *a, const struct stamps *b)
{
	return a->mtime.tv_sec == b->mtime.tv_sec &&
		a->mtime.tv_nsec == b->mtime.tv_nsec &&
		a->ctime.tv_sec == b->ctime.tv_sec &&
		a->ctime.tv_nsec == b->ctime.tv_nsec;
}

/* Read the stamps of both folders; of a missing one they never change. */
static int look(const int fds[FOLDERS], struct stamps stamps[FOLDERS])
{
	struct stat status;

	memset(stamps, 0, FOLDERS * sizeof(*stamps));
	for (int i = 0; i < FOLDERS; i++) {
		if (fds[i] < 0)
			continue;
		if (fstat(fds[i], &status) < 0)
			return -1;
		stamps[i].mtime = status.st_mtim;
		stamps[i].ctime = status.st_ctim;
	}
	return 0;
}

static bool is_racy(const struct stamps stamps[FOLDERS])
{
	struct timespec limit;

	if (clock_gettime(CLOCK_REALTIME, &limit) < 0)
		return true;
	limit.tv_sec -= RACY_S;
	return !is_before(&stamps[FOLDER_NEW].mtime, &limit) ||
		!is_before(&stamps[FOLDER_CUR].mtime, &limit);
}

static int judge(const struct stamps before[FOLDERS],
	const struct stamps after[FOLDERS])
{
	for (int i = 0; i < FOLDERS; i++)
		if (!is_equal(&before[i], &after[i]))
			return FOLDER_MOVED;
	return is_racy(after) ? FOLDER_RACY : FOLDER_CALM;
}

static int show_entries(DIR *directory, enum folder folder,
	folder_visitor *visit, void *context)
{
	struct dirent *entry;
	int result = 0;

	while (errno = 0, (entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		struct folder_entry shown = {
			.name = entry->d_name, .inode = entry->d_ino,
			.folder = folder,
			.is_regular = entry->d_type == DT_REG,
		};
		result = visit(context, &shown);
		if (result != 0)
			return result;
	}
	return errno == 0 ? 0 : -1;
}

/* A descriptor of its own: reading moves the offset and closedir closes it. */
static DIR *open_again(int folder_fd)
{
	int fd = folder_openat(folder_fd, ".", DIRECTORY_FLAGS);
	DIR *directory;

	if (fd < 0)
		return NULL;
	directory = fdopendir(fd);
	if (directory == NULL)
		close(fd);
	return directory;
}

static int show_folder(const int fds[FOLDERS], enum folder folder,
	folder_visitor *visit, void *context)
{
	DIR *directory;
	int result, saved;

	if (fds[folder] < 0)
		return 0;
	directory = open_again(fds[folder]);
	if (directory == NULL)
		return -1;
	result = show_entries(directory, folder, visit, context);
	saved = errno;
	closedir(directory);
	errno = saved;
	return result;
}

static int open_folder(int root_fd, const char *name, int *fd)
{
	*fd = openat(root_fd, name, DIRECTORY_FLAGS);
	return *fd >= 0 || errno == ENOENT ? 0 : -1;
}

int folder_openat(int folder_fd, const char *name, int flags)
{
#ifdef O_NOATIME
	/* Linux-only, and only for the files' owner. */
	int fd = openat(folder_fd, name, flags | O_NOATIME);

	if (fd >= 0 || errno != EPERM)
		return fd;
#endif
	return openat(folder_fd, name, flags);
}

int folder_open(int root_fd, int fds[FOLDERS])
{
	int saved;

	fds[FOLDER_CUR] = -1;
	if (open_folder(root_fd, "new", &fds[FOLDER_NEW]) < 0)
		return -1;
	if (open_folder(root_fd, "cur", &fds[FOLDER_CUR]) == 0)
		return 0;
	saved = errno;
	if (fds[FOLDER_NEW] >= 0)
		close(fds[FOLDER_NEW]);
	fds[FOLDER_NEW] = -1;
	errno = saved;
	return -1;
}

int folder_round(const int fds[FOLDERS], folder_visitor *visit, void *context)
{
	struct stamps before[FOLDERS], after[FOLDERS];
	int result;

	if (look(fds, before) < 0)
		return -1;
	result = show_folder(fds, FOLDER_NEW, visit, context);
	if (result == 0)
		result = show_folder(fds, FOLDER_CUR, visit, context);
	if (result == 0)
		result = look(fds, after);
	/* A message moved back from cur/ to new/ is in neither so far. */
	if (result == 0 && !is_equal(&before[FOLDER_NEW], &after[FOLDER_NEW]))
		result = show_folder(fds, FOLDER_NEW, visit, context);
	if (result != 0)
		return result < 0 ? -1 : FOLDER_STOPPED;
	return judge(before, after);
}
