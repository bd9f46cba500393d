/*
 * deadline.h - points in time after which we stop waiting
 *
 * A deadline is a reading of the monotonic clock in milliseconds, so neither
 * the administrator nor NTP moves it.
 */
#ifndef POSTERN_DEADLINE_H
#define POSTERN_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_NEVER INT64_MAX

/* The monotonic clock now, in milliseconds. */
int64_t deadline_now_ms(void);

/* A deadline 'seconds' from now; DEADLINE_NEVER if 'seconds' is 0. */
int64_t deadline_in_s(uint32_t seconds);

/*
 * What poll(2) takes to wait until 'deadline_ms': -1 for DEADLINE_NEVER, 0 if
 * it has passed.
 */
int deadline_poll_ms(int64_t deadline_ms);

/* Whether it has; DEADLINE_NEVER has not. */
bool deadline_has_passed(int64_t deadline_ms);

#endif
