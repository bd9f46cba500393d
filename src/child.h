/*
 * child.h - fork a process that starts with nothing but what it is given
 */
#ifndef POSTERN_CHILD_H
#define POSTERN_CHILD_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Fork, with fork() alone: GnuTLS's random generator reseeds only then.
 *
 * The child has the default signals (SIGINT, SIGHUP and SIGUSR2, which are for
 * the master, ignored), and of the descriptors from 3 on only the 'count' ones
 * at 'kept'; entries of -1 are skipped.
 * SIGTERM stays blocked, so that none is lost, or ends a child that would have
 * something to say to it, before child_take_term().
 * Returns as fork() does.
 */
pid_t child_fork(const int *kept, size_t count);

/* Let SIGTERM in, also one that has come already, to 'handler'. */
void child_take_term(void (*handler)(int number));

/* Let standard input, output and error lead nowhere. */
void child_close_stdio(void);

#endif
