/*
 * crew.h - count the messages of a scan, many of them by several threads
 *
 * For scan.c only.
 */
#ifndef POSTERN_MAILDIR_CREW_H
#define POSTERN_MAILDIR_CREW_H

#include "maildir/scan.h"

/*
 * Count all messages that were seen, each as count_message() does.  Threads
 * that help are gone when it returns; 'hooks' is called by one at a time.
 * Returns 0, or -1 with errno when the whole process lacks something.
 */
int crew_count(struct scan *scan, const struct scan_hooks *hooks);

#endif
