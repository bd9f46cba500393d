/*
 * settings_text.h - the octets of one configuration file
 */
#ifndef POSTERN_SETTINGS_TEXT_H
#define POSTERN_SETTINGS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct settings_text {
	char *octets;		/* allocated; no NUL among them */
	size_t count;
	int lines;		/* or the bad line; 0 if all are */
	const char *cannot;	/* why it could not be read */
};

/*
 * Read the regular file 'path', without its byte order mark, into a buffer with
 * 'room_bytes' to spare.  Returns true, or false with a reason in 'cannot' that
 * is valid until the next call.
 */
bool settings_text_read(const char *path, size_t room_bytes,
	struct settings_text *text);

/* Return the path of 'name' beside the file 'including', to be freed. */
char *settings_text_beside(const char *including, const char *name);

#endif
