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
#define IMAGE_VERSION 2

#define BUFFER_BYTES 65536

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
		size_t uidl_octets;

		if (octets > UINT64_MAX - header->octets)
			return refuse(EOVERFLOW);
		header->octets += octets;
		(void)scan_uidl(scan, idx, &uidl_octets);
		header->uidls_bytes += uidl_octets + 1;
	}
	return header->uidls_bytes > UINT32_MAX ? refuse(EOVERFLOW) : 0;
}

static uint64_t image_bytes(const struct header *header)
{
	return sizeof(*header) + header->uidls_bytes +
		(uint64_t)header->count * sizeof(struct listing_entry);
}

/* What is written, in pieces that are worth a system call. */
struct output {
	listing_sink *sink;
	void *context;
	size_t bytes;
	char *buffer;
};

static int flush(struct output *output)
{
	size_t bytes = output->bytes;

	output->bytes = 0;
	return output->sink(output->context, output->buffer, bytes);
}

/* Add at most a unique-id, an entry or a header. */
static int add(struct output *output, const void *octets, size_t count)
{
	if (count > BUFFER_BYTES - output->bytes && flush(output) < 0)
		return -1;
	memcpy(output->buffer + output->bytes, octets, count);
	output->bytes += count;
	return 0;
}

static int write_entries(const struct scan *scan, struct output *output)
{
	struct listing_entry entry = { .reserved = 0 };

	for (uint32_t idx = 0; idx < scan->count; idx++) {
		size_t uidl_octets;

		(void)scan_uidl(scan, idx, &uidl_octets);
		entry.octets = scan->messages[idx].octets;
		if (add(output, &entry, sizeof(entry)) < 0)
			return -1;
		entry.uidl += (uint32_t)uidl_octets + 1;
	}
	return 0;
}

static int write_uidls(const struct scan *scan, struct output *output)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		size_t octets;
		const char *uidl = scan_uidl(scan, idx, &octets);

		if (add(output, uidl, octets) < 0 || add(output, "", 1) < 0)
			return -1;
	}
	return 0;
}

int listing_write(const struct scan *scan, listing_sink *sink, void *context)
{
	/* Static: of a large stack frame every page would be touched. */
	static char buffer[BUFFER_BYTES];
	struct output output = {
		.sink = sink, .context = context, .buffer = buffer,
	};
	struct header header;

	if (measure(scan, &header) < 0 ||
			add(&output, &header, sizeof(header)) < 0 ||
			write_entries(scan, &output) < 0 ||
			write_uidls(scan, &output) < 0)
		return -1;
	return flush(&output);
}

static int append(void *context, const void *octets, size_t count)
{
	char **end = context;

	memcpy(*end, octets, count);
	*end += count;
	return 0;
}

void *listing_build(const struct scan *scan, size_t *bytes)
{
	struct header header;
	char *image, *end;

	if (measure(scan, &header) < 0)
		return NULL;
	if (image_bytes(&header) > PTRDIFF_MAX) {
		errno = EOVERFLOW;
		return NULL;
	}
	*bytes = (size_t)image_bytes(&header);
	image = end = malloc(*bytes);
	if (image != NULL && listing_write(scan, append, &end) < 0) {
		free(image);
		return NULL;
	}
	return image;
}

int listing_measure(const struct scan *scan, uint64_t *octets, uint64_t *bytes)
{
	struct header header;

	if (measure(scan, &header) < 0)
		return -1;
	*octets = header.octets;
	*bytes = image_bytes(&header);
	return 0;
}

#if defined(HAVE_MEMFD_CREATE) && defined(F_ADD_SEALS)

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int listing_create(void)
{
	return memfd_create("listing", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

int listing_seal(int fd)
{
	return fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL);
}

static bool is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & SEALS) == SEALS;
}

#else

int listing_create(void)
{
	return refuse(ENOSYS);
}

int listing_seal(int fd)
{
	(void)fd;	/* not used: none was created */
	return refuse(ENOSYS);
}

static bool is_sealed(int fd)
{
	(void)fd;	/* not used: nothing is ever sealed here */
	return false;
}

#endif

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
	if (header->uidls_bytes != bytes - entries_bytes ||
			header->uidls_bytes > UINT32_MAX)
		return refuse(EBADMSG);
	listing->entries = (const void *)(header + 1);
	listing->uidls = (const char *)(header + 1) + entries_bytes;
	listing->uidls_bytes = (size_t)header->uidls_bytes;
	listing->octets = header->octets;
	listing->count = header->count;
	return 0;
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
	size_t at = listing->entries[idx].uidl, octets;

	if (at >= listing->uidls_bytes)
		return NULL;
	octets = strnlen(listing->uidls + at, listing->uidls_bytes - at);
	if (at + octets == listing->uidls_bytes ||
			!name_is_uidl(listing->uidls + at, octets))
		return NULL;
	return listing->uidls + at;
}
