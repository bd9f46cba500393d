/*
 * whole.c - read and write all of it, or fail
 *
 * Runs in: the keeper.  Distrusts: that a file is as long as it was.
 */
#include "config.h"

#include "maildir/whole.h"

#include <errno.h>
#include <unistd.h>

int whole_write(int fd, const void *octets, size_t count)
{
	const char *from = octets;

	while (count > 0) {
		ssize_t written = write(fd, from, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		from += written;
		count -= (size_t)written;
	}
	return 0;
}

int whole_read(int fd, void *octets, size_t count, uint64_t at)
{
	char *to = octets;

	while (count > 0) {
		ssize_t got = pread(fd, to, count, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EBADMSG;
		if (got <= 0)
			return -1;
		to += got;
		at += (uint64_t)got;
		count -= (size_t)got;
	}
	return 0;
}
