/*
 * holder.c - fuzz target: the line of postern.lock
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "maildir/holder.h"

/* What is read is what is written, or nothing is read. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	char *exact = malloc(count + 1), line[HOLDER_LINE_OCTETS + 1];
	struct holder holder, again;

	FUZZ_CHECK(exact != NULL);
	memcpy(exact, octets, count);
	if (holder_read(&holder, exact, count) == 0) {
		FUZZ_CHECK(holder.since_s > 0);
		FUZZ_CHECK(holder_is_address(holder.address));
		size_t written = holder_write(&holder, line);
		FUZZ_CHECK(written == strlen(line) && written <= count);
		FUZZ_CHECK(holder_read(&again, line, written) == 0);
		FUZZ_CHECK(memcmp(&holder, &again, sizeof(holder)) == 0);
	}
	free(exact);
	return 0;
}
