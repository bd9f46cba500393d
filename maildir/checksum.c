/*
 * checksum.c - notice a file that was torn, cut off or spoilt
 *
 * Pure.  Runs in: the keeper, at each login: it has to be as fast as memory,
 * which is why it is four multiplications side by side and no library.
 */
#include "config.h"

#include "maildir/checksum.h"

#include <string.h>

/* An odd number whose bits follow no rule: the golden ratio's. */
#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t lane, uint64_t word)
{
	lane = (lane ^ word) * FACTOR;
	return lane << 29 | lane >> 35;
}

static void add_blocks(struct checksum *checksum, const uint8_t *octets,
	size_t count)
{
	uint64_t a = checksum->lanes[0], b = checksum->lanes[1];
	uint64_t c = checksum->lanes[2], d = checksum->lanes[3];
	uint64_t words[CHECKSUM_LANES];

	for (; count > 0; count -= sizeof(words), octets += sizeof(words)) {
		memcpy(words, octets, sizeof(words));
		a = mix(a, words[0]);
		b = mix(b, words[1]);
		c = mix(c, words[2]);
		d = mix(d, words[3]);
	}
	memcpy(checksum->lanes, (uint64_t[]){ a, b, c, d },
		sizeof(checksum->lanes));
}

void checksum_begin(struct checksum *checksum)
{
	memset(checksum, 0, sizeof(*checksum));
	for (int i = 0; i < CHECKSUM_LANES; i++)
		checksum->lanes[i] = FACTOR * (uint64_t)(i + 1);
}

void checksum_add(struct checksum *checksum, const void *octets, size_t count)
{
	const uint8_t *from = octets;
	size_t used = checksum->bytes % CHECKSUM_BLOCK_BYTES;

	checksum->bytes += count;
	if (used > 0) {
		size_t room = CHECKSUM_BLOCK_BYTES - used;
		size_t taken = count < room ? count : room;

		memcpy(checksum->rest + used, from, taken);
		from += taken;
		count -= taken;
		if (taken < room)
			return;
		add_blocks(checksum, checksum->rest, CHECKSUM_BLOCK_BYTES);
	}
	size_t rest = count % CHECKSUM_BLOCK_BYTES;
	add_blocks(checksum, from, count - rest);
	memcpy(checksum->rest, from + count - rest, rest);
}

uint64_t checksum_end(struct checksum *checksum)
{
	size_t used = checksum->bytes % CHECKSUM_BLOCK_BYTES;
	uint64_t sum = checksum->bytes;

	if (used > 0) {
		memset(checksum->rest + used, 0, CHECKSUM_BLOCK_BYTES - used);
		add_blocks(checksum, checksum->rest, CHECKSUM_BLOCK_BYTES);
	}
	for (int i = 0; i < CHECKSUM_LANES; i++)
		sum = mix(sum, checksum->lanes[i]);
	return sum;
}

uint64_t checksum_of(const void *octets, size_t count)
{
	struct checksum checksum;

	checksum_begin(&checksum);
	checksum_add(&checksum, octets, count);
	return checksum_end(&checksum);
}
