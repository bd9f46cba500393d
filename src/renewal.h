/*
 * renewal.h - certificates that are renewed on disk, and what else gets old
 */
#ifndef POSTERN_RENEWAL_H
#define POSTERN_RENEWAL_H

#include <stdint.h>

#include "generation.h"
#include "pool.h"

struct renewal {
	uint64_t seen, refused;		/* stamps of files; 0: none yet */
	int64_t look_ms, warn_ms, tickets_ms;	/* when what is due */
};

/* Begin to watch the files of 'generation', which has just been made. */
void renewal_begin(struct renewal *renewal,
	const struct generation *generation);

/* When renewal_serve() has something to do. */
int64_t renewal_due_ms(const struct renewal *renewal);

/*
 * Do what is due: look at the files of 'generation', and if they are others,
 * and stay so for a while, and are good, make it a generation of those; warn of
 * certificates that expire; replace the keys of session tickets.  Workers of
 * the old ones are replaced, their sessions go on.
 */
void renewal_serve(struct renewal *renewal, struct generation *generation,
	struct pool *pool, int root_fd);

#endif
