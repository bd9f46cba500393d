/*
 * test_proxy.c - the PROXY protocol: headers good, bad, and in pieces
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "proxy.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
/* 192.0.2.7 port 56324 to 192.0.2.1 port 110. */
#define ENDS_4 "\xc0\x00\x02\x07" "\xc0\x00\x02\x01" "\xdc\x04" "\x00\x6e"
#define ENDS_6 "\x20\x01\x0d\xb8" "\0\0\0\0\0\0\0\0\0\0\0\x07" \
	"\x20\x01\x0d\xb8" "\0\0\0\0\0\0\0\0\0\0\0\x01" "\xdc\x04" "\x00\x6e"
#define FIXED(command, family, octets) \
	SIGNATURE command family "\0" octets
/* A header by its octets, without the NUL behind them. */
#define HEADER(octets) { (const uint8_t *)(octets), sizeof(octets) - 1 }

struct octets {
	const uint8_t *octets;
	size_t count;
};

/* Feed 'header' in pieces of 'piece' octets, and "more" behind it. */
static enum proxy_event feed(const struct octets *header, size_t piece,
	struct proxy *proxy)
{
	enum proxy_event event = PROXY_MORE;
	size_t done = 0;

	memset(proxy, 0, sizeof(*proxy));
	while (event == PROXY_MORE && done < header->count) {
		size_t left = header->count - done;
		size_t taken;

		event = proxy_take(proxy, header->octets + done,
			left < piece ? left : piece, &taken);
		done += taken;
	}
	return event;
}

/* Returns what is wrong with a complete header. */
static const char *read_header(const struct octets *octets,
	struct proxy_header *header)
{
	static struct proxy proxy;

	assert_int_equal(feed(octets, SIZE_MAX, &proxy), PROXY_COMPLETE);
	assert_int_equal(proxy.count, octets->count);
	return proxy_parse(&proxy, header);
}

static void expect_end(const struct sockaddr_storage *end, const char *address,
	int port)
{
	const struct sockaddr_in *in = (const void *)end;
	const struct sockaddr_in6 *in6 = (const void *)end;
	bool is_ipv4 = end->ss_family == AF_INET;
	char text[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(end->ss_family, is_ipv4 ?
		(const void *)&in->sin_addr : (const void *)&in6->sin6_addr,
		text, sizeof(text)));
	assert_string_equal(text, address);
	assert_int_equal(ntohs(is_ipv4 ? in->sin_port : in6->sin6_port), port);
}

static void a_line_tells_both_ends(void **state)
{
	static const struct {
		struct octets header;
		const char *source, *destination;
		int source_port, destination_port;
	} rows[] = {
		{ HEADER("PROXY TCP4 192.0.2.7 192.0.2.1 56324 110\r\n"),
			"192.0.2.7", "192.0.2.1", 56324, 110 },
		{ HEADER("PROXY TCP4 255.255.255.255 255.255.255.255 65535 "
			"65535\r\n"), "255.255.255.255", "255.255.255.255",
			65535, 65535 },
		{ HEADER("PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n"),
			"0.0.0.0", "0.0.0.0", 0, 0 },
		{ HEADER("PROXY TCP6 2001:db8::7 2001:db8::1 56324 995\r\n"),
			"2001:db8::7", "2001:db8::1", 56324, 995 },
		{ HEADER("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535"
			"\r\n"), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
			65535 },
	};
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(read_header(&rows[i].header, &header));
		assert_false(header.is_local);
		assert_false(header.has_tls);
		expect_end(&header.source, rows[i].source,
			rows[i].source_port);
		expect_end(&header.destination, rows[i].destination,
			rows[i].destination_port);
	}
}

static void unknown_is_the_proxy_itself_whatever_follows(void **state)
{
	static const struct octets rows[] = {
		HEADER("PROXY UNKNOWN\r\n"),
		HEADER("PROXY UNKNOWN \r\n"),
		HEADER("PROXY UNKNOWN 1 2 3 4 5\r\n"),
		HEADER("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 "
			"65535 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
	};
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(read_header(&rows[i], &header));
		assert_true(header.is_local);
	}
}

