/*
 * deadline.c - points in time after which we stop waiting
 *
 * Runs in: every process.
 */
#include "config.h"

#include "deadline.h"

#include <limits.h>
#include <time.h>

int64_t deadline_now_ms(void)
{
	struct timespec now;

	/* Can't fail: the clock exists and the pointer is good. */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t deadline_in_s(uint32_t seconds)
{
	if (seconds == 0)
		return DEADLINE_NEVER;
	return deadline_now_ms() + (int64_t)seconds * 1000;
}

int deadline_poll_ms(int64_t deadline_ms)
{
	if (deadline_ms == DEADLINE_NEVER)
		return -1;

	int64_t left_ms = deadline_ms - deadline_now_ms();
	if (left_ms <= 0)
		return 0;
	return left_ms > INT_MAX ? INT_MAX : (int)left_ms;
}

bool deadline_has_passed(int64_t deadline_ms)
{
	return deadline_ms != DEADLINE_NEVER &&
		deadline_now_ms() >= deadline_ms;
}
