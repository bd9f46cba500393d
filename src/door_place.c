/*
 * door_place.c - the socket at which posternctl knocks: made, guarded, removed
 *
 * Runs in: the master.  Distrusts: what is in the directory of the socket.
 */
#include "config.h"

#include "door.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "deadline.h"
#include "log.h"

/* Who waits before the door. */
#define BACKLOG 16

/* How long to wait for another server to leave the place. */
#define RETRY_S 1

/* With its NUL. */
#define PATH_BYTES sizeof(((struct sockaddr_un *)0)->sun_path)

/* Have the directory; nobody else may exchange files in it. */
static int prepare_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char directory[PATH_BYTES];
	struct stat status;

	snprintf(directory, sizeof(directory), "%.*s",
		slash == path ? 1 : (int)(slash - path), path);
	/* Our umask lets nobody through. */
	if (mkdir(directory, 0755) == 0)
		(void)chmod(directory, 0755);
	if (stat(directory, &status) < 0)
		return -1;
	if ((status.st_uid == 0 || status.st_uid == geteuid()) &&
			(status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	errno = EPERM;
	return -1;
}

/*
 * Hold the lock that says that we live.  It is fcntl's, which no child has, and
 * its file stays: whoever removed it might remove the next one's.
 */
static int take_lock(const char *path)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char name[PATH_BYTES + 8];

	snprintf(name, sizeof(name), "%s.lock", path);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
		O_NONBLOCK, 0600);
	if (fd >= 0 && fcntl(fd, F_SETLK, &whole) == 0)
		return fd;
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error == EAGAIN || error == EACCES ? EADDRINUSE : error;
	return -1;
}

/* The socket of a dead server; anything else stays. */
static int remove_stale(const char *path)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0 : -1;
	if (S_ISSOCK(status.st_mode))
		return unlink(path);
	errno = EEXIST;
	return -1;
}

/* With an effective group, the file has that from the beginning. */
static int make_socket(const char *path, gid_t group)
{
	gid_t before = getegid();
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	/* Our umask makes it ours alone, until guard() has had a look. */
	bool is_other = group != before && setegid(group) == 0;
	int status = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&address,
		sizeof(address));
	int error = errno;
	if (is_other && setegid(before) < 0)
		log_error("group %u: %s", (unsigned int)before,
			strerror(errno));
	if (status == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	if (status == 0)
		error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

static bool find_group(const char *name, gid_t *group)
{
	const struct group *found = getgrnam(name);
	char *end;
	unsigned long number;

	if (found != NULL) {
		*group = found->gr_gid;
		return true;
	}
	errno = 0;
	number = strtoul(name, &end, 10);
	*group = (gid_t)number;
	return errno == 0 && *end == '\0' && *name >= '0' && *name <= '9' &&
		*group == number;
}

/* Who may come in, by the modes of the file, which is of 'group' now. */
static void guard(struct door *door, gid_t group)
{
	/* The group first: no other one may have the right for a moment. */
	if (door->has_group && group != door->group &&
			chown(door->path, (uid_t)-1, door->group) < 0)
		log_warning("%s: group %u: %s", door->path,
			(unsigned int)door->group, strerror(errno));
	else if (chmod(door->path, door->has_group ? 0660 : 0600) < 0)
		log_warning("%s: %s", door->path, strerror(errno));
}

static int make(struct door *door, const char *path)
{
	struct stat status;

	if (strlen(path) >= PATH_BYTES) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (prepare_directory(path) < 0)
		return -1;
	door->lock_fd = take_lock(path);
	if (door->lock_fd < 0 || remove_stale(path) < 0)
		return -1;
	door->fd = make_socket(path, door->has_group ? door->group :
		getegid());
	if (door->fd < 0 || lstat(path, &status) < 0)
		return -1;
	door->device = status.st_dev;
	door->inode = status.st_ino;
	door->path = strdup(path);
	if (door->path == NULL)
		return -1;
	guard(door, status.st_gid);
	return 0;
}

void door_leave(struct door *door)
{
	struct stat status;

	if (door->path != NULL && lstat(door->path, &status) == 0 &&
			status.st_dev == door->device &&
			status.st_ino == door->inode)
		(void)unlink(door->path);
	if (door->fd >= 0)
		close(door->fd);
	/* The lock goes last: until then the name is ours. */
	if (door->lock_fd >= 0)
		close(door->lock_fd);
	free(door->path);
	door->path = NULL;
	door->fd = door->lock_fd = -1;
}

/* Whether 'group' is the one that may come in already. */
static bool take_group(struct door *door, const char *group)
{
	gid_t found = 0;
	bool has_group = *group != '\0' && find_group(group, &found);
	bool is_same = has_group == door->has_group && found == door->group;

	if (*group != '\0' && !has_group)
		log_warning("control: group = \"%s\": there is no such group",
			group);
	door->has_group = has_group;
	door->group = found;
	return is_same;
}

static const char *why_not(int error)
{
	switch (error) {
	case EADDRINUSE:
		return "another server has it still";
	case EPERM:
		return "others may write to its directory";
	case EEXIST:
		return "there is something that is no socket";
	default:
		return strerror(error);
	}
}

void door_open(struct door *door, const char *path, const char *group)
{
	bool is_retry = door->retry_ms != DEADLINE_NEVER;

	door->retry_ms = DEADLINE_NEVER;
	if (take_group(door, group) && door->path != NULL &&
			strcmp(door->path, path) == 0)
		return;
	door_leave(door);
	if (*path == '\0' || make(door, path) == 0)
		return;

	int error = errno;
	door_leave(door);
	/* It may be our predecessor's, which is about to leave. */
	if (error == EADDRINUSE)
		door->retry_ms = deadline_in_s(RETRY_S);
	if (!is_retry || error != EADDRINUSE)
		log_warning("no control socket: %s: %s", path, why_not(error));
}
