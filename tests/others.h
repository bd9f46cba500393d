/*
 * others.h - other programs that change a Maildir, at random
 */
#ifndef POSTERN_TESTS_OTHERS_H
#define POSTERN_TESTS_OTHERS_H

#include <sys/types.h>

#include "journal.h"

/*
 * Deliver 'count' messages into the Maildir at 'root_fd', and make what the
 * programs need there.  Returns 0, or -1 with errno.
 */
int others_begin(struct journal *journal, int root_fd, unsigned int count);

/*
 * Start a process that changes the Maildir until it is killed or the journal
 * is full or has failed.  The choices of programs with the same seed are the
 * same.  Returns its number, or -1.
 */
pid_t others_start(struct journal *journal, int root_fd, uint64_t seed);

/*
 * Set the times of last change of both folders back, to times that they never
 * had: an index made then can be believed at once.
 */
void others_age(struct journal *journal, int root_fd);

#endif
