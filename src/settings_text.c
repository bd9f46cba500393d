/*
 * settings_text.c - the octets of one configuration file
 *
 * Owns: what may reach libconfuse at all.  Its scanner calls exit() when it
 * cannot read, and silently ends at a NUL.  Runs in: the master, or a child of
 * it that tries a new file.  Distrusts: that a path names a text file.
 */
#include "config.h"

#include "settings_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "readn.h"

#define FILE_BYTES_MAX (1024 * 1024)

static const char byte_order_mark[] = "\xef\xbb\xbf";
#define BYTE_ORDER_MARK_BYTES (sizeof(byte_order_mark) - 1)

static const char *check_regular(int fd)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0)
		return strerror(errno);
	if (S_ISDIR(status.st_mode))
		return "Is a directory (name a file)";
	if (!S_ISREG(status.st_mode))
		return "Is not a regular file";
	return NULL;
}

static const char *read_octets(int fd, struct settings_text *text)
{
	ssize_t got = readn(fd, text->octets, FILE_BYTES_MAX);

	if (got < 0)
		return strerror(errno);
	text->count = (size_t)got;
	return got < FILE_BYTES_MAX ? NULL : "Is larger than 1 MiB";
}

static void drop_byte_order_mark(struct settings_text *text)
{
	if (text->count < BYTE_ORDER_MARK_BYTES || memcmp(text->octets,
		byte_order_mark, BYTE_ORDER_MARK_BYTES) != 0)
		return;
	text->count -= BYTE_ORDER_MARK_BYTES;
	memmove(text->octets, text->octets + BYTE_ORDER_MARK_BYTES,
		text->count);
}

/* Count the lines; the last one need not end with a line feed. */
static const char *check_lines(struct settings_text *text)
{
	text->lines = 1;
	for (size_t i = 0; i < text->count; i++) {
		if (text->octets[i] == '\0')
			return "a NUL octet (is it a text file?)";
		if (text->octets[i] == '\n' && i + 1 < text->count)
			text->lines++;
	}
	return NULL;
}

static const char *read_text(int fd, size_t room_bytes,
	struct settings_text *text)
{
	const char *cannot = check_regular(fd);

	if (cannot != NULL)
		return cannot;
	text->octets = malloc(FILE_BYTES_MAX + room_bytes);
	if (text->octets == NULL)
		return strerror(errno);
	cannot = read_octets(fd, text);
	drop_byte_order_mark(text);
	return cannot != NULL ? cannot : check_lines(text);
}

bool settings_text_read(const char *path, size_t room_bytes,
	struct settings_text *text)
{
	/* Without O_NONBLOCK a FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	memset(text, 0, sizeof(*text));
	text->cannot = read_text(fd, room_bytes, text);
	if (fd >= 0)
		close(fd);	/* only read from: nothing can be lost */
	if (text->cannot == NULL)
		return true;
	free(text->octets);
	text->octets = NULL;
	return false;
}

char *settings_text_beside(const char *including, const char *name)
{
	const char *slash = strrchr(including, '/');
	int directory = slash == NULL ? 0 : (int)(slash - including) + 1;
	char *path;

	if (*name == '/')
		directory = 0;
	if (asprintf(&path, "%.*s%s", directory, including, name) < 0)
		bug("no memory for settings");
	return path;
}
