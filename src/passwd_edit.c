/*
 * passwd_edit.c - a passwd-file, locked, read, and replaced as a whole
 *
 * Owns: that there is one whole file at any time, and no change gets lost.
 * Runs in: posternctl, as root or as the file's owner.  Distrusts: nobody who
 * may write to the directory.
 */
#include "config.h"

#include "passwd_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "passwd_file.h"
#include "readn.h"

#define NEW_FILE_MODE 0600
#define NAME_BYTES 256

static const char too_large[] = "would be larger than 64 MiB";

/* 'before' the name and 'behind' it; false: too long. */
static bool make_name(const struct passwd_edit *edit, const char *before,
	const char *behind, char name[NAME_BYTES])
{
	int count = snprintf(name, NAME_BYTES, "%s%s%s", before, edit->name,
		behind);

	return count > 0 && count < NAME_BYTES;
}

/* Open the directory of 'path' and find the name in it. */
static const char *open_directory(struct passwd_edit *edit, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash == NULL ? strdup(".") :
		strndup(path, (size_t)(slash - path) + 1);

	edit->name = slash == NULL ? path : slash + 1;
	if (directory == NULL)
		return strerror(errno);
	edit->directory_fd = open(directory,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	if (edit->directory_fd < 0)
		return strerror(errno);
	return *edit->name == '\0' ? strerror(EISDIR) : NULL;
}

/* Nobody else may open the file, or anybody could hold the lock for ever. */
static const char *take_lock(struct passwd_edit *edit)
{
	static char why[NAME_BYTES + 64];
	char name[NAME_BYTES];
	int result;

	if (!make_name(edit, "", ".lock", name))
		return strerror(ENAMETOOLONG);
	edit->lock_fd = openat(edit->directory_fd, name,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		NEW_FILE_MODE);
	if (edit->lock_fd < 0) {
		snprintf(why, sizeof(why), "can't open %s: %s", name,
			strerror(errno));
		return why;
	}
	do {
		result = flock(edit->lock_fd, LOCK_EX);
	} while (result < 0 && errno == EINTR);
	return result < 0 ? strerror(errno) : NULL;
}

static const char *check_status(const struct stat *status)
{
	if (!S_ISREG(status->st_mode))
		return "is not a regular file";
	if (status->st_nlink > 1)
		return "has another name, too (a hard link)";
	if (status->st_size > PASSWD_FILE_BYTES_MAX)
		return "is larger than 64 MiB";
	return NULL;
}

static const char *read_octets(struct passwd_edit *edit, int fd)
{
	size_t size = (size_t)edit->status.st_size;

	edit->octets = malloc(size + 1);
	if (edit->octets == NULL)
		return strerror(errno);

	ssize_t got = readn(fd, edit->octets, size);
	if (got < 0)
		return strerror(errno);
	edit->count = (size_t)got;
	return edit->count == size ? NULL : "was changed while it was read";
}

static const char *read_file(struct passwd_edit *edit)
{
	int fd = openat(edit->directory_fd, edit->name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const char *wrong = NULL;

	if (fd < 0 && errno == ENOENT)
		return NULL;
	if (fd < 0)
		return errno == ELOOP ? "is a symbolic link: name the file "
			"that it leads to" : strerror(errno);
	edit->is_there = true;
	if (fstat(fd, &edit->status) < 0)
		wrong = strerror(errno);
	if (wrong == NULL)
		wrong = check_status(&edit->status);
	if (wrong == NULL)
		wrong = read_octets(edit, fd);
	close(fd);	/* only read from: nothing can be lost */
	return wrong;
}

/* Owner first: until then nobody else may read it. */
static int fill(const struct passwd_edit *edit, int fd, const char *octets,
	size_t count)
{
	if (edit->is_there && (fchown(fd, edit->status.st_uid,
			edit->status.st_gid) < 0 ||
			fchmod(fd, edit->status.st_mode & 07777) < 0))
		return -1;
	return writen(fd, octets, count) < 0 ? -1 : fsync(fd);
}

/* Write a file of that name; if it can't be done, there is none. */
static int write_file(const struct passwd_edit *edit, const char *name,
	const char *octets, size_t count)
{
	int fd, status, error;

	/* Whoever left one behind is gone: we have the lock. */
	(void)unlinkat(edit->directory_fd, name, 0);
	fd = openat(edit->directory_fd, name,
		O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, NEW_FILE_MODE);
	if (fd < 0)
		return -1;
	status = fill(edit, fd, octets, count);
	error = errno;
	if (close(fd) < 0 && status == 0) {
		status = -1;
		error = errno;
	}
	if (status == 0 && renameat(edit->directory_fd, name,
			edit->directory_fd, edit->name) < 0) {
		status = -1;
		error = errno;
	}
	if (status < 0)
		(void)unlinkat(edit->directory_fd, name, 0);
	errno = error;
	return status;
}

const char *passwd_edit_begin(struct passwd_edit *edit, const char *path)
{
	const char *wrong;

	*edit = (struct passwd_edit){ .directory_fd = -1, .lock_fd = -1 };
	wrong = open_directory(edit, path);
	if (wrong == NULL)
		wrong = take_lock(edit);
	if (wrong == NULL)
		wrong = read_file(edit);
	if (wrong == NULL && edit->octets == NULL)
		edit->octets = strdup("");
	return wrong == NULL && edit->octets == NULL ? strerror(errno) : wrong;
}

const char *passwd_edit_replace(struct passwd_edit *edit, const char *octets,
	size_t count)
{
	char name[NAME_BYTES];

	if (count > PASSWD_FILE_BYTES_MAX)
		return too_large;
	if (!make_name(edit, ".", ".posternctl", name))
		return strerror(ENAMETOOLONG);
	if (write_file(edit, name, octets, count) < 0 ||
			fsync(edit->directory_fd) < 0)
		return strerror(errno);
	return NULL;
}

void passwd_edit_end(struct passwd_edit *edit)
{
	if (edit->octets != NULL)
		explicit_bzero(edit->octets, edit->count);
	free(edit->octets);
	if (edit->lock_fd >= 0)
		close(edit->lock_fd);	/* that is what releases it */
	if (edit->directory_fd >= 0)
		close(edit->directory_fd);
}
