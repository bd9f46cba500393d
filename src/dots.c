/*
 * dots.c - a stored message as the octets of a multi-line response
 *
 * Runs in: a worker.  Distrusts: the message.  Pure: no system call.
 */
#include "config.h"

#include "dots.h"

#include <string.h>

/* A dot to stuff, a CR to add and the octet itself. */
#define MOST_FOR_ONE_OCTET 3

/* A LF was sent: which line comes next? */
static void end_line(struct dots *dots)
{
	if (dots->is_in_body && dots->body_lines_left != DOTS_ALL)
		dots->body_lines_left--;
	if (dots->is_line_empty)
		dots->is_in_body = true;
	dots->is_done = dots->is_in_body && dots->body_lines_left == 0;

	dots->is_line_begun = false;
	dots->is_after_cr = false;
	dots->is_line_empty = true;
}

/* Write 'count' octets that hold no LF but perhaps as the last of them. */
static char *put_line(struct dots *dots, const char *in, size_t count,
	char *out)
{
	bool is_whole = in[count - 1] == '\n';
	size_t text = count - is_whole;

	if (!dots->is_line_begun && in[0] == '.')
		*out++ = '.';
	if (text > 0) {
		memcpy(out, in, text);
		out += text;
		if (text > 1 || in[0] != '\r' || dots->is_line_begun)
			dots->is_line_empty = false;
		dots->is_after_cr = in[text - 1] == '\r';
		dots->is_line_begun = true;
	}
	dots->octets += text;
	if (!is_whole)
		return out;

	if (!dots->is_after_cr) {
		*out++ = '\r';
		dots->octets++;
	}
	*out++ = '\n';
	dots->octets++;
	end_line(dots);
	return out;
}

void dots_begin(struct dots *dots, uint64_t body_lines)
{
	*dots = (struct dots){
		.body_lines_left = body_lines,
		.is_line_empty = true,
	};
}

size_t dots_convert(struct dots *dots, const char *in, size_t in_count,
	char *out, size_t *out_count)
{
	const char *from = in, *in_end = in + in_count;
	char *to = out, *out_end = out + *out_count;

	while (from < in_end && !dots->is_done &&
			out_end - to >= MOST_FOR_ONE_OCTET) {
		size_t left = (size_t)(in_end - from);
		size_t room = (size_t)(out_end - to) - MOST_FOR_ONE_OCTET + 1;
		if (left > room)
			left = room;

		const char *end = memchr(from, '\n', left);
		size_t count = end != NULL ? (size_t)(end - from) + 1 : left;
		to = put_line(dots, from, count, to);
		from += count;
	}
	*out_count = (size_t)(to - out);
	return (size_t)(from - in);
}

const char *dots_end(struct dots *dots)
{
	if (!dots->is_line_begun)
		return "";
	dots->octets += 2;
	return "\r\n";
}
