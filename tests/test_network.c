/*
 * test_network.c - IP networks, and who is in them
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>

#include <cmocka.h>

#include "network.h"

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address;
	struct sockaddr_in *in = (void *)&address;
	struct sockaddr_in6 *in6 = (void *)&address;

	memset(&address, 0, sizeof(address));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		address.ss_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &in6->sin6_addr),
			1);
		address.ss_family = AF_INET6;
	}
	return address;
}

static bool has(const char *text, const char *address)
{
	struct sockaddr_storage client = address_of(address);
	struct network network;

	assert_int_equal(network_parse(text, &network), 0);
	return network_has(&network, &client);
}

static int error_of(const char *text)
{
	struct network network;

	return network_parse(text, &network) == 0 ? 0 : errno;
}

static void one_address_has_itself_only(void **state)
{
	(void)state;
	assert_true(has("192.0.2.1", "192.0.2.1"));
	assert_false(has("192.0.2.1", "192.0.2.0"));
	assert_true(has("2001:db8::1", "2001:db8:0::1"));
	assert_false(has("2001:db8::1", "2001:db8::2"));
	assert_true(has("192.0.2.1/32", "192.0.2.1"));
	assert_true(has("2001:db8::1/128", "2001:db8::1"));
}

static void a_network_begins_and_ends_where_its_prefix_says(void **state)
{
	(void)state;
	assert_true(has("192.168.0.0/16", "192.168.0.0"));
	assert_true(has("192.168.0.0/16", "192.168.255.255"));
	assert_false(has("192.168.0.0/16", "192.167.255.255"));
	assert_false(has("192.168.0.0/16", "192.169.0.0"));
	assert_true(has("10.64.0.0/10", "10.127.255.255"));
	assert_false(has("10.64.0.0/10", "10.128.0.0"));
	assert_true(has("192.0.2.2/31", "192.0.2.3"));
	assert_false(has("192.0.2.2/31", "192.0.2.4"));
	assert_true(has("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(has("2001:db8::/33", "2001:db8:8000::1"));
}

static void prefix_0_has_the_whole_family(void **state)
{
	(void)state;
	assert_true(has("0.0.0.0/0", "255.255.255.255"));
	assert_false(has("0.0.0.0/0", "2001:db8::1"));
	assert_true(has("::/0", "2001:db8::1"));
}

static void a_mapped_address_is_its_ipv4_one(void **state)
{
	(void)state;
	assert_true(has("192.0.2.0/24", "::ffff:192.0.2.7"));
	assert_false(has("192.0.2.0/24", "::ffff:192.0.3.7"));
	assert_true(has("::ffff:192.0.2.0/120", "192.0.2.7"));
	assert_false(has("192.0.2.0/24", "::192.0.2.7"));
}

static void a_client_without_an_address_is_in_no_network(void **state)
{
	struct sockaddr_storage local = { .ss_family = AF_UNIX };
	struct network all;

	(void)state;
	assert_int_equal(network_parse("::/0", &all), 0);
	assert_false(network_has(&all, &local));
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const wrong[] = {
		"", "/", "/8", "x", "192.0.2", "192.0.2.1.1", "192.0.2.256",
		"192.0.2.0/", "192.0.2.0/33", "192.0.2.0/024", "192.0.2.0/-1",
		"192.0.2.0/+8", "192.0.2.0/ 8", "192.0.2.0/8 ", "192.0.2.0/8/8",
		"192.0.2.0/255.255.255.0", "192.0.2.0/99999999999999999999",
		"2001:db8::/129", "2001:db8:::/32", "::1%lo", "[::1]",
		" ::1", "example.net", "0x7f.0.0.1",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/8"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(error_of(wrong[i]), EINVAL);
}

static void bits_behind_the_prefix_are_refused(void **state)
{
	(void)state;
	assert_int_equal(error_of("192.168.0.1/16"), EDOM);
	assert_int_equal(error_of("192.168.128.0/16"), EDOM);
	assert_int_equal(error_of("192.168.128.0/17"), 0);
	assert_int_equal(error_of("::1/127"), EDOM);
	assert_int_equal(error_of("2001:db8::1/64"), EDOM);
	assert_int_equal(error_of("0.0.0.1/0"), EDOM);
}

static void the_longest_address_is_taken(void **state)
{
	(void)state;
	assert_true(has("0000:0000:0000:0000:0000:ffff:255.255.255.255/128",
		"255.255.255.255"));
}

static void any_of_some_networks_is_enough(void **state)
{
	struct sockaddr_storage client = address_of("127.0.0.2");
	struct network networks[2];

	(void)state;
	assert_int_equal(network_parse("10.0.0.0/8", &networks[0]), 0);
	assert_int_equal(network_parse("127.0.0.2", &networks[1]), 0);
	assert_true(network_any_has(networks, 2, &client));
	assert_false(network_any_has(networks, 1, &client));
	assert_false(network_any_has(networks, 0, &client));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_address_has_itself_only),
		cmocka_unit_test(
			a_network_begins_and_ends_where_its_prefix_says),
		cmocka_unit_test(prefix_0_has_the_whole_family),
		cmocka_unit_test(a_mapped_address_is_its_ipv4_one),
		cmocka_unit_test(a_client_without_an_address_is_in_no_network),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(bits_behind_the_prefix_are_refused),
		cmocka_unit_test(the_longest_address_is_taken),
		cmocka_unit_test(any_of_some_networks_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
