/*
 * test_listing.c - images that are right are read, all others are refused
 */
#include "config.h"

#include "maildir/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maildir_fixture.h"

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

/* Where the fields of an image are, written down a second time. */
enum { AT_MAGIC = 0, AT_OCTETS = 8, AT_BYTES = 16, AT_VERSION = 24,
	AT_COUNT = 28, AT_ENTRIES = 32, ENTRY_BYTES = 16,
	AT_ENTRY_UIDL = 8 };

/* A scan of three messages that needs no Maildir. */
static struct scan_message three_messages[] = {
	{ .octets = 100, .uidl = 0 },
	{ .octets = UINT64_C(5000000000), .uidl = 4 },
	{ .octets = 0, .uidl = 6 },
};
static char three_names[] = "1.a\0~\0!longer.one";
static const struct scan three = {
	.messages = three_messages, .count = 3, .names = three_names,
	.names_bytes = sizeof(three_names),
};

static char *build(size_t *bytes)
{
	char *image = listing_build(&three, bytes);

	assert_non_null(image);
	assert_int_equal(*bytes, AT_ENTRIES + 3 * ENTRY_BYTES + 4 + 2 + 12);
	return image;
}

static void assert_three(const struct listing *listing)
{
	assert_int_equal(listing->count, 3);
	assert_true(listing->octets == UINT64_C(5000000100));
	assert_true(listing->entries[0].octets == 100);
	assert_true(listing->entries[1].octets == UINT64_C(5000000000));
	assert_true(listing->entries[2].octets == 0);
	assert_string_equal(listing_uidl(listing, 0), "1.a");
	assert_string_equal(listing_uidl(listing, 1), "~");
	assert_string_equal(listing_uidl(listing, 2), "!longer.one");
}

/*
 * Read a copy of exactly 'bytes', so that a sanitizer sees each octet over.
 * Returns 0 if all of it is there, -1 if the image or a unique-id is refused.
 */
static int check(const char *image, size_t bytes)
{
	char *copy = malloc(bytes > 0 ? bytes : 1);
	struct listing listing;
	int result;

	assert_non_null(copy);
	memcpy(copy, image, bytes);
	result = listing_check(&listing, copy, bytes);
	if (result < 0)
		assert_int_equal(errno, EBADMSG);
	for (uint32_t idx = 0; idx < listing.count; idx++) {
		const char *uidl = listing_uidl(&listing, idx);
		size_t length = uidl == NULL ? 0 : strlen(uidl);

		if (uidl == NULL) {
			result = -1;
			continue;
		}
		assert_true(uidl >= copy && uidl + length < copy + bytes);
		assert_in_range(length, 1, 70);
		for (size_t i = 0; i < length; i++)
			assert_in_range((unsigned char)uidl[i], 0x21, 0x7E);
	}
	free(copy);
	return result;
}

static void put32(char *image, size_t at, uint32_t value)
{
	memcpy(image + at, &value, sizeof(value));
}

static void put64(char *image, size_t at, uint64_t value)
{
	memcpy(image + at, &value, sizeof(value));
}

static void round_trip(void **state)
{
	struct listing listing;
	size_t bytes;
	char *image = build(&bytes);

	(void)state;	/* pure */
	assert_int_equal(listing_check(&listing, image, bytes), 0);
	assert_three(&listing);
	listing_unmap(&listing);
	free(image);
}

static void empty(void **state)
{
	const struct scan none = { .count = 0 };
	struct listing listing;
	size_t bytes;
	char *image = listing_build(&none, &bytes);

	(void)state;	/* pure */
	assert_non_null(image);
	assert_int_equal(listing_check(&listing, image, bytes), 0);
	assert_int_equal(listing.count, 0);
	assert_true(listing.octets == 0);
	free(image);
}

static void sum_too_large(void **state)
{
	struct scan_message messages[] = {
		{ .octets = UINT64_MAX, .uidl = 0 }, { .octets = 1, .uidl = 4 },
	};
	const struct scan scan = {
		.messages = messages, .count = 2, .names = three_names,
	};
	size_t bytes;

	(void)state;	/* pure */
	assert_null(listing_build(&scan, &bytes));
	assert_int_equal(errno, EOVERFLOW);
}

