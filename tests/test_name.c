/*
 * test_name.c - unique parts, times, sizes, order, unique-ids of file names
 */
#include "config.h"

#include "maildir/name.h"

#include <stdlib.h>
#include <string.h>

#include "maildir_fixture.h"

/* A name whose unique part is 'count' times 'octet'. */
static const char *filled(char octet, size_t count, const char *tail)
{
	static char name[512];

	memset(name, octet, count);
	strcpy(name + count, tail);
	return name;
}

static void assert_uidl(const char *name, const char *expected)
{
	char uidl[NAME_UIDL_OCTETS + 1];

	name_uidl(name, fixture_digest, uidl);
	assert_string_equal(uidl, expected);
}

static void assert_hashed(const char *name)
{
	char uidl[NAME_UIDL_OCTETS + 1];

	name_uidl(name, fixture_digest, uidl);
	assert_int_equal(strlen(uidl), 33);
	assert_int_equal(uidl[0], 'h');
	assert_int_equal(strspn(uidl + 1, "0123456789abcdef"), 32);
}

static void unique_part(void **state)
{
	(void)state;	/* pure */
	assert_int_equal(name_unique("1.a.host"), 8);
	assert_int_equal(name_unique("1.a.host:2,S"), 8);
	assert_int_equal(name_unique("1.a.host,S=1,W=2:2,S"), 8);
	assert_int_equal(name_unique("1.a:2,S,x"), 3);
	assert_int_equal(name_unique(""), 0);
	assert_int_equal(name_unique(":2,S"), 0);
	assert_int_equal(name_unique(",S=1"), 0);
	assert_int_equal(name_unique(filled('x', 255, "")), 255);
}

static void delivery_time(void **state)
{
	(void)state;	/* pure */
	assert_true(name_time("1700000000.M1.host") == 1700000000);
	assert_true(name_time("42") == 42);
	assert_true(name_time("0042.x") == 42);
	assert_true(name_time("") == 0);
	assert_true(name_time("x1") == 0);
	assert_true(name_time("-1") == 0);
	assert_true(name_time(" 1") == 0);
	assert_true(name_time("\xb2") == 0);
	assert_true(name_time("4294967296.x") == UINT64_C(4294967296));
}

static void huge_time(void **state)
{
	(void)state;	/* pure */
	assert_true(name_time("18446744073709551614.x") == UINT64_MAX - 1);
	assert_true(name_time("18446744073709551615.x") == UINT64_MAX);
	assert_true(name_time("18446744073709551616.x") == UINT64_MAX);
	assert_true(name_time("99999999999999999999.x") == UINT64_MAX);
	assert_true(name_time(filled('9', 255, "")) == UINT64_MAX);
	assert_true(name_time("00000000000000000000000007") == 7);
}

static void assert_size(const char *name, char key, uint64_t expected)
{
	uint64_t value = 99;

	assert_true(name_size(name, key, &value));
	assert_true(value == expected);
}

static void assert_no_size(const char *name)
{
	uint64_t value = 99;

	assert_false(name_size(name, 'S', &value));
	assert_true(value == 99);
}

static void size(void **state)
{
	(void)state;	/* pure */
	assert_size("1.a,S=17", 'S', 17);
	assert_size("1.a,S=17,W=20:2,S", 'S', 17);
	assert_size("1.a,S=17,W=20:2,S", 'W', 20);
	assert_size("1.a,W=20,S=0:2,", 'S', 0);
	assert_size("1.a,S=0017", 'S', 17);
	assert_size(",S=1", 'S', 1);
	assert_size("1.a,x,,S=5,y", 'S', 5);
}

static void last_size(void **state)
{
	(void)state;	/* pure */
	assert_size("1.a,S=1,S=2", 'S', 2);
	assert_size("1.a,S=1,W=3,S=2,W=4:2,S", 'S', 2);
	assert_size("1.a,S=x,S=2", 'S', 2);
	assert_no_size("1.a,S=1,S=");
	assert_no_size("1.a,S=1,S=x");
}

static void size_in_flags(void **state)
{
	(void)state;	/* pure */
	assert_size("1.a,S=1:2,S=3", 'S', 1);
	assert_size("1.a,S=1:2,S:,S=3", 'S', 1);
	assert_no_size("1.a:2,S=3");
	assert_no_size("1.a:,S=3");
	assert_no_size(":,S=3");
}

static void no_size(void **state)
{
	(void)state;	/* pure */
	assert_no_size("");
	assert_no_size("1.a");
	assert_no_size("1.a,W=1");
	assert_no_size("1.a,s=1");
	assert_no_size("S=1");
	assert_no_size("1.aS=1");
	assert_no_size("1.a,S1");
	assert_no_size("1.a,S");
	assert_no_size("1.a,");
	assert_no_size("1.a,S=");
	assert_no_size("1.a,S=,W=1");
	assert_no_size("1.a,S=:2,S");
	assert_no_size("1.a,S=-1");
	assert_no_size("1.a,S=+1");
	assert_no_size("1.a,S= 1");
	assert_no_size("1.a,S=1 ");
	assert_no_size("1.a,S=1.5");
	assert_no_size("1.a,S=0x10");
	assert_no_size("1.a,S=1\xb2");
}

static void huge_size(void **state)
{
	(void)state;	/* pure */
	assert_size("1.a,S=4294967296", 'S', UINT64_C(4294967296));
	assert_size("1.a,S=18446744073709551615", 'S', UINT64_MAX);
	assert_size("1.a,S=00000000000000000000000007", 'S', 7);
	assert_no_size("1.a,S=18446744073709551616");
	assert_no_size("1.a,S=99999999999999999999,W=1");
	assert_no_size("1.a,S=1,S=18446744073709551616");
}

