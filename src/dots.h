/*
 * dots.h - a stored message as the octets of a multi-line response
 *
 * Line ends become CRLF, a line that begins with '.' gets another one, and TOP
 * ends after so many lines.  RFC 1939 sections 3 and 5; the sizes that LIST
 * gives come from maildir/octets.c, by the same rule.
 */
#ifndef POSTERN_DOTS_H
#define POSTERN_DOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOTS_ALL UINT64_MAX

struct dots {
	uint64_t body_lines_left;	/* DOTS_ALL: no end but the file's */
	uint64_t octets;		/* so far, without the stuffed dots */
	bool is_in_body;
	bool is_line_begun;	/* the last octet was no LF */
	bool is_after_cr;	/* the last octet was a CR */
	bool is_line_empty;	/* nothing but at most a CR since the LF */
	bool is_done;		/* TOP has all its lines */
};

/*
 * Begin a message.  body_lines: how many lines of the body to send after the
 * header and the blank line, or DOTS_ALL.
 */
void dots_begin(struct dots *dots, uint64_t body_lines);

/*
 * Convert from 'in' to 'out' until either is used up or TOP is done.
 *
 * in_count: how many octets there are at 'in'; returns how many of them were
 * taken.  out_count: how many octets fit at 'out' (at least 3), replaced by how
 * many were written.
 */
size_t dots_convert(struct dots *dots, const char *in, size_t in_count,
	char *out, size_t *out_count);

/*
 * The line end that the message lacks when the file is over: "" or "\r\n".
 * Counts it.
 */
const char *dots_end(struct dots *dots);

#endif
