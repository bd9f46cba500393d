/*
 * line.c - one bounded command line out of a run of octets
 *
 * Runs in: a worker.  Distrusts: every octet.  Pure: no system call.
 */
#include "config.h"

#include "line.h"

#include <string.h>

static void collect(struct line *line, const char *octets, size_t count)
{
	if (count > LINE_OCTETS - line->count) {
		line->is_too_long = true;
		count = LINE_OCTETS - line->count;
	}
	memcpy(line->text + line->count, octets, count);
	line->count += count;
}

/* The line is over: cut off its end and say what it was. */
static enum line_event finish(struct line *line)
{
	line->is_over = true;
	if (line->is_too_long)
		return LINE_TOO_LONG;

	line->count--;
	if (line->count > 0 && line->text[line->count - 1] == '\r')
		line->count--;
	line->text[line->count] = '\0';
	return strlen(line->text) == line->count ? LINE_COMPLETE : LINE_BAD;
}

enum line_event line_take(struct line *line, const char *octets, size_t count,
	size_t *taken)
{
	if (line->is_over)
		line_wipe(line);

	const char *end = memchr(octets, '\n', count);
	*taken = end != NULL ? (size_t)(end - octets) + 1 : count;
	collect(line, octets, *taken);
	return end != NULL ? finish(line) : LINE_MORE;
}

void line_wipe(struct line *line)
{
	explicit_bzero(line->text, line->count);
	line->count = 0;
	line->text[0] = '\0';
	line->is_too_long = false;
	line->is_over = false;
}
