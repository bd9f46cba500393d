/*
 * count.h - how many octets a message of a scan has, or why it is left out
 *
 * For crew.c only.
 */
#ifndef POSTERN_MAILDIR_COUNT_H
#define POSTERN_MAILDIR_COUNT_H

#include "maildir/scan.h"

/*
 * Count a message that was seen: its state becomes GATHER_COUNTED,
 * GATHER_LEFT_OUT (and the hook was called) or GATHER_LOST (no such name any
 * more).  Returns 0, or -1 with errno when the whole process lacks something.
 */
int count_message(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks);

#endif
