/*
 * ctl_text.h - names that others chose, for a terminal and for programs; pure
 */
#ifndef POSTERN_CTL_TEXT_H
#define POSTERN_CTL_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * Write 'text' so that no octet can steer a terminal or look like another one:
 * what is not printable ASCII becomes \xNN, and '\' becomes "\\".
 * Returns how many columns that takes; out may be NULL.
 */
size_t text_plain(FILE *out, const char *text);

/*
 * Write 'text' as a string of JSON (RFC 8259), with its quotes, in UTF-8.  An
 * octet that is not part of UTF-8 becomes U+FFFD.
 */
void text_json(FILE *out, const char *text);

/*
 * Write 'text' in double quotes as the value of a label of OpenMetrics.
 */
void text_label(FILE *out, const char *text);

/* With its NUL. */
#define TEXT_SPAN_BYTES 32

/* Write a duration as "12s", "5m07s", "3h05m" or "12d04h". */
void text_span(char span[TEXT_SPAN_BYTES], int64_t seconds);

#endif