static void a_malformed_line_is_refused(void **state)
{
	static const struct octets rows[] = {
		HEADER("PROXY \r\n"),
		HEADER("PROXY TCP4\r\n"),
		HEADER("PROXY TCP4 \r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n"),
		HEADER("PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n"),
		HEADER("PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 1 100000\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 -1 2\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n"),
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 0x1 2\r\n"),
		HEADER("PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n"),
		HEADER("PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n"),
		HEADER("PROXY TCP4 01.1.1.1 2.2.2.2 1 2\r\n"),
		HEADER("PROXY TCP4 ::1 ::1 1 2\r\n"),
		HEADER("PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n"),
		HEADER("PROXY TCP6 fe80::1%lo ::1 1 2\r\n"),
		HEADER("PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n"),
		HEADER("PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n"),
		HEADER("PROXY UNKNOWNS\r\n"),
		HEADER("PROXY unknown\r\n"),
	};
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_non_null(read_header(&rows[i], &header));
}

static void what_is_no_header_is_refused_at_its_first_wrong_octet(void **state)
{
	static const struct { struct octets header; size_t taken; } rows[] = {
		{ HEADER("USER joe\r\n"), 1 },
		{ HEADER("PROXX"), 5 },
		{ HEADER("proxy "), 1 },
		{ HEADER("PROXY\r\n"), 6 },
		{ HEADER("PROXY TCP4 1.1.1.1\n"), 19 },
		{ HEADER("PROXY TCP4 1.1.1.1\r "), 20 },
		{ HEADER("PROXY TCP4\0"), 11 },
		{ HEADER("\r\n\r\n\r"), 5 },
		{ HEADER("\r\n\r\n\0\r\nQUITS"), 12 },
		{ HEADER("\x16\x03\x01"), 1 },
		{ HEADER("\0"), 1 },
	};
	static struct proxy proxy;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(feed(&rows[i].header, 1, &proxy), PROXY_BAD);
		assert_int_equal(proxy.count, rows[i].taken);
	}
}

static void a_line_has_107_octets_at_the_most(void **state)
{
	uint8_t line[PROXY_LINE_OCTETS + 1];
	struct octets header = { line, sizeof(line) };
	static struct proxy proxy;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(feed(&header, 7, &proxy), PROXY_BAD);
	assert_int_equal(proxy.count, PROXY_LINE_OCTETS);
	memcpy(line + PROXY_LINE_OCTETS - 2, "\r\n", 2);
	assert_int_equal(feed(&header, 7, &proxy), PROXY_COMPLETE);
	assert_int_equal(proxy.count, PROXY_LINE_OCTETS);
}

static void nothing_behind_a_header_is_taken(void **state)
{
	static const struct { struct octets header; size_t taken; } rows[] = {
		{ HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\nUSER joe\r\n"),
			32 },
		{ HEADER("PROXY UNKNOWN\r\nPROXY UNKNOWN\r\n"), 15 },
		{ HEADER(FIXED("\x21", "\x11", "\x0c") ENDS_4 "\x16\x03\x01"),
			28 },
		{ HEADER(FIXED("\x20", "\0", "\0") SIGNATURE), 16 },
	};
	static struct proxy proxy;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece < 64; piece++) {
			assert_int_equal(feed(&rows[i].header, piece, &proxy),
				PROXY_COMPLETE);
			assert_int_equal(proxy.count, rows[i].taken);
		}
}

static void half_a_header_is_none(void **state)
{
	static const struct octets rows[] = {
		HEADER("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"),
		HEADER(FIXED("\x21", "\x11", "\x0c") ENDS_4),
		HEADER(FIXED("\x20", "\0", "\0")),
	};
	static struct proxy proxy;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t count = 0; count < rows[i].count; count++) {
			struct octets half = { rows[i].octets, count };
			assert_int_equal(feed(&half, 1, &proxy), PROXY_MORE);
		}
}

static void a_binary_header_tells_both_ends(void **state)
{
	static const struct octets ipv4 =
		HEADER(FIXED("\x21", "\x11", "\x0c") ENDS_4);
	static const struct octets ipv6 =
		HEADER(FIXED("\x21", "\x21", "\x24") ENDS_6);
	struct proxy_header header;

	(void)state;
	assert_null(read_header(&ipv4, &header));
	assert_false(header.is_local);
	expect_end(&header.source, "192.0.2.7", 56324);
	expect_end(&header.destination, "192.0.2.1", 110);
	assert_null(read_header(&ipv6, &header));
	assert_false(header.is_local);
	expect_end(&header.source, "2001:db8::7", 56324);
	expect_end(&header.destination, "2001:db8::1", 110);
}

