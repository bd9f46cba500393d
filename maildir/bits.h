/*
 * bits.h - a bit for each message
 *
 * Message 'idx' is bit idx % 8 of octet idx / 8.
 */
#ifndef POSTERN_MAILDIR_BITS_H
#define POSTERN_MAILDIR_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline bool bits_has(const uint8_t *bits, uint32_t idx)
{
	return (bits[idx / 8] >> (idx % 8) & 1) != 0;
}

static inline void bits_set(uint8_t *bits, uint32_t idx)
{
	bits[idx / 8] |= (uint8_t)(1u << idx % 8);
}

/* How many of the first 'count' bits are set. */
static inline uint32_t bits_count(const uint8_t *bits, uint32_t count)
{
	uint32_t set = 0;

	for (uint32_t idx = 0; idx < count; idx++)
		set += bits_has(bits, idx);
	return set;
}

#endif
