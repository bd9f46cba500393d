/*
 * test_presence.c - what the master believes of a worker's session
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "presence.h"
#include "scratch.h"

/* More than a worker may tell in a second. */
#define FLOOD 10000

static struct master master;
static struct pool_worker worker;

static struct wire_progress begin(void)
{
	struct wire_progress progress = { .kind = WIRE_PROGRESS,
		.state = WIRE_STATE_TRANSACTION, .mechanism = MECHANISMS,
		.octets_sent = 7, .user = "joe", .tls = "TLS1.3" };

	memset(&master, 0, sizeof(master));
	worker = (struct pool_worker){ .state = POOL_BUSY, .has_client = true,
		.client = { .since_ms = deadline_now_ms() } };
	return progress;
}

static bool note(const struct wire_progress *progress)
{
	return presence_note(&master, &worker, progress);
}

static void what_is_told_is_kept_and_a_login_counted_once(void **state)
{
	struct wire_progress progress = begin();
	const struct pool_presence *presence = &worker.client.presence;

	(void)state;
	progress.state = WIRE_STATE_AUTHORIZATION;
	assert_true(note(&progress));
	assert_false(presence->has_logged_in);
	progress.state = WIRE_STATE_TRANSACTION;
	for (int i = 0; i < 3; i++)
		assert_true(note(&progress));
	assert_true(presence->has_logged_in);
	assert_string_equal(presence->user, "joe");
	assert_string_equal(presence->tls, "TLS1.3");
	assert_int_equal(presence->octets_sent, 7);
	assert_int_equal(master.counters.all[COUNT_LOGINS + MECHANISMS], 1);
	progress.mechanism = MECHANISM_PLAIN;
	assert_true(note(&progress));
	assert_int_equal(presence->mechanism, MECHANISMS);
	assert_int_equal(master.counters.all[COUNT_LOGINS + MECHANISM_PLAIN],
		0);
}

static void strings_without_an_end_get_one(void **state)
{
	struct wire_progress progress = begin();
	const struct pool_presence *presence = &worker.client.presence;

	(void)state;
	memset(progress.user, 'u', sizeof(progress.user));
	memset(progress.tls, 't', sizeof(progress.tls));
	memset(progress.cipher, 'c', sizeof(progress.cipher));
	assert_true(note(&progress));
	assert_int_equal(strlen(presence->user), sizeof(progress.user) - 1);
	assert_int_equal(strlen(presence->tls), sizeof(progress.tls) - 1);
	assert_int_equal(strlen(presence->cipher), sizeof(progress.cipher) - 1);
}

static void what_does_not_exist_is_refused(void **state)
{
	struct wire_progress progress = begin();

	(void)state;
	progress.state = WIRE_STATES;
	assert_false(note(&progress));
	progress.state = UINT32_MAX;
	assert_false(note(&progress));
	progress = begin();
	progress.mechanism = MECHANISMS + 1;
	assert_false(note(&progress));
	progress = begin();
	worker.has_client = false;
	assert_false(note(&progress));
	assert_int_equal(worker.client.presence.state, 0);
}

static void a_worker_that_tells_too_often_is_refused(void **state)
{
	struct wire_progress progress = begin();
	int told = 0;

	(void)state;
	while (told < FLOOD && note(&progress))
		told++;
	assert_in_range(told, 10, FLOOD - 1);
	/* But not one that has told as much in a long time. */
	progress = begin();
	worker.client.since_ms -= (int64_t)FLOOD * 1000;
	for (int i = 0; i < FLOOD; i++)
		assert_true(note(&progress));
}

static void an_end_is_counted_and_a_kick_is_its_reason(void **state)
{
	struct wire_session report = { .end = WIRE_END_STOPPED,
		.octets_sent = 5, .retr = 1, .top = 2, .removed = 3,
		.expired = 4, .tls = "TLS1.2" };
	const uint64_t *all = master.counters.all;

	(void)state;
	(void)begin();
	presence_end(&master, &worker, &report);
	assert_int_equal(report.end, WIRE_END_STOPPED);
	worker.is_kicked = true;
	presence_end(&master, &worker, &report);
	assert_int_equal(report.end, WIRE_END_KICKED);
	report.end = WIRE_END_QUIT;
	presence_end(&master, &worker, &report);
	assert_int_equal(report.end, WIRE_END_QUIT);
	report.end = UINT32_MAX;
	memset(report.tls, 'x', sizeof(report.tls));
	presence_end(&master, &worker, &report);
	assert_int_equal(all[COUNT_SESSIONS + WIRE_END_STOPPED], 1);
	assert_int_equal(all[COUNT_SESSIONS + WIRE_END_KICKED], 1);
	assert_int_equal(all[COUNT_SESSIONS + WIRE_END_QUIT], 1);
	assert_int_equal(all[COUNT_TLS + COUNT_TLS_1_2], 3);
	assert_int_equal(all[COUNT_TLS + COUNT_TLS_OTHER], 1);
	assert_int_equal(all[COUNT_OCTETS_SENT], 20);
	assert_int_equal(all[COUNT_EXPIRED], 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told_is_kept_and_a_login_counted_once),
		cmocka_unit_test(strings_without_an_end_get_one),
		cmocka_unit_test(what_does_not_exist_is_refused),
		cmocka_unit_test(a_worker_that_tells_too_often_is_refused),
		cmocka_unit_test(an_end_is_counted_and_a_kick_is_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