static void a_binary_header_without_an_address_is_the_proxy_itself(void **state)
{
	static const char zeros[216];
	static const struct octets rows[] = {
		HEADER(FIXED("\x20", "\0", "\0")),
		/* What LOCAL says is skipped, section 2.2. */
		HEADER(FIXED("\x20", "\x11", "\x0c") ENDS_4),
		HEADER(FIXED("\x20", "\xff", "\x02") "\x03\xff"),
		HEADER(FIXED("\x21", "\0", "\0")),
		HEADER(FIXED("\x21", "\0", "\x07") "\x04\0\x04" "abcd"),
	};
	uint8_t local[16 + sizeof(zeros)];
	struct octets unix_stream = { local, sizeof(local) };
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(read_header(&rows[i], &header));
		assert_true(header.is_local);
		assert_false(header.has_tls);
	}
	memcpy(local, FIXED("\x21", "\x31", "\xd8"), 16);
	memcpy(local + 16, zeros, sizeof(zeros));
	assert_null(read_header(&unix_stream, &header));
	assert_true(header.is_local);
}

static void a_malformed_binary_header_is_refused(void **state)
{
	static const struct octets rows[] = {
		/* Version, command, family, and transport. */
		HEADER(FIXED("\x11", "\x11", "\x0c") ENDS_4),
		HEADER(FIXED("\x31", "\x11", "\x0c") ENDS_4),
		HEADER(FIXED("\x22", "\x11", "\x0c") ENDS_4),
		HEADER(FIXED("\x21", "\x12", "\x0c") ENDS_4),
		HEADER(FIXED("\x21", "\x41", "\x0c") ENDS_4),
		HEADER(FIXED("\x21", "\x10", "\x0c") ENDS_4),
		/* Addresses that are cut off. */
		HEADER(FIXED("\x21", "\x11", "\0")),
		HEADER(FIXED("\x21", "\x11", "\x0b") "01234567890"),
		HEADER(FIXED("\x21", "\x21", "\x0c") ENDS_4),
		HEADER(FIXED("\x21", "\x31", "\x0c") ENDS_4),
		/* Fields that are. */
		HEADER(FIXED("\x21", "\x11", "\x0d") ENDS_4 "\x04"),
		HEADER(FIXED("\x21", "\x11", "\x0e") ENDS_4 "\x04\0"),
		HEADER(FIXED("\x21", "\x11", "\x0f") ENDS_4 "\x04\0\x01"),
		HEADER(FIXED("\x21", "\x11", "\x10") ENDS_4 "\x04\xff\xff" "a"),
		/* Fields that say what can't be. */
		HEADER(FIXED("\x21", "\x11", "\x11") ENDS_4 "\x01\0\x02h2"),
		HEADER(FIXED("\x21", "\x11", "\x0f") ENDS_4 "\x02\0\0"),
		HEADER(FIXED("\x21", "\x11", "\x11") ENDS_4 "\x02\0\x02" "a "),
		HEADER(FIXED("\x21", "\x11", "\x11") ENDS_4 "\x02\0\x02" "a\n"),
		HEADER(FIXED("\x21", "\x11", "\x11") ENDS_4 "\x03\0\x02" "ab"),
		HEADER(FIXED("\x21", "\x11", "\x13") ENDS_4 "\x03\0\x04"
			"\0\0\0\0"),
		HEADER(FIXED("\x21", "\x11", "\x13") ENDS_4 "\x20\0\x04"
			"\x01\0\0\0"),
		HEADER(FIXED("\x21", "\x11", "\x15") ENDS_4 "\x20\0\x06"
			"\x01\0\0\0\0" "\x21"),
		HEADER(FIXED("\x21", "\x11", "\x17") ENDS_4 "\x20\0\x08"
			"\x01\0\0\0\0" "\x21\0\x01"),
		/* And twice. */
		HEADER(FIXED("\x21", "\x11", "\x1c") ENDS_4
			"\x20\0\x05\x01\0\0\0\0" "\x20\0\x05\0\0\0\0\0"),
	};
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_non_null(read_header(&rows[i], &header));
}

static void a_binary_header_beyond_our_bound_is_refused_at_once(void **state)
{
	uint8_t octets[PROXY_MOST_OCTETS + 1];
	struct octets header = { octets, sizeof(octets) };
	static struct proxy proxy;
	struct proxy_header told;

	(void)state;
	memset(octets, 0, sizeof(octets));
	memcpy(octets, FIXED("\x21", "\x11", "\x0c") ENDS_4, 28);
	octets[14] = (PROXY_MOST_OCTETS - 15) >> 8;
	octets[15] = (PROXY_MOST_OCTETS - 15) & 0xff;
	assert_int_equal(feed(&header, 64, &proxy), PROXY_BAD);
	assert_int_equal(proxy.count, 16);
	/* One octet less, in one field that nobody knows. */
	octets[15]--;
	octets[28] = 0xe0;
	octets[29] = (PROXY_MOST_OCTETS - 31) >> 8;
	octets[30] = (PROXY_MOST_OCTETS - 31) & 0xff;
	header.count--;
	assert_null(read_header(&header, &told));
	expect_end(&told.source, "192.0.2.7", 56324);
}

