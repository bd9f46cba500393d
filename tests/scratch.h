/*
 * scratch.h - a temporary directory for each test case, and what was logged
 */
#ifndef POSTERN_TESTS_SCRATCH_H
#define POSTERN_TESTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#define SCRATCH_PATH_BYTES 256

/* One row of a group: a sentence that can be false, and its function. */
#define SCRATCH_CASE(sentence, function) \
	{ sentence, function, scratch_setup, scratch_teardown, NULL }
#define PLAIN_CASE(sentence, function) { sentence, function, NULL, NULL, NULL }

/*
 * Make an empty directory, writable for all, in $TMPDIR or /tmp, and send
 * standard error into a file of it; undo both.
 */
int scratch_setup(void **state);
int scratch_teardown(void **state);

/* The path of 'name' in the directory, valid until eight calls later. */
const char *scratch_path(const char *name);

/* Write a file of 'count' octets, or of a string, with permissions 'mode'. */
void scratch_write_octets(const char *name, const char *octets, size_t count);
void scratch_write(const char *name, mode_t mode, const char *text);

/* Make a directory. */
void scratch_make_directory(const char *name);

/* All that was written on standard error since the set-up. */
const char *scratch_errors(void);

#endif
