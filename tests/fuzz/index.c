/*
 * index.c - fuzz target: whatever is accepted as an index can be used
 *
 * The sums of each input are made right first: a fuzzer would hardly ever
 * guess them, and an enemy computes them.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "maildir/checksum.h"
#include "maildir/gather.h"
#include "maildir/index_format.h"

/* A directory in memory can't be had: one is made for all inputs. */
static int root_fd = -1;

static void make_root(void)
{
	char path[] = "/tmp/postern-fuzz-XXXXXX";

	FUZZ_CHECK(mkdtemp(path) != NULL);
	root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* It lives as long as it is open; only its file needs a name. */
	FUZZ_CHECK(root_fd >= 0);
}

static void remove_root(void)
{
	char path[64], target[256];
	ssize_t count;

	if (root_fd < 0)
		return;
	(void)unlinkat(root_fd, INDEX_FILE, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", root_fd);
	count = readlink(path, target, sizeof(target) - 1);
	if (count > 0) {
		target[count] = '\0';
		(void)rmdir(target);
	}
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void make_sums_right(uint8_t *octets, size_t count)
{
	struct index_frame frame;
	uint64_t rest = count - sizeof(frame), listing, details;

	memcpy(&frame, octets, sizeof(frame));
	listing = smaller(frame.listing_bytes, rest);
	details = rest - listing;
	frame.listing_sum = checksum_of(octets + sizeof(frame), listing);
	frame.details_sum = checksum_of(octets + sizeof(frame) + listing,
		details);
	frame.sum = checksum_of(&frame, offsetof(struct index_frame, sum));
	memcpy(octets, &frame, sizeof(frame));
}

static void write_file(const uint8_t *octets, size_t count)
{
	int fd = openat(root_fd, INDEX_FILE,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	FUZZ_CHECK(fd >= 0);
	FUZZ_CHECK(write(fd, octets, count) == (ssize_t)count);
	close(fd);
}

static void use_scan(const struct scan *scan)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		size_t octets;
		const char *uidl = scan_uidl(scan, idx, &octets);
		const char *name = scan_name(scan, idx);

		FUZZ_CHECK(name_is_uidl(uidl, octets));
		FUZZ_CHECK(*name != '.' && strchr(name, '/') == NULL);
		FUZZ_CHECK(scan->messages[idx].folder < FOLDERS);
	}
}

static int ignore(void *context, const void *octets, size_t count)
{
	uint64_t *sum = context;

	*sum += checksum_of(octets, count);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	struct index index;
	struct scan scan;
	uint8_t *copy = malloc(count + 1);
	uint64_t sum = 0;

	if (root_fd < 0) {
		make_root();
		FUZZ_CHECK(atexit(remove_root) == 0);
	}
	FUZZ_CHECK(copy != NULL);
	memcpy(copy, octets, count);
	if (count >= sizeof(struct index_frame))
		make_sums_right(copy, count);
	write_file(copy, count);
	free(copy);
	scan_begin(&scan);
	if (index_open(&index, root_fd) == 0) {
		(void)index_listing(&index, ignore, &sum);
		if (index_load(&index, &scan, GATHER_COUNTED) == 0)
			use_scan(&scan);
	}
	index_close(&index);
	scan_free(&scan);
	return 0;
}
