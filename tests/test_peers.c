/*
 * test_peers.c - who is connected and who guessed wrong, per address
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

#include "peers.h"

static struct peer_key key_of(const char *text)
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
	return peers_key(&address);
}

static bool is_same(const char *a, const char *b)
{
	struct peer_key first = key_of(a), second = key_of(b);

	return memcmp(&first, &second, sizeof(first)) == 0;
}

/* How long a login of 'key' that fails now must wait. */
static uint32_t delay_ms(const struct peers *peers, const struct peer_key *key,
	uint32_t first_ms, int64_t now_ms)
{
	return peers_delay_ms(first_ms, peers_failures(peers, key, now_ms));
}

static void an_ipv6_64_is_one_address(void **state)
{
	(void)state;
	assert_true(is_same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
	assert_false(is_same("2001:db8:1:2::1", "2001:db8:1:3::1"));
}

static void an_ipv4_address_is_one_address(void **state)
{
	(void)state;
	assert_false(is_same("192.0.2.1", "192.0.2.2"));
	assert_true(is_same("192.0.2.1", "::ffff:192.0.2.1"));
	assert_false(is_same("192.0.2.1", "::"));
}

static void the_limit_is_exact_and_a_place_comes_back(void **state)
{
	struct peers *peers = peers_new(8, 1);
	struct peer_key a = key_of("192.0.2.1"), b = key_of("192.0.2.2");

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(peers_enter(peers, &a, 3));
	assert_false(peers_enter(peers, &a, 3));
	assert_true(peers_enter(peers, &b, 3));
	peers_leave(peers, &a);
	assert_true(peers_enter(peers, &a, 3));
	assert_false(peers_enter(peers, &a, 3));
	peers_free(peers);
}

static void limit_0_is_no_limit(void **state)
{
	struct peers *peers = peers_new(8, 1);
	struct peer_key a = key_of("192.0.2.1");

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_true(peers_enter(peers, &a, 0));
	peers_free(peers);
}

static void the_delay_doubles_up_to_a_bound(void **state)
{
	struct peers *peers = peers_new(8, 1);
	struct peer_key a = key_of("192.0.2.1"), b = key_of("192.0.2.2");
	uint32_t expected_ms = 2000;

	(void)state;
	for (int i = 0; i < 40; i++) {
		assert_int_equal(delay_ms(peers, &a, 2000, 1000), expected_ms);
		peers_failed(peers, &a, 1000);
		expected_ms = expected_ms * 2 > PEERS_LONGEST_DELAY_MS ?
			PEERS_LONGEST_DELAY_MS : expected_ms * 2;
	}
	assert_int_equal(delay_ms(peers, &b, 2000, 1000), 2000);
	peers_free(peers);
}

static void delay_0_stays_0(void **state)
{
	struct peers *peers = peers_new(8, 1);
	struct peer_key a = key_of("192.0.2.1");

	(void)state;
	for (int i = 0; i < 5; i++)
		peers_failed(peers, &a, 1000);
	assert_int_equal(delay_ms(peers, &a, 0, 1000), 0);
	peers_free(peers);
}

static void failures_are_forgiven_one_by_one(void **state)
{
	struct peers *peers = peers_new(8, 1);
	struct peer_key a = key_of("192.0.2.1");

	(void)state;
	for (int i = 0; i < 3; i++)
		peers_failed(peers, &a, 0);
	assert_int_equal(delay_ms(peers, &a, 100, 0), 800);
	assert_int_equal(delay_ms(peers, &a, 100, PEERS_FORGIVE_MS),
		400);
	assert_int_equal(delay_ms(peers, &a, 100, 3 * PEERS_FORGIVE_MS),
		100);
	assert_int_equal(delay_ms(peers, &a, 100, INT64_MAX / 2), 100);
	peers_free(peers);
}

/* A different address for each 'number'. */
static struct peer_key key_number(uint32_t number)
{
	struct peer_key key = { { 0 } };

	memcpy(key.octets + 12, &number, sizeof(number));
	return key;
}

static void a_full_table_forgets_old_failures_but_no_session(void **state)
{
	struct peers *peers = peers_new(16, 7);
	struct peer_key session = key_number(0);

	(void)state;
	assert_true(peers_enter(peers, &session, 1));
	for (uint32_t i = 1; i < 1000; i++) {
		struct peer_key key = key_number(i);
		peers_failed(peers, &key, i);
	}
	assert_false(peers_enter(peers, &session, 1));
	struct peer_key last = key_number(999), first = key_number(1);
	assert_int_equal(delay_ms(peers, &last, 100, 999), 200);
	assert_int_equal(delay_ms(peers, &first, 100, 999), 100);
	peers_free(peers);
}

static void a_table_full_of_sessions_refuses_more(void **state)
{
	struct peers *peers = peers_new(16, 7);

	(void)state;
	for (uint32_t i = 0; i < 16; i++) {
		struct peer_key key = key_number(i);
		assert_true(peers_enter(peers, &key, 0));
	}
	struct peer_key one_more = key_number(16), first = key_number(0);
	assert_false(peers_enter(peers, &one_more, 0));
	peers_leave(peers, &first);
	assert_true(peers_enter(peers, &one_more, 0));
	peers_free(peers);
}

static void leaving_without_having_entered_does_nothing(void **state)
{
	struct peers *peers = peers_new(4, 7);
	struct peer_key key = key_number(1);

	(void)state;
	peers_leave(peers, &key);
	assert_true(peers_enter(peers, &key, 1));
	assert_false(peers_enter(peers, &key, 1));
	peers_free(peers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ipv6_64_is_one_address),
		cmocka_unit_test(an_ipv4_address_is_one_address),
		cmocka_unit_test(the_limit_is_exact_and_a_place_comes_back),
		cmocka_unit_test(limit_0_is_no_limit),
		cmocka_unit_test(the_delay_doubles_up_to_a_bound),
		cmocka_unit_test(delay_0_stays_0),
		cmocka_unit_test(failures_are_forgiven_one_by_one),
		cmocka_unit_test(
			a_full_table_forgets_old_failures_but_no_session),
		cmocka_unit_test(a_table_full_of_sessions_refuses_more),
		cmocka_unit_test(leaving_without_having_entered_does_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
