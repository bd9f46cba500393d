/*
 * text.c - small files made of lines: read whole, then taken line by line
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: the files, which may be anything, of any size, and change while
 * they are read.
 */
#include "config.h"

#include "maildir/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/folder.h"

#define TEXT_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

static int allocate(struct text *text, size_t count)
{
	*text = (struct text){ .octets = malloc(count + 1), .count = count };
	return text->octets != NULL ? 0 : -1;
}

/* Find out how many bytes to read. */
static int look(int fd, size_t *bytes)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode)) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (status.st_size < 0 || (uint64_t)status.st_size > TEXT_MOST_BYTES) {
		errno = EFBIG;
		return -1;
	}
	*bytes = (size_t)status.st_size;
	return 0;
}

/* Read what is there now, if it has become less; what is new is left out. */
static int fill(struct text *text, int fd)
{
	size_t done = 0;

	while (done < text->count) {
		ssize_t got = read(fd, text->octets + done,
			text->count - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	text->count = done;
	text->octets[done] = '\0';
	return 0;
}

static int read_open(struct text *text, int fd)
{
	size_t bytes;

	if (look(fd, &bytes) < 0 || allocate(text, bytes) < 0)
		return -1;
	return fill(text, fd);
}

int text_read(struct text *text, int folder_fd, const char *name)
{
	int fd = folder_openat(folder_fd, name, TEXT_FLAGS);
	int result, saved;

	*text = (struct text){ .octets = NULL };
	if (fd < 0)
		return -1;
	result = read_open(text, fd);
	saved = errno;
	close(fd);
	errno = saved;
	return result;
}

int text_copy(struct text *text, const char *octets, size_t count)
{
	*text = (struct text){ .octets = NULL };
	if (count > TEXT_MOST_BYTES) {
		errno = EFBIG;
		return -1;
	}
	if (allocate(text, count) < 0)
		return -1;
	if (count > 0)
		memcpy(text->octets, octets, count);
	text->octets[count] = '\0';
	return 0;
}

void text_free(struct text *text)
{
	free(text->octets);
	*text = (struct text){ .octets = NULL };
}

bool text_next(struct text *text, struct text_line *line)
{
	char *start = text->octets + text->next;
	size_t left = text->count - text->next;
	char *lf;

	if (left == 0)
		return false;
	lf = memchr(start, '\n', left);
	*line = (struct text_line){
		.octets = start,
		.count = lf != NULL ? (size_t)(lf - start) : left,
	};
	text->next += line->count + (lf != NULL);
	if (lf != NULL && line->count > 0 && lf[-1] == '\r')
		line->count--;
	start[line->count] = '\0';
	line->is_whole = lf != NULL &&
		memchr(start, '\0', line->count) == NULL;
	return true;
}

bool text_number(const char **at, uint64_t most, uint64_t *value)
{
	const char *digit = *at;
	uint64_t number = 0, limit = most / 10;

	for (; *digit >= '0' && *digit <= '9'; digit++) {
		uint64_t unit = (uint64_t)(*digit - '0');

		if (unit > most || number > limit ||
				number * 10 > most - unit)
			return false;
		number = number * 10 + unit;
	}
	if (digit == *at)
		return false;
	*at = digit;
	*value = number;
	return true;
}
