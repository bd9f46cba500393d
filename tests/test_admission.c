/*
 * test_admission.c - what a worker may say of its proxy's client, and when
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admission.h"
#include "requests.h"
#include "scratch.h"

/* A master, and a client of a proxy whose worker is a process of ours. */
struct house {
	struct master master;
	struct pool_worker worker;
	int worker_fd;			/* its end */
};

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = { .ss_family = AF_INET };
	struct sockaddr_in *in = (void *)&address;

	assert_int_equal(inet_pton(AF_INET, text, &in->sin_addr), 1);
	return address;
}

static void set_up(struct house *house)
{
	struct sockaddr_storage address = address_of("192.0.2.10");
	struct settings *settings;
	int pair[2];

	scratch_write("conf", 0644, "listen \"a\" { tls = none proxies = "
		"{ \"192.0.2.10\" } }\ntls { certificate = \"\" key = \"\" }\n"
		"auth { trusted = { \"198.51.100.0/24\", \"192.0.2.10\" } }\n"
		"limits { per-address = 1 }\n"
		"policy \"lan\" { match = { \"10.0.0.0/8\" } "
		"attempts = 7 }\n");
	settings = settings_load(scratch_path("conf"), stderr);
	assert_non_null(settings);
	*house = (struct house){ .master = {
		.generation.settings = settings, .peers = peers_new(64, 1),
		.names = peers_new(64, 1), .refusal_logged_ms = -2000,
	} };
	assert_int_equal(wire_pair(pair), 0);
	house->worker_fd = pair[1];
	house->worker = (struct pool_worker){
		.state = POOL_BUSY, .fd = pair[0], .has_client = true,
		.client.asks_certificate = true,
	};
	house->worker.pid = fork();
	assert_true(house->worker.pid >= 0);
	if (house->worker.pid == 0) {
		/* A case that fails leaves none behind. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)alarm(60);
		(void)pause();
		_exit(0);
	}
	admission_note_ends(&house->worker.client, &address, &address);
	assert_true(admission_admit_proxy(&house->master,
		&house->worker.client, &settings->listens[0], &address));
}

/* Returns by which signal the worker has ended: SIGTERM is ours. */
static int tear_down(struct house *house)
{
	int status;

	(void)kill(house->worker.pid, SIGTERM);
	assert_int_equal(waitpid(house->worker.pid, &status, 0),
		house->worker.pid);
	if (house->worker.fd >= 0)
		close(house->worker.fd);
	close(house->worker_fd);
	peers_free(house->master.peers);
	peers_free(house->master.names);
	settings_free(house->master.generation.settings);
	return WTERMSIG(status);
}

static struct wire_peer peer_at(const char *text)
{
	struct wire_peer peer = {
		.kind = WIRE_PEER, .family = 4, .port = 4711, .local_port = 110,
	};

	assert_int_equal(inet_pton(AF_INET, text, peer.address), 1);
	assert_int_equal(inet_pton(AF_INET, "192.0.2.1", peer.local_address),
		1);
	return peer;
}

/* Send a record as the worker, and let the master serve it. */
static void say(struct house *house, const void *record, size_t bytes)
{
	assert_int_equal(wire_send(house->worker_fd, record, bytes, -1), 0);
	requests_serve(&house->master, &house->worker);
}

static void the_client_takes_the_place_of_its_proxy(void **state)
{
	struct house house;
	struct pool_client *client = &house.worker.client;
	struct wire_peer peer = peer_at("10.1.2.3");
	struct wire_admitted admitted;

	(void)state;
	set_up(&house);
	assert_true(client->is_trusted);
	say(&house, &peer, sizeof(peer));
	assert_int_equal(wire_receive(house.worker_fd, WIRE_PEER, &admitted,
		sizeof(admitted), NULL), 0);
	assert_int_equal(admitted.is_refused, 0);
	assert_int_equal(admitted.rules.attempts, 7);
	assert_int_equal(admitted.is_trusted, 0);
	assert_false(client->is_trusted);
	assert_true(client->is_counted);
	assert_true(client->asks_certificate);
	assert_string_equal(client->address, "10.1.2.3");
	assert_string_equal(client->local_address, "192.0.2.1");
	assert_int_equal(client->port, 4711);
	assert_int_equal(client->local_port, 110);
	assert_int_equal(tear_down(&house), SIGTERM);
}

static void an_ipv6_client_with_tls_shows_us_no_certificate(void **state)
{
	struct house house;
	struct wire_peer peer = {
		.kind = WIRE_PEER, .family = 6, .has_tls = 1,
		.address = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 },
	};

	(void)state;
	set_up(&house);
	say(&house, &peer, sizeof(peer));
	assert_string_equal(house.worker.client.address, "2001:db8::7");
	assert_false(house.worker.client.asks_certificate);
	assert_int_equal(tear_down(&house), SIGTERM);
}

static void the_second_session_of_an_address_is_refused(void **state)
{
	struct house house;
	struct wire_peer peer = peer_at("10.1.2.3");
	struct sockaddr_storage address = address_of("10.1.2.3");
	struct wire_plain attempt = { .kind = WIRE_KEEPER };
	struct peer_key key = peers_key(&address);
	struct wire_admitted admitted;

	(void)state;
	set_up(&house);
	assert_true(peers_enter(house.master.peers, &key, 1));
	say(&house, &peer, sizeof(peer));
	assert_int_equal(wire_receive(house.worker_fd, WIRE_PEER, &admitted,
		sizeof(admitted), NULL), 0);
	assert_int_equal(admitted.is_refused, 1);
	assert_false(house.worker.client.is_counted);
	/* It was not counted, so its end takes nothing from the other one. */
	master_release_client(&house.master, &house.worker);
	assert_false(peers_enter(house.master.peers, &key, 1));
	/* Nor is a keeper for it. */
	say(&house, &attempt, sizeof(attempt));
	assert_int_equal(tear_down(&house), SIGKILL);
}

/* Expect that a worker is killed for the last of 'count' records. */
static void expect_killed(const struct wire_peer *peers, size_t count)
{
	struct house house;

	set_up(&house);
	for (size_t i = 0; i < count; i++) {
		assert_false(house.worker.is_liar);
		say(&house, &peers[i], sizeof(peers[i]));
	}
	assert_true(house.worker.is_liar);
	assert_int_equal(tear_down(&house), SIGKILL);
}

static void what_no_header_can_say_kills_the_worker(void **state)
{
	struct wire_peer peer = peer_at("10.1.2.3");

	(void)state;
	peer.family = 5;
	expect_killed(&peer, 1);
	peer.family = UINT32_MAX;
	expect_killed(&peer, 1);
	peer.family = 4;
	peer.has_tls = 2;
	expect_killed(&peer, 1);
}

static void who_says_it_twice_is_killed(void **state)
{
	struct wire_peer peers[2] = {
		peer_at("10.1.2.3"), peer_at("198.51.100.7"),
	};

	(void)state;
	expect_killed(peers, 2);
	peers[0].family = 0;
	expect_killed(peers, 2);
}

static void who_is_behind_no_proxy_is_killed_for_saying_so(void **state)
{
	struct house house;
	struct wire_peer peer = peer_at("198.51.100.7");

	(void)state;
	set_up(&house);
	house.worker.client.awaits_peer = false;
	house.worker.client.is_counted = true;
	say(&house, &peer, sizeof(peer));
	assert_int_equal(tear_down(&house), SIGKILL);
}

static void nobody_logs_in_before_that(void **state)
{
	struct house house;
	struct wire_plain attempt = { .kind = WIRE_KEEPER };

	(void)state;
	set_up(&house);
	say(&house, &attempt, sizeof(attempt));
	assert_int_equal(tear_down(&house), SIGKILL);
}

static void a_proxy_for_itself_is_not_counted_and_logs_nobody_in(void **state)
{
	struct house house;
	struct wire_peer peer = { .kind = WIRE_PEER };
	struct wire_plain attempt = { .kind = WIRE_KEEPER };
	struct sockaddr_storage proxy = address_of("192.0.2.10");
	struct peer_key key = peers_key(&proxy);
	struct wire_admitted admitted;

	(void)state;
	set_up(&house);
	say(&house, &peer, sizeof(peer));
	assert_int_equal(wire_receive(house.worker_fd, WIRE_PEER, &admitted,
		sizeof(admitted), NULL), 0);
	assert_int_equal(admitted.is_refused, 0);
	assert_int_equal(admitted.is_trusted, 1);
	assert_string_equal(house.worker.client.address, "192.0.2.10");
	assert_true(peers_enter(house.master.peers, &key, 1));
	say(&house, &attempt, sizeof(attempt));
	assert_int_equal(tear_down(&house), SIGKILL);
}

static void a_broken_worker_costs_the_proxy_nothing(void **state)
{
	struct house house;
	struct sockaddr_storage proxy = address_of("192.0.2.10");
	struct peer_key key = peers_key(&proxy);

	(void)state;
	set_up(&house);
	master_punish(&house.master, &house.worker);
	assert_int_equal(peers_failures(house.master.peers, &key, 0), 0);
	assert_int_equal(tear_down(&house), SIGTERM);
}

static void only_the_listeners_proxies_are_taken(void **state)
{
	static const char *const others[] = {
		"192.0.2.11", "127.0.0.1", "198.51.100.7",
	};
	struct house house;

	(void)state;
	set_up(&house);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct sockaddr_storage address = address_of(others[i]);
		struct pool_client client = { .since_ms = 0 };
		assert_false(admission_admit_proxy(&house.master, &client,
			&house.master.generation.settings->listens[0],
			&address));
	}
	assert_int_equal(tear_down(&house), SIGTERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("the client takes the place of its proxy",
			the_client_takes_the_place_of_its_proxy),
		SCRATCH_CASE("an IPv6 client that has TLS with the proxy shows "
			"us no certificate",
			an_ipv6_client_with_tls_shows_us_no_certificate),
		SCRATCH_CASE("the second session of an address is refused, and "
			"logs nobody in",
			the_second_session_of_an_address_is_refused),
		SCRATCH_CASE("what no header can say kills the worker",
			what_no_header_can_say_kills_the_worker),
		SCRATCH_CASE("a worker that says twice who its client is is "
			"killed", who_says_it_twice_is_killed),
		SCRATCH_CASE("a worker that says so behind no proxy is killed",
			who_is_behind_no_proxy_is_killed_for_saying_so),
		SCRATCH_CASE("a worker that wants a keeper before that is "
			"killed", nobody_logs_in_before_that),
		SCRATCH_CASE("a proxy for itself is not counted, and logs "
			"nobody in",
			a_proxy_for_itself_is_not_counted_and_logs_nobody_in),
		SCRATCH_CASE("a broken worker costs the proxy nothing",
			a_broken_worker_costs_the_proxy_nothing),
		SCRATCH_CASE("only the listener's proxies are taken",
			only_the_listeners_proxies_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
