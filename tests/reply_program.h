/*
 * reply_program.h - postern-reply beside a test, as it is beside postern
 */
#ifndef POSTERN_TESTS_REPLY_PROGRAM_H
#define POSTERN_TESTS_REPLY_PROGRAM_H

/*
 * Make a link to the postern-reply of $top_builddir beside this program: make
 * puts tests and programs into different directories.  Returns 0, or -1 after a
 * message.
 */
int reply_program_link(void);

#endif
