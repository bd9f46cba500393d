/*
 * listing.h - what a session knows of its maildrop: octets and unique-ids
 *
 * The keeper builds a listing from its scan, as one block of memory (an image)
 * that crosses to the worker inside a message or as a sealed memfd.  The worker
 * believes nothing of it before listing_check(): a local user may trace their
 * own keeper.  Host byte order: an image never leaves the machine.
 */
#ifndef POSTERN_MAILDIR_LISTING_H
#define POSTERN_MAILDIR_LISTING_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/scan.h"

struct listing_entry {
	uint64_t octets;	/* as RETR sends it */
	uint32_t uidl;		/* where it begins in listing.uidls */
	uint32_t reserved;	/* 0 */
};

struct listing {
	const struct listing_entry *entries;
	const char *uidls;	/* NUL-terminated strings */
	uint64_t octets;	/* of all messages */
	uint32_t count;
	void *map;		/* what listing_unmap() unmaps, or NULL */
	size_t map_bytes;
};

/*
 * Build the image of 'scan'.  Returns memory that the caller frees, its length
 * in '*bytes'; or NULL with errno ENOMEM or EOVERFLOW.
 */
void *listing_build(const struct scan *scan, size_t *bytes);

/*
 * Make a sealed memfd of an image: nobody can write, grow or shrink it.
 * Returns a descriptor that the caller closes, or -1 with errno.
 */
int listing_seal(const void *image, size_t bytes);

/*
 * Check every field of the image at 'image' (aligned as malloc aligns) and
 * point 'listing' into it; 'image' must outlive 'listing'.
 * Returns 0, or -1 with errno EBADMSG if anything in it is wrong: length,
 * magic, sum of octets, an offset, an octet of a unique-id.
 */
int listing_check(struct listing *listing, const void *image, size_t bytes);

/*
 * Map and check the sealed memfd 'fd', which the caller keeps and may close.
 * Returns 0, or -1 with errno: EPERM when a seal is missing, EBADMSG, or what
 * mmap said.  listing_unmap() ends it.
 */
int listing_map(struct listing *listing, int fd);
void listing_unmap(struct listing *listing);

/* The unique-id of message 'idx' (0 .. count - 1). */
const char *listing_uidl(const struct listing *listing, uint32_t idx);

#endif
