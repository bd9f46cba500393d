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
	for (uint32_t idx = 0; idx < listing->count; idx++) {
		const char *uidl = listing_uidl(listing, idx);

		FUZZ_CHECK(uidl == NULL ||
			name_is_uidl(uidl, strlen(uidl)));
	}
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
