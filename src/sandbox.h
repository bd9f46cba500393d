/*
 * sandbox.h - system calls and files, as far as this kernel can forbid them
 */
#ifndef POSTERN_SANDBOX_H
#define POSTERN_SANDBOX_H

#include <stdbool.h>

#include "filter.h"
#include "settings.h"

struct sandbox;

/*
 * Make the filters, and try in a child process what works here.  Under
 * SANDBOX_REQUIRE all must, or it is an error, which is logged.
 *
 * Returns what sandbox_free() frees, or NULL after an error.
 */
struct sandbox *sandbox_new(enum sandbox_mode mode);

/* Log one line: what is in force, and what is not, and why. */
void sandbox_log(const struct sandbox *sandbox);

/*
 * Confine this process, whose no_new_privs is set, as far as sandbox_new() has
 * found that it can be: of files it reaches only those below 'directory_fd',
 * and 'file_fd' (-1: none), and it makes only the system calls of 'phase'.
 *
 * sandbox: NULL does nothing.  Returns 0, or -1 with errno; then the process
 * must exit.
 */
int sandbox_enter(const struct sandbox *sandbox, enum filter_phase phase,
	int directory_fd, int file_fd);

/* Free 'sandbox', which may be NULL. */
void sandbox_free(struct sandbox *sandbox);

#endif
