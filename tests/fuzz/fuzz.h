/*
 * fuzz.h - what each fuzz target defines, for libFuzzer or for replay.c
 */
#ifndef POSTERN_TESTS_FUZZ_H
#define POSTERN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Try one input: whatever it is, nothing may crash or assert.  Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count);

/* We are wrong: tell where, and abort, so that a fuzzer sees it. */
#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, \
				#condition); \
			abort(); \
		} \
	} while (0)

#endif