static void fields_tell_of_tls_between_client_and_proxy(void **state)
{
	static const struct octets rows[] = {
		HEADER(FIXED("\x21", "\x11", "\x37") ENDS_4
			"\x01\0\x04pop3" "\x20\0\x21" "\x07\0\0\0\0"
			"\x21\0\x07TLSv1.3" "\x23\0\x06" "AES128"
			"\x22\0\x06joe\n =" ),
		/* It was not verified, or never shown. */
		HEADER(FIXED("\x21", "\x11", "\x1d") ENDS_4
			"\x20\0\x0e" "\x07\0\0\0\x01" "\x22\0\x06joejoe"),
		HEADER(FIXED("\x21", "\x11", "\x1d") ENDS_4
			"\x20\0\x0e" "\x01\0\0\0\0" "\x22\0\x06joejoe"),
		/* No TLS: the rest is idle talk. */
		HEADER(FIXED("\x21", "\x11", "\x1d") ENDS_4
			"\x20\0\x0e" "\x06\0\0\0\0" "\x21\0\x06TLSv1."),
	};
	struct proxy_header header;

	(void)state;
	assert_null(read_header(&rows[0], &header));
	assert_true(header.has_tls);
	assert_string_equal(header.tls_version, "TLSv1.3");
	assert_string_equal(header.cipher, "AES128");
	assert_string_equal(header.client_name, "joe?" "?=");
	for (size_t i = 1; i < 3; i++) {
		assert_null(read_header(&rows[i], &header));
		assert_true(header.has_tls);
		assert_string_equal(header.client_name, "");
	}
	assert_null(read_header(&rows[3], &header));
	assert_false(header.has_tls);
	assert_string_equal(header.tls_version, "");
}

static void a_name_of_a_certificate_is_cut_where_our_room_ends(void **state)
{
	uint8_t octets[16 + 12 + 3 + 5 + 3 + 300];
	struct octets raw = { octets, sizeof(octets) };
	struct proxy_header header;

	(void)state;
	memset(octets, 'x', sizeof(octets));
	memcpy(octets, FIXED("\x21", "\x11", "\0") ENDS_4, 28);
	octets[14] = (sizeof(octets) - 16) >> 8;
	octets[15] = (sizeof(octets) - 16) & 0xff;
	memcpy(octets + 28, "\x20\x01\x34" "\x03\0\0\0\0" "\x22\x01\x2c", 11);
	assert_null(read_header(&raw, &header));
	assert_int_equal(strlen(header.client_name),
		sizeof(header.client_name) - 1);
}

static void a_checksum_is_that_of_the_whole_header(void **state)
{
	uint8_t octets[] = FIXED("\x21", "\x11", "\x13") ENDS_4 "\x03\0\x04"
		"\0\0\0\0";
	struct octets raw = { octets, sizeof(octets) - 1 };
	struct proxy_header header;

	(void)state;
	memcpy(octets + 31, "\x94\xc2\x07\x09", 4);
	assert_null(read_header(&raw, &header));
	for (size_t i = 16; i < sizeof(octets) - 1; i++) {
		octets[i] ^= 1;
		assert_non_null(read_header(&raw, &header));
		octets[i] ^= 1;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_tells_both_ends),
		cmocka_unit_test(unknown_is_the_proxy_itself_whatever_follows),
		cmocka_unit_test(a_malformed_line_is_refused),
		cmocka_unit_test(
			what_is_no_header_is_refused_at_its_first_wrong_octet),
		cmocka_unit_test(a_line_has_107_octets_at_the_most),
		cmocka_unit_test(nothing_behind_a_header_is_taken),
		cmocka_unit_test(half_a_header_is_none),
		cmocka_unit_test(a_binary_header_tells_both_ends),
		cmocka_unit_test(
			a_binary_header_without_an_address_is_the_proxy_itself),
		cmocka_unit_test(a_malformed_binary_header_is_refused),
		cmocka_unit_test(
			a_binary_header_beyond_our_bound_is_refused_at_once),
		cmocka_unit_test(fields_tell_of_tls_between_client_and_proxy),
		cmocka_unit_test(
			a_name_of_a_certificate_is_cut_where_our_room_ends),
		cmocka_unit_test(a_checksum_is_that_of_the_whole_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
