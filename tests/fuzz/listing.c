/*
 * listing.c - fuzz target: whatever listing_check() accepts can be read to its
 * end
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "maildir/listing.h"

/* Read all that a worker would read. */
static void read_all(const struct listing *listing)
{
	uint64_t octets = 0;

	for (uint32_t idx = 0; idx < listing->count; idx++) {
		size_t length = strlen(listing_uidl(listing, idx));

		FUZZ_CHECK(length >= 1 && length <= NAME_UIDL_OCTETS);
		octets += listing->entries[idx].octets;
		FUZZ_CHECK(octets >= listing->entries[idx].octets);
	}
	FUZZ_CHECK(octets == listing->octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	struct listing listing;
	/* A copy: malloc aligns it, and a sanitizer knows where it ends. */
	void *image = malloc(count + (count == 0));

	if (image == NULL)
		return 0;
	memcpy(image, octets, count);
	if (listing_check(&listing, image, count) == 0)
		read_all(&listing);
	free(image);
	return 0;
}