static void order(void **state)
{
	/* Each name is before all that follow it. */
	static const char *const names[] = {
		"", ":2,S", "a", "b", "\xff", "9.z", "0010.a", "10.a",
		"10.a,S=1", "10.a:2,", "10.a:2,S", "10.a.b", "10.b", "10.b\x80",
		"100.a", "99999999999999999999.a", "99999999999999999999.b",
	};
	const size_t count = sizeof(names) / sizeof(*names);

	(void)state;	/* pure */
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(name_compare(names[i], names[i]), 0);
		for (size_t j = i + 1; j < count; j++) {
			assert_true(name_compare(names[i], names[j]) < 0);
			assert_true(name_compare(names[j], names[i]) > 0);
		}
	}
}

static void same_unique(void **state)
{
	(void)state;	/* pure */
	assert_int_equal(name_compare_unique("1.a", "1.a:2,S"), 0);
	assert_int_equal(name_compare_unique("1.a,S=4", "1.a:2,S"), 0);
	assert_true(name_compare_unique("1.a:2,S", "1.ab:2,S") < 0);
	assert_true(name_compare_unique("1.ab", "1.a") > 0);
}

static void plain_uidl(void **state)
{
	char expected[NAME_UIDL_OCTETS + 1];

	(void)state;	/* pure */
	assert_uidl("1.M2P3.host,S=4:2,S", "1.M2P3.host");
	assert_uidl("!~", "!~");
	assert_uidl("x", "x");
	memset(expected, 'y', 70);
	expected[70] = '\0';
	assert_uidl(filled('y', 70, ":2,S"), expected);
}

static void hashed_uidl(void **state)
{
	(void)state;	/* pure */
	assert_hashed(filled('y', 71, ":2,S"));
	assert_hashed(filled('y', 255, ""));
	assert_hashed("");
	assert_hashed(":2,S");
	assert_hashed(",S=1");
	assert_hashed("1.a b");
	assert_hashed("1.a\x20");
	assert_hashed("1.a\x7f");
	assert_hashed("1.a\x80");
	assert_hashed("1.a\xff");
	assert_hashed("1.a\n");
	assert_hashed("\x1f");
}

static void hashed_is_stable(void **state)
{
	char a[NAME_UIDL_OCTETS + 1], b[NAME_UIDL_OCTETS + 1];

	(void)state;	/* pure */
	name_uidl("1.a b", fixture_digest, a);
	name_uidl("1.a b,S=3:2,RS", fixture_digest, b);
	assert_string_equal(a, b);
	name_uidl("1.a c", fixture_digest, b);
	assert_string_not_equal(a, b);
}

/* A digest that shows what it was given. */
static void first_octets(const void *octets, size_t count, uint8_t digest[16])
{
	const uint8_t *from = octets;

	memset(digest, 0xee, 16);
	if (count == 24)
		memcpy(digest, from + 12, 12);
	else
		memcpy(digest, from, count < 16 ? count : 16);
}

static void hex_digits(void **state)
{
	char uidl[NAME_UIDL_OCTETS + 1];

	(void)state;	/* pure */
	name_uidl("\x01\xfe 4", first_octets, uidl);
	assert_string_equal(uidl, "h01fe2034eeeeeeeeeeeeeeeeeeeeeeee");
}

static void twin(void **state)
{
	char a[NAME_UIDL_OCTETS + 1], b[NAME_UIDL_OCTETS + 1];

	(void)state;	/* pure */
	name_uidl_of_twin("1.a:2,S", 7, fixture_digest, a);
	name_uidl_of_twin("1.a", 7, fixture_digest, b);
	assert_string_equal(a, b);
	name_uidl_of_twin("1.a", 8, fixture_digest, b);
	assert_string_not_equal(a, b);
	name_uidl_of_twin("1.b", 7, fixture_digest, b);
	assert_string_not_equal(a, b);
	name_uidl_of_twin("1.a", 7 + (UINT64_C(1) << 32), fixture_digest, b);
	assert_string_not_equal(a, b);
}

static void twin_octet_order(void **state)
{
	char uidl[NAME_UIDL_OCTETS + 1];

	(void)state;	/* pure */
	name_uidl_of_twin("1.a", UINT64_C(0x0102030405060708), first_octets,
		uidl);
	assert_string_equal(uidl, "heeeeeeee0102030405060708eeeeeeee");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_CASE("a unique part ends at the first ',' or ':'",
			unique_part),
		PURE_CASE("a time is the number that a name begins with",
			delivery_time),
		PURE_CASE("a time too large is the largest", huge_time),
		PURE_CASE("a size is the number after its key", size),
		PURE_CASE("of several sizes the last one counts", last_size),
		PURE_CASE("what stands behind ':' is no size", size_in_flags),
		PURE_CASE("what is not digits alone is no size", no_size),
		PURE_CASE("a size too large is no size", huge_size),
		PURE_CASE("names are ordered by time, unique part, whole name",
			order),
		PURE_CASE("flags and sizes don't change a unique part",
			same_unique),
		PURE_CASE("a legal unique part is the unique-id", plain_uidl),
		PURE_CASE("an illegal unique part gives a hash", hashed_uidl),
		PURE_CASE("flags and sizes don't change a hash",
			hashed_is_stable),
		PURE_CASE("a hash is written as 'h' and hex digits",
			hex_digits),
		PURE_CASE("a twin's unique-id is made of name and inode",
			twin),
		PURE_CASE("a twin's unique-id is the same on every machine",
			twin_octet_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
