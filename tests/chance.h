/*
 * chance.h - random choices that a seed reproduces
 */
#ifndef POSTERN_TESTS_CHANCE_H
#define POSTERN_TESTS_CHANCE_H

#include <stdint.h>

struct chance {
	uint64_t state;
};

/* A number from 0 to 'limit' - 1.  SplitMix64. */
static inline uint32_t chance_below(struct chance *chance, uint32_t limit)
{
	uint64_t value = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)((value ^ value >> 31) >> 32) % limit;
}

#endif
