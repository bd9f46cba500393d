/*
 * trial.h - try what may go wrong in a child process
 */
#ifndef POSTERN_TRIAL_H
#define POSTERN_TRIAL_H

#include <stdbool.h>

/*
 * Call 'attempt' with 'what' in a child process: whatever happens to that, the
 * caller goes on.  What it prints on standard error is logged.
 * Returns 0 if it returned true, else -1.
 */
int trial_run(bool (*attempt)(const void *what), const void *what);

#endif
