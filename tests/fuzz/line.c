/*
 * line.c - fuzz target: command lines, in pieces of any size
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "line.h"

/* The first octet says how large the pieces are. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	struct line line = { .count = 0 };
	size_t piece = count > 0 ? octets[0] + 1u : 1, done = 1;
	size_t in_line = 0;

	while (done < count) {
		size_t left = count - done < piece ? count - done : piece;
		size_t taken = 0;
		enum line_event event = line_take(&line,
			(const char *)octets + done, left, &taken);

		FUZZ_CHECK(taken > 0 && taken <= left);
		in_line += taken;
		done += taken;
		if (event == LINE_MORE)
			continue;
		FUZZ_CHECK(octets[done - 1] == '\n');
		FUZZ_CHECK((event == LINE_TOO_LONG) == (in_line > LINE_OCTETS));
		if (event == LINE_COMPLETE)
			FUZZ_CHECK(strlen(line.text) < in_line);
		in_line = 0;
	}
	return 0;
}
