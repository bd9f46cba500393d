/*
 * test_network.c - blocks of addresses
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "network.h"

static bool is_in(const char *text, const char *block)
{
	struct sockaddr_storage address;
	struct sockaddr_in *in = (void *)&address;
	struct sockaddr_in6 *in6 = (void *)&address;
	struct network network;

	memset(&address, 0, sizeof(address));
	address.ss_family = AF_INET;
	if (inet_pton(AF_INET, text, &in->sin_addr) != 1) {
		address.ss_family = AF_INET6;
		assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr),
			1);
	}
	assert_null(network_parse(block, &network));
	return network_has(&network, 1, &address);
}

static void an_address_is_in_its_network_to_the_bit(void **state)
{
	static const struct { const char *block, *first, *last, *not; } rows[] =
	{
		{ "10.0.0.0/8", "10.0.0.0", "10.255.255.255", "11.0.0.0" },
		{ "192.0.2.128/25", "192.0.2.128", "192.0.2.255",
			"192.0.2.127" },
		{ "192.0.2.4/31", "192.0.2.4", "192.0.2.5", "192.0.2.6" },
		{ "192.0.2.4/32", "192.0.2.4", "192.0.2.4", "192.0.2.5" },
		{ "192.0.2.4", "192.0.2.4", "192.0.2.4", "192.0.2.5" },
		{ "0.0.0.0/0", "0.0.0.0", "255.255.255.255", "::1" },
		{ "2001:db8::/32", "2001:db8::",
			"2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
			"2001:db9::" },
		{ "2001:db8::8/125", "2001:db8::8", "2001:db8::f",
			"2001:db8::10" },
		{ "::1", "::1", "::1", "::2" },
		{ "::1/128", "::1", "::1", "127.0.0.1" },
		{ "::/0", "::", "ffff::", "192.0.2.1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(is_in(rows[i].first, rows[i].block));
		assert_true(is_in(rows[i].last, rows[i].block));
		assert_false(is_in(rows[i].not, rows[i].block));
	}
}

static void a_mapped_address_is_the_ipv4_address(void **state)
{
	(void)state;
	assert_true(is_in("::ffff:10.1.2.3", "10.0.0.0/8"));
	assert_true(is_in("10.1.2.3", "::ffff:10.0.0.0/104"));
	assert_false(is_in("::ffff:11.1.2.3", "10.0.0.0/8"));
	assert_false(is_in("::ffff:10.1.2.3", "::/0"));
	assert_false(is_in("10.1.2.3", "::/80"));
	assert_false(is_in("a01:203::", "10.0.0.0/8"));
}

static void any_of_several_networks_will_do(void **state)
{
	struct network networks[2];
	struct sockaddr_storage address = { .ss_family = AF_INET };
	struct sockaddr_in *in = (void *)&address;

	(void)state;
	assert_null(network_parse("2001:db8::/32", &networks[0]));
	assert_null(network_parse("127.0.0.0/8", &networks[1]));
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_true(network_has(networks, 2, &address));
	assert_false(network_has(networks, 1, &address));
	assert_false(network_has(NULL, 0, &address));
}

static void a_local_socket_is_in_no_network(void **state)
{
	struct network all[2];
	struct sockaddr_storage address = { .ss_family = AF_UNIX };

	(void)state;
	assert_null(network_parse("::/0", &all[0]));
	assert_null(network_parse("0.0.0.0/0", &all[1]));
	assert_false(network_has(all, 2, &address));
	address.ss_family = AF_UNSPEC;
	assert_false(network_has(all, 2, &address));
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "/", "/8", "10", "10.0.0", "10.0.0.0/", "10.0.0.0/33",
		"10.0.0.0/-1", "10.0.0.0/ 8", "10.0.0.0/8 ", " 10.0.0.0/8",
		"10.0.0.0/08", "10.0.0.0/8/8", "10.0.0.0/0x8", "10.0.0.1/8",
		"10.0.0.0/255.0.0.0", "10.0.0.0/4294967304", "256.0.0.0",
		"localhost", "2001:db8::/129", "2001:db8::1/32", "2001:db8:/32",
		"fe80::1%lo", "::ffff:10.0.0.0/8", "[::1]", "::1/1284",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/1",
	};
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(network_parse(bad[i], &network));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_in_its_network_to_the_bit),
		cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
		cmocka_unit_test(any_of_several_networks_will_do),
		cmocka_unit_test(a_local_socket_is_in_no_network),
		cmocka_unit_test(what_is_no_network_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
