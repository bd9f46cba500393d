/*
 * scrub.h - let freed memory hold nothing of a password
 *
 * Libraries free what they copied without wiping it.  glibc-only: other systems
 * have no knob for that, and there these do nothing that helps.
 */
#ifndef POSTERN_SCRUB_H
#define POSTERN_SCRUB_H

#include <stddef.h>

/* From now on free() overwrites what it gets, but the smallest blocks. */
void scrub_begin(void);

/* Overwrite those of up to 'most_bytes' bytes, too; after that no more. */
void scrub_end(size_t most_bytes);

#endif