/* A memfd of the image, sealed. */
static int seal(const char *image, size_t bytes)
{
	int fd = listing_create();

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, bytes), bytes);
	assert_int_equal(listing_seal(fd), 0);
	return fd;
}

static void sealed_and_mapped(void **state)
{
	struct listing listing;
	size_t bytes;
	char *image = build(&bytes);
	int fd = seal(image, bytes);

	(void)state;	/* pure */
	free(image);
	assert_true(fd >= 0);
	assert_int_equal(listing_map(&listing, fd), 0);
	close(fd);
	assert_three(&listing);
	listing_unmap(&listing);
	assert_null(listing.map);
}

static void sealed_for_good(void **state)
{
	size_t bytes;
	char *image = build(&bytes);
	int fd = seal(image, bytes);

	(void)state;	/* pure */
	free(image);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 4096), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
	assert_ptr_equal(mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		fd, 0), MAP_FAILED);
	close(fd);
}

/* A memfd of the image with these seals. */
static int half_sealed(const char *image, size_t bytes, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, bytes), bytes);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

static void assert_map_fails(int fd, int error)
{
	struct listing listing;

	assert_int_equal(listing_map(&listing, fd), -1);
	assert_int_equal(errno, error);
	assert_null(listing.map);
	close(fd);
}

static void missing_seal(void **state)
{
	size_t bytes;
	char *image = build(&bytes);

	(void)state;	/* pure */
	assert_map_fails(half_sealed(image, bytes, 0), EPERM);
	assert_map_fails(half_sealed(image, bytes, SEALS & ~F_SEAL_SHRINK),
		EPERM);
	assert_map_fails(half_sealed(image, bytes, SEALS & ~F_SEAL_GROW),
		EPERM);
	assert_map_fails(half_sealed(image, bytes, SEALS & ~F_SEAL_WRITE),
		EPERM);
	assert_map_fails(open("/dev/null", O_RDONLY | O_CLOEXEC), EPERM);
	assert_map_fails(open("/proc/self/exe", O_RDONLY | O_CLOEXEC), EPERM);
	free(image);
}

static void sealed_but_wrong(void **state)
{
	size_t bytes;
	char *image = build(&bytes);

	(void)state;	/* pure */
	assert_map_fails(half_sealed(image, 0, SEALS), EBADMSG);
	assert_map_fails(half_sealed(image, 31, SEALS), EBADMSG);
	assert_map_fails(half_sealed(image, bytes - 1, SEALS), EBADMSG);
	put32(image, AT_COUNT, 4);
	assert_map_fails(half_sealed(image, bytes, SEALS), EBADMSG);
	free(image);
}

static void truncated(void **state)
{
	size_t bytes;
	char *image = build(&bytes);

	(void)state;	/* pure */
	assert_int_equal(check(image, bytes), 0);
	for (size_t length = 0; length < bytes; length++)
		assert_int_equal(check(image, length), -1);
	image = realloc(image, bytes + 1);
	assert_non_null(image);
	image[bytes] = '\0';
	assert_int_equal(check(image, bytes + 1), -1);
	free(image);
}

static void flipped(void **state)
{
	size_t bytes;
	char *image = build(&bytes);

	(void)state;	/* pure */
	for (size_t at = 0; at < bytes; at++) {
		char original = image[at];

		for (int value = 0; value < 256; value++) {
			image[at] = (char)value;
			/* Octets and their sum are the keeper's word. */
			if (check(image, bytes) == 0 && image[at] != original)
				assert_true(at >= AT_ENTRIES ||
					(at >= AT_OCTETS && at < AT_BYTES));
		}
		image[at] = original;
	}
	assert_int_equal(check(image, bytes), 0);
	free(image);
}

static void random_damage(void **state)
{
	size_t bytes;
	char *image = build(&bytes), *copy = malloc(bytes);
	uint32_t random = 1;

	(void)state;	/* pure */
	assert_non_null(copy);
	for (int round = 0; round < 20000; round++) {
		memcpy(copy, image, bytes);
		for (int i = 0; i < 3; i++) {
			random = random * 1664525 + 1013904223;
			copy[(random >> 8) % bytes] = (char)(random >> 24);
		}
		check(copy, random % 4 == 0 ? random % bytes : bytes);
	}
	free(copy);
	free(image);
}

