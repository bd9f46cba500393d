/*
 * line.h - one bounded command line out of a run of octets
 */
#ifndef POSTERN_LINE_H
#define POSTERN_LINE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The longest command line with its CRLF.  RFC 2449 section 4 wants 255; mail
 * addresses as user names and long passwords want more.
 */
#define LINE_OCTETS 512

enum line_event {
	LINE_MORE,	/* the line is not complete yet */
	LINE_COMPLETE,	/* 'text' holds it */
	LINE_TOO_LONG,	/* it was longer than LINE_OCTETS, and is over now */
	LINE_BAD	/* it held a NUL, and is over now */
};

/* All zero to begin with. */
struct line {
	char text[LINE_OCTETS + 1];	/* without its end, NUL-terminated */
	size_t count;			/* of octets collected */
	bool is_too_long, is_over;
};

/*
 * Add octets to 'line' until it is complete; a LF ends it, a CR before that is
 * not part of it.  After any event but LINE_MORE the next call begins anew.
 *
 * taken: how many of the 'count' octets belong to this line.
 */
enum line_event line_take(struct line *line, const char *octets, size_t count,
	size_t *taken);

/* Wipe what 'line' holds: it may be a password. */
void line_wipe(struct line *line);

#endif
