/*
 * chase.h - do something with messages while other programs rename them
 */
#ifndef POSTERN_MAILDIR_CHASE_H
#define POSTERN_MAILDIR_CHASE_H

#include <stdbool.h>
#include <stdint.h>

#include "maildir/scan.h"

struct chase {
	struct scan *scan;
	bool is_refreshed;	/* all messages were found again once */
};

/*
 * Do something with the file of message 'idx', which has just been where
 * scan_name() and its folder say.  Returns 0, or -1 with errno; ENOENT says
 * that the file was not there any more, and that it is to be sought.
 */
typedef int chase_act(void *context, struct scan *scan, uint32_t idx);

/*
 * Let 'act' have message 'idx' (0 .. count - 1), wherever the file is by now.
 *
 * Returns 0 when 'act' did, or -1 with errno: ENOENT when another program has
 * removed the message, ESTALE when the file is not the one that was scanned,
 * EBUSY when it was renamed again and again, else what 'act' or finding it
 * said.
 */
int chase_message(struct chase *chase, uint32_t idx, chase_act *act,
	void *context);

#endif