/* Change one field of a fresh image and expect that it is refused. */
static void assert_refused(size_t at, uint64_t value, size_t width)
{
	size_t bytes;
	char *image = build(&bytes);

	if (width == 8)
		put64(image, at, value);
	else
		put32(image, at, (uint32_t)value);
	assert_int_equal(check(image, bytes), -1);
	free(image);
}

static void wrong_fields(void **state)
{
	const size_t second = AT_ENTRIES + ENTRY_BYTES;

	(void)state;	/* pure */
	assert_refused(AT_MAGIC, 0, 8);
	assert_refused(AT_VERSION, 1, 4);
	assert_refused(AT_VERSION, 3, 4);
	assert_refused(AT_BYTES, 19, 8);
	assert_refused(AT_BYTES, UINT64_MAX, 8);
	assert_refused(AT_BYTES, 18 + (UINT64_C(1) << 32), 8);
	assert_refused(AT_COUNT, 2, 4);
	assert_refused(AT_COUNT, UINT32_MAX, 4);
	assert_refused(AT_COUNT, 0x10000003, 4);
	assert_refused(second + AT_ENTRY_UIDL, 18, 4);
	assert_refused(second + AT_ENTRY_UIDL, UINT32_MAX, 4);
}

/* Check an image of one message whose unique-id is 'octets' times 'octet'. */
static int check_uidl(size_t octets, char octet)
{
	char names[80];
	struct scan_message message = { .octets = 1, .uidl = 0 };
	const struct scan scan = {
		.messages = &message, .count = 1, .names = names,
	};
	size_t bytes;
	char *image;
	int result;

	memset(names, octet, octets);
	names[octets] = '\0';
	image = listing_build(&scan, &bytes);
	assert_non_null(image);
	result = check(image, bytes);
	free(image);
	return result;
}

static void uidl_limits(void **state)
{
	(void)state;	/* pure */
	assert_int_equal(check_uidl(0, 'x'), -1);
	assert_int_equal(check_uidl(1, 'x'), 0);
	assert_int_equal(check_uidl(70, 'x'), 0);
	assert_int_equal(check_uidl(71, 'x'), -1);
	for (int octet = 1; octet < 256; octet++)
		assert_int_equal(check_uidl(3, (char)octet),
			octet >= 0x21 && octet <= 0x7E ? 0 : -1);
}

static void from_maildir(void **state)
{
	struct fixture *fixture = *state;
	struct listing listing;
	struct scan scan;
	uint64_t octets, measured;
	size_t bytes;
	void *image;

	fixture_write(fixture, "new/2.b", "a\nb\n");
	fixture_write(fixture, "cur/1.a c:2,S", "x");
	fixture_scan(fixture, &scan);
	image = listing_build(&scan, &bytes);
	assert_non_null(image);
	assert_int_equal(listing_check(&listing, image, bytes), 0);
	assert_int_equal(listing.count, 2);
	assert_true(listing.octets == 9);
	assert_int_equal(listing_measure(&scan, &octets, &measured), 0);
	assert_int_equal(octets, 9);
	assert_int_equal(measured, bytes);
	assert_string_equal(listing_uidl(&listing, 0), fixture_uidl(&scan, 0));
	assert_string_equal(listing_uidl(&listing, 1), "2.b");
	free(image);
	scan_free(&scan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_CASE("what was built is read", round_trip),
		PURE_CASE("an empty maildrop has a listing", empty),
		PURE_CASE("a sum over 64 bits is refused", sum_too_large),
		PURE_CASE("a sealed listing is mapped after its fd is closed",
			sealed_and_mapped),
		PURE_CASE("a sealed listing can't be changed",
			sealed_for_good),
		PURE_CASE("a listing that lacks a seal is refused",
			missing_seal),
		PURE_CASE("a sealed listing that is wrong is refused",
			sealed_but_wrong),
		PURE_CASE("an image of any other length is refused",
			truncated),
		PURE_CASE("an image with one octet changed is never misread",
			flipped),
		PURE_CASE("an image with random damage is never misread",
			random_damage),
		PURE_CASE("each wrong field is refused", wrong_fields),
		PURE_CASE("a unique-id has 1 to 70 legal octets",
			uidl_limits),
		CASE("the listing of a Maildir says what the scan says",
			from_maildir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
