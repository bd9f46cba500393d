/*
 * test_penalty.c - what a keeper tells of a failed login, and how long it waits
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "deadline.h"
#include "penalty.h"

static int fds[2];
static struct peers *names;
static struct penalty penalty;

static int begin(void **state)
{
	(void)state;
	names = peers_new(8, 1);
	if (names == NULL || penalty_make_pipe(fds) < 0)
		return -1;
	penalty = (struct penalty){
		.first_ms = 100, .names = names, .report_fd = fds[1],
	};
	return 0;
}

static int end(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	peers_free(names);
	return 0;
}

static struct peer_key told_of(const char *user)
{
	struct penalty_report report;

	(void)penalty_tell(&penalty, user);
	assert_true(penalty_hear(fds[0], &report));
	assert_int_equal(report.keeper_pid, getpid());
	return report.name;
}

static void expect_same(const char *one, const char *other, bool is_same)
{
	struct peer_key a = told_of(one), b = told_of(other);

	assert_int_equal(memcmp(&a, &b, sizeof(a)) == 0, is_same);
}

static void a_name_is_the_same_in_capitals(void **state)
{
	(void)state;
	expect_same("joe", "joe", true);
	expect_same("joe@Example.NET", "JOE@example.net", true);
	expect_same("joe", "jo", false);
	expect_same("joe", "joe ", false);
}

static void nobody_has_no_name(void **state)
{
	char longest[600];
	struct peer_key name = told_of("");

	(void)state;
	assert_true(penalty_is_nobody(&name));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	name = told_of(longest);
	assert_true(penalty_is_nobody(&name));
	name = told_of("joe");
	assert_false(penalty_is_nobody(&name));
}

static void reports_come_in_order_and_nobody_waits(void **state)
{
	struct penalty_report report;

	(void)state;
	assert_false(penalty_hear(fds[0], &report));
	assert_int_equal(errno, EAGAIN);
	for (int i = 0; i < 100; i++)
		(void)penalty_tell(&penalty, i % 2 == 0 ? "" : "joe");
	for (int i = 0; i < 100; i++) {
		assert_true(penalty_hear(fds[0], &report));
		assert_int_equal(penalty_is_nobody(&report.name), i % 2 == 0);
	}
	assert_false(penalty_hear(fds[0], &report));
}

static void a_keeper_without_a_master_goes_on(void **state)
{
	struct penalty alone = penalty;

	(void)state;
	alone.report_fd = -1;
	assert_int_equal(penalty_tell(&alone, "joe"), 100);
}

static void a_name_waits_to_a_bound_and_an_address_longer(void **state)
{
	struct peer_key joe = told_of("joe");

	(void)state;
	assert_int_equal(penalty_tell(&penalty, "joe"), 100);
	for (int i = 0; i < 9; i++)
		peers_failed(names, &joe, deadline_now_ms());
	assert_int_equal(penalty_tell(&penalty, "joe"), 400);
	assert_int_equal(penalty_tell(&penalty, "JOE"), 400);
	assert_int_equal(penalty_tell(&penalty, "ann"), 100);
	assert_int_equal(penalty_tell(&penalty, ""), 100);
	penalty.failures = 5;
	assert_int_equal(penalty_tell(&penalty, "joe"), 3200);
	penalty.first_ms = 0;
	assert_int_equal(penalty_tell(&penalty, "joe"), 0);
}

#define CASE(function) \
	cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_name_is_the_same_in_capitals),
		CASE(nobody_has_no_name),
		CASE(reports_come_in_order_and_nobody_waits),
		CASE(a_keeper_without_a_master_goes_on),
		CASE(a_name_waits_to_a_bound_and_an_address_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
