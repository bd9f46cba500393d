/*
 * octets.c - how many octets a stored message has as POP3 sends it
 *
 * Runs in: the keeper.  Distrusts: the file, which may be of any size and hold
 * any octets.
 */
#include "config.h"

#include "maildir/octets.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES 65536

/* Read from 'offset' on, up to 'end'; 0 at the end of the file. */
static ssize_t read_some(int fd, char *buffer, uint64_t offset, uint64_t end)
{
	uint64_t most = end - offset;
	ssize_t got;

	if (most > BUFFER_BYTES)
		most = BUFFER_BYTES;
	do
		got = pread(fd, buffer, (size_t)most, (off_t)offset);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Count the LFs that follow no CR; 'last' is the octet before 'buffer'. */
static uint64_t count_bare_lfs(const char *buffer, size_t bytes, char last)
{
	const char *end = buffer + bytes;
	const char *lf = buffer;
	uint64_t bare = 0;

	while ((lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
		bare += (lf > buffer ? lf[-1] : last) != '\r';
		lf++;
	}
	return bare;
}

int octets_count(int fd, uint64_t *size_bytes, uint64_t *octets)
{
	/* Static: of a large stack frame every page would be touched. */
	static _Thread_local char buffer[BUFFER_BYTES];
	char last = '\n';
	uint64_t size = 0, added = 0;
	ssize_t got = 0;

	while (size < *size_bytes &&
			(got = read_some(fd, buffer, size, *size_bytes)) > 0) {
		added += count_bare_lfs(buffer, (size_t)got, last);
		last = buffer[got - 1];
		size += (uint64_t)got;
	}
	if (got < 0)
		return -1;
	*size_bytes = size;
	*octets = size + added + (last == '\n' ? 0 : 2);
	return 0;
}
