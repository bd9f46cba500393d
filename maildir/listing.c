/*
 * listing.c - what a session knows of its maildrop: octets and unique-ids
 *
 * Runs in: the keeper, which builds and seals; the worker, which maps.
 * Distrusts: in the worker, every octet of an image.  memfd and its seals are
 * Linux's: they alone let the worker trust a size that it has checked once.
 *
 * An image is a header, 'count' entries, and the unique-ids in the order of the
 * entries, each with a final NUL, with nothing between or behind.
 */
#include "config.h"

#include "maildir/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x506f737465726e4c)	/* "PosternL" */
#define IMAGE_VERSION 1

struct header {
	uint64_t magic;
	uint64_t octets;
	uint64_t uidls_bytes;
	uint32_t version;
	uint32_t count;
};

/* The same on every machine, so that 32-bit builds lay out the same image. */
_Static_assert(sizeof(struct header) == 32, "header has no padding");
_Static_assert(sizeof(struct listing_entry) == 16, "entry has no padding");

static int refuse(int error)
{
	errno = error;
	return -1;
}

/* Sum up what the image will hold.  Returns 0, or -1 if that is too much. */
static int measure(const struct scan *scan, struct header *header)
{
	*header = (struct header){
		.magic = MAGIC, .version = IMAGE_VERSION, .count = scan->count,
	};
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		uint64_t octets = scan->messages[idx].octets;

		if (octets > UINT64_MAX - header->octets)
			return refuse(EOVERFLOW);
		header->octets += octets;
		header->uidls_bytes += strlen(scan_uidl(scan, idx)) + 1;
	}
	return header->uidls_bytes > UINT32_MAX ? refuse(EOVERFLOW) : 0;
}

static uint64_t image_bytes(const struct header *header)
{
	return sizeof(*header) + header->uidls_bytes +
		(uint64_t)header->count * sizeof(struct listing_entry);
}

static void write_image(const struct scan *scan, const struct header *header,
	char *image)
{
	struct listing_entry entry = { .reserved = 0 };
	char *entries = image + sizeof(*header);
	char *uidls = entries + header->count * sizeof(entry);

	memcpy(image, header, sizeof(*header));
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		const char *uidl = scan_uidl(scan, idx);
		size_t bytes = strlen(uidl) + 1;

		entry.octets = scan->messages[idx].octets;
		memcpy(entries + idx * sizeof(entry), &entry, sizeof(entry));
		memcpy(uidls + entry.uidl, uidl, bytes);
		entry.uidl += (uint32_t)bytes;
	}
}

void *listing_build(const struct scan *scan, size_t *bytes)
{
	struct header header;
	char *image;

	if (measure(scan, &header) < 0)
		return NULL;
	if (image_bytes(&header) > PTRDIFF_MAX) {
		errno = EOVERFLOW;
		return NULL;
	}
	*bytes = (size_t)image_bytes(&header);
	image = malloc(*bytes);
	if (image != NULL)
		write_image(scan, &header, image);
	return image;
}

static int write_all(int fd, const char *data, size_t bytes)
{
	while (bytes > 0) {
		ssize_t written = write(fd, data, bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		data += written;
		bytes -= (size_t)written;
	}
	return 0;
}

#if defined(HAVE_MEMFD_CREATE) && defined(F_ADD_SEALS)

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int listing_seal(const void *image, size_t bytes)
{
	int fd = memfd_create("listing", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int saved;

	if (fd < 0)
		return -1;
	if (write_all(fd, image, bytes) == 0 &&
		fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0)
		return fd;
	saved = errno;
	close(fd);
	return refuse(saved);
}

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

#else

int listing_seal(const void *image, size_t bytes)
{
	(void)write_all;	/* nothing to write to */
	(void)image;		/* not used */
	(void)bytes;		/* not used */
	return refuse(ENOSYS);
}

static bool is_sealed(int fd)
{
	(void)fd;	/* not used: nothing is ever sealed here */
	return false;
}

#endif

/*
 * Check one entry, whose unique-id must begin at '*at', and move '*at' behind
 * it.
 */
static bool is_entry_right(const struct listing *listing, uint32_t idx,
	uint64_t uidls_bytes, uint64_t *at)
{
	const struct listing_entry *entry = &listing->entries[idx];
	uint64_t end = *at;

	if (entry->reserved != 0 || entry->uidl != *at)
		return false;
	while (end < uidls_bytes && listing->uidls[end] != '\0') {
		if (listing->uidls[end] < 0x21 || listing->uidls[end] > 0x7E)
			return false;
		end++;
	}
	if (end == uidls_bytes || end == *at || end - *at > NAME_UIDL_OCTETS)
		return false;
	*at = end + 1;
	return true;
}

static bool are_entries_right(const struct listing *listing,
	uint64_t uidls_bytes)
{
	uint64_t octets = 0, at = 0;

	for (uint32_t idx = 0; idx < listing->count; idx++) {
		if (!is_entry_right(listing, idx, uidls_bytes, &at))
			return false;
		if (listing->entries[idx].octets > UINT64_MAX - octets)
			return false;
		octets += listing->entries[idx].octets;
	}
	return at == uidls_bytes && octets == listing->octets;
}

int listing_check(struct listing *listing, const void *image, size_t bytes)
{
	const struct header *header = image;
	size_t entries_bytes;

	*listing = (struct listing){ .map = NULL };
	if (bytes < sizeof(*header) || header->magic != MAGIC ||
		header->version != IMAGE_VERSION)
		return refuse(EBADMSG);
	bytes -= sizeof(*header);
	if (header->count > bytes / sizeof(struct listing_entry))
		return refuse(EBADMSG);
	entries_bytes = header->count * sizeof(struct listing_entry);
	if (header->uidls_bytes != bytes - entries_bytes)
		return refuse(EBADMSG);
	listing->entries = (const void *)(header + 1);
	listing->uidls = (const char *)(header + 1) + entries_bytes;
	listing->octets = header->octets;
	listing->count = header->count;
	if (are_entries_right(listing, header->uidls_bytes))
		return 0;
	*listing = (struct listing){ .map = NULL };
	return refuse(EBADMSG);
}

/* The size is looked at after the seals: then it can't change any more. */
static int find_size(int fd, size_t *bytes)
{
	struct stat status;

	if (!is_sealed(fd))
		return refuse(EPERM);
	if (fstat(fd, &status) < 0)
		return -1;
	if (status.st_size < (off_t)sizeof(struct header) ||
		(uint64_t)status.st_size > PTRDIFF_MAX)
		return refuse(EBADMSG);
	*bytes = (size_t)status.st_size;
	return 0;
}

int listing_map(struct listing *listing, int fd)
{
	size_t bytes;
	void *map;

	*listing = (struct listing){ .map = NULL };
	if (find_size(fd, &bytes) < 0)
		return -1;
	map = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	if (listing_check(listing, map, bytes) < 0) {
		munmap(map, bytes);
		return refuse(EBADMSG);
	}
	listing->map = map;
	listing->map_bytes = bytes;
	return 0;
}

void listing_unmap(struct listing *listing)
{
	if (listing->map != NULL)
		munmap(listing->map, listing->map_bytes);
	*listing = (struct listing){ .map = NULL };
}

const char *listing_uidl(const struct listing *listing, uint32_t idx)
{
	return listing->uidls + listing->entries[idx].uidl;
}
