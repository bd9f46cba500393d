/*
 * index_format.h - the frame of postern.index
 *
 * For index.c and index_write.c only.
 */
#ifndef POSTERN_MAILDIR_INDEX_FORMAT_H
#define POSTERN_MAILDIR_INDEX_FORMAT_H

#include <stdint.h>

#include "maildir/index.h"

#define INDEX_FILE "postern.index"

/* "PosternI"; on a machine of the other byte order it reads otherwise. */
#define INDEX_MAGIC UINT64_C(0x506f737465726e49)
#define INDEX_VERSION 2

/*
 * About two million messages; more are scanned each time.  Whoever owns the
 * file can make us read as much.
 */
#define INDEX_MOST_BYTES ((uint64_t)256 << 20)

/*
 * What the file begins with.  Behind it: the listing's image, 'count' times
 * struct scan_message, and names_bytes of strings.
 */
struct index_frame {
	uint64_t magic;
	uint32_t version, count;
	struct index_facts facts;
	uint64_t octets;	/* of all messages, as RETR sends them */
	uint64_t listing_bytes, listing_sum;
	uint64_t names_bytes;
	uint64_t details_sum;	/* of messages and strings */
	uint64_t sum;		/* of all before it */
};

/* The same on every machine, so that 32-bit builds lay it out alike. */
_Static_assert(sizeof(struct index_frame) == 184, "frame has no padding");
_Static_assert(sizeof(struct scan_message) == 48, "message has no padding");

#endif
