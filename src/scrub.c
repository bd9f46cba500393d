/*
 * scrub.c - let freed memory hold nothing of a password
 *
 * Runs in: a keeper, which has one thread.
 */
#include "config.h"

#include "scrub.h"

#ifdef HAVE_MALLOPT
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

/*
 * glibc's cache of free blocks: so many of each size up to the largest.  It is
 * the one place where M_PERTURB does not reach.
 */
#define CACHED_BLOCKS 7
#define STEP_BYTES 16
#define LARGEST_BYTES 1032

static void perturb(int octet)
{
#ifdef M_PERTURB
	(void)mallopt(M_PERTURB, octet);
#else
	(void)octet;
#endif
}

/* Take the cached blocks of one size, wipe them, and give them back. */
static void scrub_size(size_t bytes)
{
	void *blocks[CACHED_BLOCKS];

	for (int i = 0; i < CACHED_BLOCKS; i++) {
		blocks[i] = malloc(bytes);
		if (blocks[i] != NULL)
			explicit_bzero(blocks[i], bytes);
	}
	for (int i = 0; i < CACHED_BLOCKS; i++)
		free(blocks[i]);
}

void scrub_begin(void)
{
	perturb(0xff);
}

void scrub_end(size_t most_bytes)
{
	/* The last size holds blocks of up to a step more. */
	most_bytes += STEP_BYTES;
	for (size_t bytes = 8; bytes <= most_bytes && bytes <= LARGEST_BYTES;
			bytes += STEP_BYTES)
		scrub_size(bytes);
	perturb(0);
}
