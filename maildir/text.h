/*
 * text.h - small files made of lines: read whole, then taken line by line
 */
#ifndef POSTERN_MAILDIR_TEXT_H
#define POSTERN_MAILDIR_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No file of this kind is larger, not even for millions of messages. */
#define TEXT_MOST_BYTES ((size_t)256 << 20)

struct text {
	char *octets;		/* and a NUL behind the last */
	size_t count;
	size_t next;		/* where the next line begins */
};

struct text_line {
	char *octets;		/* without its line end, and a NUL behind it */
	size_t count;
	bool is_whole;		/* it had a line end, and has no NUL */
};

/*
 * Read the file 'name' of the directory 'folder_fd'.  Never waits for it and
 * never follows a link.  text_free() ends it, also after an error.
 * Returns 0, or -1 with errno: EOPNOTSUPP for what is no regular file, EFBIG
 * above TEXT_MOST_BYTES, else what opening or reading said.
 */
int text_read(struct text *text, int folder_fd, const char *name);

/* As text_read(), of the 'count' octets at 'octets'. */
int text_copy(struct text *text, const char *octets, size_t count);

/* Free the octets. */
void text_free(struct text *text);

/*
 * Take the next line, which ends with LF or CRLF, and which the caller may
 * change in place.  Returns false when there is none left.
 */
bool text_next(struct text *text, struct text_line *line);

/*
 * Read the decimal number that begins at '*at', and move '*at' behind it.
 * Returns false if no digit is there, or if the number is above 'most'; then
 * both stay as they are.
 */
bool text_number(const char **at, uint64_t most, uint64_t *value);

#endif
