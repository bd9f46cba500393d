/*
 * listing.h - what a session knows of its maildrop: octets and unique-ids
 *
 * The keeper builds a listing from its scan, as one block of memory (an image)
 * that crosses to the worker inside a message or as a sealed memfd.  The worker
 * believes nothing of it: a local user may trace their own keeper.  Host byte
 * order: only the index stores an image, and notices a foreign one.
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
	size_t uidls_bytes;
	uint64_t octets;	/* of all messages, says the keeper */
	uint32_t count;
	void *map;		/* what listing_unmap() unmaps, or NULL */
	size_t map_bytes;
};

/* Called with the octets of an image, piece by piece.  Returns 0, or -1. */
typedef int listing_sink(void *context, const void *octets, size_t count);

/*
 * Write the image of 'scan' to 'sink'.  Returns 0, or -1 with errno EOVERFLOW
 * or what 'sink' said.
 */
int listing_write(const struct scan *scan, listing_sink *sink, void *context);

/*
 * Tell the octets of all messages of 'scan', and the length of its image.
 * Returns 0, or -1 with errno EOVERFLOW.
 */
int listing_measure(const struct scan *scan, uint64_t *octets,
	uint64_t *bytes);

/*
 * Build the image of 'scan'.  Returns memory that the caller frees, its length
 * in '*bytes'; or NULL with errno ENOMEM or EOVERFLOW.
 */
void *listing_build(const struct scan *scan, size_t *bytes);

/*
 * Make a memfd for an image, which the caller writes, and then seal it: nobody
 * can write, grow or shrink it any more.
 * Return a descriptor that the caller closes, and 0, or -1 with errno.
 */
int listing_create(void);
int listing_seal(int fd);

/*
 * Check the frame of the image at 'image' (aligned as malloc aligns) and point
 * 'listing' into it; 'image' must outlive 'listing'.  The entries are checked
 * when they are asked for: a login must not cost a look at each.
 * Returns 0, or -1 with errno EBADMSG if anything is wrong: length or magic.
 */
int listing_check(struct listing *listing, const void *image, size_t bytes);

/*
 * Map and check the sealed memfd 'fd', which the caller keeps and may close.
 * Returns 0, or -1 with errno: EPERM when a seal is missing, EBADMSG, or what
 * mmap said.  listing_unmap() ends it.
 */
int listing_map(struct listing *listing, int fd);
void listing_unmap(struct listing *listing);

/*
 * The unique-id of message 'idx' (0 .. count - 1), or NULL if what stands there
 * is no unique-id.
 */
const char *listing_uidl(const struct listing *listing, uint32_t idx);

#endif
