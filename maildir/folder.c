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

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static const char *const folder_names[FOLDERS] = {
	[FOLDER_NEW] = "new", [FOLDER_CUR] = "cur",
};

static struct folder_stamps stamps_of(const struct stat *status)
{
	return (struct folder_stamps){
		.dev = status->st_dev,
		.inode = status->st_ino,
		.links = status->st_nlink,
		.mtime_s = status->st_mtim.tv_sec,
		.mtime_ns = status->st_mtim.tv_nsec,
		.ctime_s = status->st_ctim.tv_sec,
		.ctime_ns = status->st_ctim.tv_nsec,
	};
}

static bool is_equal(const struct folder_stamps *a,
	const struct folder_stamps *b)
{
	/* All fields have the same width: there is no padding. */
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Read the stamps of both folders; of a missing one they never change. */
static int look(const int fds[FOLDERS], struct folder_stamps stamps[FOLDERS])
{
	struct stat status;

	memset(stamps, 0, FOLDERS * sizeof(*stamps));
	for (int i = 0; i < FOLDERS; i++) {
		if (fds[i] < 0)
			continue;
		if (fstat(fds[i], &status) < 0)
			return -1;
		stamps[i] = stamps_of(&status);
	}
	return 0;
}

static int judge(const struct folder_stamps before[FOLDERS],
	const struct folder_stamps after[FOLDERS])
{
	struct timespec now;

	if (!folder_is_same(before, after))
		return FOLDER_MOVED;
	if (clock_gettime(CLOCK_REALTIME, &now) < 0 ||
			folder_is_racy(after, now.tv_sec))
		return FOLDER_RACY;
	return FOLDER_CALM;
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

static int open_folder(int root_fd, enum folder folder, int fds[FOLDERS])
{
	fds[folder] = openat(root_fd, folder_names[folder], DIRECTORY_FLAGS);
	return fds[folder] >= 0 || errno == ENOENT ? 0 : -1;
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

int folder_look(int root_fd, struct folder_stamps stamps[FOLDERS])
{
	struct stat status;

	memset(stamps, 0, FOLDERS * sizeof(*stamps));
	for (int i = 0; i < FOLDERS; i++) {
		if (fstatat(root_fd, folder_names[i], &status,
				AT_SYMLINK_NOFOLLOW) == 0)
			stamps[i] = stamps_of(&status);
		else if (errno != ENOENT)
			return -1;
	}
	return 0;
}

bool folder_is_same(const struct folder_stamps a[FOLDERS],
	const struct folder_stamps b[FOLDERS])
{
	return is_equal(&a[FOLDER_NEW], &b[FOLDER_NEW]) &&
		is_equal(&a[FOLDER_CUR], &b[FOLDER_CUR]);
}

/*
 * A program that restores mail sets the time of a folder back, and only the
 * ctime tells; but one that shows seconds may be that of two such changes.
 */
static bool is_racy(const struct folder_stamps *stamps, int64_t least_s)
{
	return stamps->mtime_s >= least_s ||
		(stamps->ctime_ns == 0 && stamps->ctime_s >= least_s);
}

bool folder_is_racy(const struct folder_stamps stamps[FOLDERS], int64_t now_s)
{
	return is_racy(&stamps[FOLDER_NEW], now_s - FOLDER_RACY_S) ||
		is_racy(&stamps[FOLDER_CUR], now_s - FOLDER_RACY_S);
}

int folder_open(int root_fd, int fds[FOLDERS])
{
	int saved;

	fds[FOLDER_CUR] = -1;
	if (open_folder(root_fd, FOLDER_NEW, fds) < 0)
		return -1;
	if (open_folder(root_fd, FOLDER_CUR, fds) == 0)
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
	struct folder_stamps before[FOLDERS], after[FOLDERS];
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
