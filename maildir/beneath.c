/*
 * beneath.c - open a directory that can't be outside of another one
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: what the name is: the user may have made it a link, and may change
 * that at any moment.
 */
#include "config.h"

#include "maildir/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_LINUX_OPENAT2_H
#include <linux/openat2.h>
#endif

#define DIRECTORY_FLAGS (O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Renames elsewhere make the kernel give up a ".." that it can't verify. */
#define MOST_TRIES 100

/* Linux-only: nothing else follows links and is sure to stay beneath. */
static int open_beneath(int root_fd, const char *name)
{
#if defined(HAVE_LINUX_OPENAT2_H) && defined(SYS_openat2)
	struct open_how how = {
		.flags = DIRECTORY_FLAGS,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	errno = EAGAIN;
	for (int i = 0; i < MOST_TRIES && fd < 0 && errno == EAGAIN; i++)
		fd = (int)syscall(SYS_openat2, root_fd, name, &how,
			sizeof(how));
	return fd;
#else
	(void)root_fd, (void)name;
	errno = ENOSYS;
	return -1;
#endif
}

/* An old kernel lacks the call, and a filter of system calls may forbid it. */
static bool is_unavailable(int error)
{
	return error == ENOSYS || error == EPERM || error == E2BIG;
}

int beneath_open(int root_fd, const char *name)
{
	int fd;

	if (*name == '\0' || strcmp(name, ".") == 0 ||
			strcmp(name, "..") == 0 || strchr(name, '/') != NULL) {
		errno = EINVAL;
		return -1;
	}
	fd = open_beneath(root_fd, name);
	if (fd >= 0 || !is_unavailable(errno))
		return fd;
	return openat(root_fd, name, DIRECTORY_FLAGS | O_NOFOLLOW);
}
