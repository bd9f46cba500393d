/*
 * fuzz_listing.c - whatever listing_check() accepts can be read to its end
 */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true)
{
	if (!is_true)
		abort();
}

/* Read all that a worker would read. */
static void read_all(const struct listing *listing)
{
	uint64_t octets = 0;

	for (uint32_t idx = 0; idx < listing->count; idx++) {
		size_t length = strlen(listing_uidl(listing, idx));

		require(length >= 1 && length <= NAME_UIDL_OCTETS);
		octets += listing->entries[idx].octets;
		require(octets >= listing->entries[idx].octets);
	}
	require(octets == listing->octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct listing listing;
	/* A copy: malloc aligns it, and a sanitizer knows where it ends. */
	void *image = malloc(size > 0 ? size : 1);

	if (image == NULL)
		return 0;
	if (size > 0)
		memcpy(image, data, size);
	if (listing_check(&listing, image, size) == 0)
		read_all(&listing);
	free(image);
	return 0;
}
