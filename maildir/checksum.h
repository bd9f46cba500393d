/*
 * checksum.h - notice a file that was torn, cut off or spoilt
 *
 * No protection against somebody who wants to deceive: whoever reads the octets
 * believes none of them.  By 64-bit numbers of the machine: not portable.
 */
#ifndef POSTERN_MAILDIR_CHECKSUM_H
#define POSTERN_MAILDIR_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_LANES 4
#define CHECKSUM_BLOCK_BYTES (CHECKSUM_LANES * sizeof(uint64_t))

struct checksum {
	uint64_t lanes[CHECKSUM_LANES];
	uint64_t bytes;				/* so far */
	uint8_t rest[CHECKSUM_BLOCK_BYTES];	/* less than a block */
};

/* Begin; add octets in pieces of any size; get the sum of all of them. */
void checksum_begin(struct checksum *checksum);
void checksum_add(struct checksum *checksum, const void *octets,
	size_t count);
uint64_t checksum_end(struct checksum *checksum);

/* All three at once. */
uint64_t checksum_of(const void *octets, size_t count);

#endif
