/*
 * readn.c - read and write as much as there is, not as comes at once
 *
 * Pure but for the descriptor.
 */
#include "config.h"

#include "readn.h"

#include <errno.h>
#include <unistd.h>

ssize_t readn(int fd, void *octets, size_t count)
{
	char *to = octets;
	size_t got = 0;

	while (got < count) {
		ssize_t more = read(fd, to + got, count - got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -1;
		if (more == 0)
			break;
		got += (size_t)more;
	}
	return (ssize_t)got;
}

int writen(int fd, const void *octets, size_t count)
{
	const char *from = octets;

	while (count > 0) {
		ssize_t put = write(fd, from, count);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		from += put;
		count -= (size_t)put;
	}
	return 0;
}
