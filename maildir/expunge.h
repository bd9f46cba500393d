/*
 * expunge.h - the UPDATE state: remove the marked messages
 */
#ifndef POSTERN_MAILDIR_EXPUNGE_H
#define POSTERN_MAILDIR_EXPUNGE_H

#include <stdint.h>

#include "maildir/scan.h"

struct expunge_result {
	uint32_t removed;	/* gone, by us or by another program */
	uint32_t failed;	/* marked, and still there */
};

/*
 * Remove every message of 'scan' whose bit is set in 'marks' (message 'idx' is
 * bit idx % 8 of octet idx / 8), wherever the file is by now; then fsync each
 * folder that changed, once.
 *
 * A file that is not the one that was scanned (another inode, size or kind) is
 * left alone and counts as failed.  A message that another program removed
 * counts as removed.  When an fsync fails, all that were removed from that
 * folder count as failed: they may come back after a crash.
 * RFC 1939 section 6 (UPDATE).
 */
struct expunge_result expunge_marked(struct scan *scan, const uint8_t *marks);

#endif
