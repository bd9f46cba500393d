/*
 * chase.c - do something with messages while other programs rename them
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: that a name still belongs to the message that the client saw.
 */
#include "config.h"

#include "maildir/chase.h"

#include <errno.h>

/* How often one message is sought that somebody keeps renaming. */
#define TRIES 10

/*
 * Make sure that a message is where its name says.  The first that is not shows
 * that another program renames: all are found again in one pass, because one
 * search each would read the folders for each.
 */
static int locate(struct chase *chase, uint32_t idx)
{
	if (!chase->is_refreshed && !scan_is_there(chase->scan, idx)) {
		chase->is_refreshed = true;
		/* If it fails, each is searched for. */
		(void)scan_refresh(chase->scan);
	}
	return scan_locate(chase->scan, idx);
}

int chase_message(struct chase *chase, uint32_t idx, chase_act *act,
	void *context)
{
	for (int i = 0; i < TRIES; i++) {
		if (locate(chase, idx) < 0)
			return -1;
		if (act(context, chase->scan, idx) == 0)
			return 0;
		if (errno != ENOENT)
			return -1;
	}
	errno = EBUSY;
	return -1;
}
