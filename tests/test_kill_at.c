/*
 * test_kill_at.c - the tool that kills at system calls does what it says
 */
#include "config.h"

#include "kill_at.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir_fixture.h"

#define CALLS 5

/* Make directories "0" to "4", each by one call, and exit by another. */
static int make_five(void *context)
{
	const struct fixture *fixture = context;
	char name[2] = "0";

	for (int i = 0; i < CALLS; i++, name[0]++)
		if (syscall(SYS_mkdirat, fixture->root_fd, name, 0700) < 0)
			return errno;
	return 0;
}

/* Create "file" and write ten octets to it.  Returns how many were written. */
static int write_ten(void *context)
{
	const struct fixture *fixture = context;
	int fd = openat(fixture->root_fd, "file", O_WRONLY | O_CREAT, 0600);

	return fd < 0 ? 255 : (int)write(fd, "0123456789", 10);
}

static void run(struct fixture *fixture, const struct kill_at_plan *plan,
	int (*victim)(void *), struct kill_at_end *end)
{
	if (kill_at(plan, victim, fixture, end) == 0)
		return;
	assert_true(errno == EPERM || errno == ENOTSUP);
	print_message("no process can be traced here\n");
	skip();
}

static int count_made(struct fixture *fixture)
{
	char name[2] = "0";
	int made = 0;

	for (; fixture_has(fixture, name); name[0]++)
		made++;
	return made;
}

static void remove_made(struct fixture *fixture)
{
	char name[2] = "0";

	for (; fixture_has(fixture, name); name[0]++)
		assert_int_equal(unlinkat(fixture->root_fd, name,
			AT_REMOVEDIR), 0);
}

static long file_bytes(struct fixture *fixture)
{
	struct stat status;

	assert_int_equal(fstatat(fixture->root_fd, "file", &status, 0), 0);
	return (long)status.st_size;
}

static void killed(void **state)
{
	struct kill_at_plan plan = { .deed = KILL_AT_KILL };
	struct kill_at_end end;

	for (plan.call = 1; plan.call <= CALLS + 1; plan.call++) {
		run(*state, &plan, make_five, &end);
		assert_true(end.is_reached);
		assert_true(WIFSIGNALED(end.status));
		assert_int_equal(WTERMSIG(end.status), SIGKILL);
		assert_int_equal(count_made(*state), plan.call - 1);
		remove_made(*state);
	}
}

static void not_reached(void **state)
{
	struct kill_at_plan plan = { KILL_AT_KILL, .call = CALLS + 2 };
	struct kill_at_end end;

	run(*state, &plan, make_five, &end);
	assert_false(end.is_reached);
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), 0);
	assert_int_equal(count_made(*state), CALLS);
}

static void torn(void **state)
{
	struct kill_at_plan plan = { KILL_AT_TEAR, .call = 1 };
	struct kill_at_end end;

	run(*state, &plan, write_ten, &end);
	assert_true(end.is_reached);
	assert_int_equal(end.number, SYS_write);
	assert_true(WIFSIGNALED(end.status));
	assert_int_equal(file_bytes(*state), 5);
}

static void shortened(void **state)
{
	struct kill_at_plan plan = { KILL_AT_SHORTEN, .call = 1 };
	struct kill_at_end end;

	run(*state, &plan, write_ten, &end);
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), 5);
	assert_int_equal(file_bytes(*state), 5);
}

static void failing(void **state)
{
	struct kill_at_plan plan = {
		.deed = KILL_AT_FAIL, .call = 3, .error = ENOSPC,
	};
	struct kill_at_end end;

	run(*state, &plan, make_five, &end);
	assert_true(end.is_reached);
	assert_int_equal(end.number, SYS_mkdirat);
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), ENOSPC);
	assert_int_equal(count_made(*state), 2);
}

static void missing(void **state)
{
	struct kill_at_plan plan = { .missing = SYS_mkdirat };
	struct kill_at_end end;

	run(*state, &plan, make_five, &end);
	assert_false(end.is_reached);
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), ENOSYS);
	assert_int_equal(count_made(*state), 0);
}

static void take_third(void *context)
{
	const struct fixture *fixture = context;

	assert_int_equal(mkdirat(fixture->root_fd, "2", 0700), 0);
}

static void meddling(void **state)
{
	struct kill_at_plan plan = {
		.deed = KILL_AT_MEDDLE, .call = 3, .meddle = take_third,
		.context = *state,
	};
	struct kill_at_end end;

	run(*state, &plan, make_five, &end);
	assert_true(WIFEXITED(end.status));
	assert_int_equal(WEXITSTATUS(end.status), EEXIST);
	assert_int_equal(count_made(*state), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("who is killed before a call has made all before it",
			killed),
		CASE("who makes no such call is not killed", not_reached),
		CASE("a torn write wrote its first half", torn),
		CASE("a shortened write says how much it wrote", shortened),
		CASE("a call that fails does nothing and says why", failing),
		CASE("a missing call does nothing at all", missing),
		CASE("others may meddle before a call", meddling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
