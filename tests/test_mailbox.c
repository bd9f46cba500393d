/*
 * test_mailbox.c - the worker's view of the maildrop, and keepers that lie
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "deadline.h"
#include "mailbox.h"
#include "maildir_fixture.h"

#define LONG_MS 10000

/* A keeper whose answers are written before they are asked for. */
struct liar {
	struct mailbox box;
	int keeper_fd, worker_fd;
	uint32_t is_read_only;		/* what it says of the mailbox */
};

static void begin(struct liar *liar)
{
	int fds[2];

	mailbox_begin(&liar->box);
	liar->is_read_only = 0;
	assert_int_equal(wire_pair(fds), 0);
	liar->keeper_fd = fds[0];
	liar->worker_fd = fds[1];
}

static int log_in(struct liar *liar)
{
	struct wire_auth request = { .kind = WIRE_AUTH };

	return mailbox_login(&liar->box, liar->worker_fd, &request,
		deadline_now_ms() + LONG_MS);
}

static void end(struct liar *liar)
{
	mailbox_end(&liar->box);
	close(liar->keeper_fd);
}

/* Answer with the listing of the fixture's two messages. */
static void answer_listing(struct liar *liar, struct fixture *fixture)
{
	struct wire_login answer = {
		.kind = WIRE_AUTH, .is_read_only = liar->is_read_only };
	struct scan scan;
	size_t bytes;

	fixture_write(fixture, "cur/1.a:2,S", "one\n");
	fixture_write(fixture, "new/2.b", "three\n");
	fixture_scan(fixture, &scan);
	void *image = listing_build(&scan, &bytes);
	assert_non_null(image);
	assert_true(bytes <= sizeof(answer.image));
	memcpy(answer.image, image, bytes);
	answer.image_bytes = (uint32_t)bytes;
	assert_int_equal(wire_send(liar->keeper_fd, &answer, sizeof(answer),
		-1), 0);
	free(image);
	scan_free(&scan);
}

static void marks_change_what_stat_counts(void **state)
{
	struct liar liar;

	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	assert_int_equal(mailbox_count(&liar.box), 2);
	assert_int_equal(mailbox_unmarked_octets(&liar.box), 12);
	assert_true(mailbox_mark(&liar.box, 1));
	assert_true(mailbox_is_marked(&liar.box, 1));
	assert_false(mailbox_is_marked(&liar.box, 0));
	assert_int_equal(mailbox_count(&liar.box), 2);
	assert_int_equal(mailbox_unmarked_count(&liar.box), 1);
	assert_int_equal(mailbox_unmarked_octets(&liar.box), 5);
	mailbox_unmark_all(&liar.box);
	assert_int_equal(mailbox_unmarked_octets(&liar.box), 12);
	end(&liar);
}

static void a_message_that_failed_is_never_marked(void **state)
{
	struct liar liar;

	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	mailbox_set_unserved(&liar.box, 0);
	assert_false(mailbox_mark(&liar.box, 0));
	assert_false(mailbox_is_marked(&liar.box, 0));
	mailbox_unmark_all(&liar.box);
	assert_false(mailbox_mark(&liar.box, 0));
	end(&liar);
}

static void nothing_is_marked_in_a_mailbox_that_is_read_only(void **state)
{
	struct liar liar;
	const struct mailbox_settings useful = { .expire_days = 1,
		.mark_seen = true, .delete = DELETE_TRASH };

	begin(&liar);
	liar.is_read_only = 1;
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	assert_true(liar.box.is_read_only);
	assert_false(mailbox_mark(&liar.box, 0));
	assert_false(mailbox_is_marked(&liar.box, 0));
	mailbox_set_retrieved(&liar.box, 0);
	assert_false(mailbox_needs_commit(&liar.box, &useful));
	end(&liar);
	assert_false(liar.box.is_read_only);
}

static void a_keeper_must_say_whether_it_is_read_only(void **state)
{
	struct liar liar;

	begin(&liar);
	liar.is_read_only = 2;
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), -1);
	end(&liar);
}

static void only_what_has_to_be_done_at_quit_needs_a_commit(void **state)
{
	const struct mailbox_settings plain = { .delete = DELETE_UNLINK };
	const struct mailbox_settings seen = { .mark_seen = true };
	const struct mailbox_settings useful[] = {
		{ .expire_days = 1 }, { .expire_retrieved_days = 1 },
		{ .delete = DELETE_TRASH },
	};
	struct liar liar;

	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	for (size_t i = 0; i < sizeof(useful) / sizeof(useful[0]); i++)
		assert_true(mailbox_needs_commit(&liar.box, &useful[i]));
	assert_false(mailbox_needs_commit(&liar.box, &plain));
	assert_false(mailbox_needs_commit(&liar.box, &seen));
	mailbox_set_retrieved(&liar.box, 1);
	assert_false(mailbox_needs_commit(&liar.box, &plain));
	assert_true(mailbox_needs_commit(&liar.box, &seen));
	assert_true(mailbox_mark(&liar.box, 0));
	assert_true(mailbox_needs_commit(&liar.box, &plain));
	mailbox_unmark_all(&liar.box);
	assert_false(mailbox_needs_commit(&liar.box, &plain));
	assert_true(mailbox_needs_commit(&liar.box, &seen));
	end(&liar);
}

static void commit_tells_what_was_marked_and_retrieved(void **state)
{
	struct wire_committed told = { .kind = WIRE_COMMIT, .removed = 1,
		.failed = 2, .expired = 3 };
	struct wire_committed answer;
	struct wire_commit request;
	struct liar liar;

	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	assert_true(mailbox_mark(&liar.box, 0));
	mailbox_set_retrieved(&liar.box, 1);
	mailbox_set_retrieved(&liar.box, 1);
	assert_int_equal(liar.box.retrieved_count, 1);
	assert_int_equal(wire_send(liar.keeper_fd, &told, sizeof(told), -1),
		0);
	assert_int_equal(mailbox_commit(&liar.box, &answer), 0);
	assert_memory_equal(&answer, &told, sizeof(told));
	/* AUTH came before it. */
	struct wire_auth auth;
	assert_int_equal(wire_receive(liar.keeper_fd, WIRE_AUTH, &auth,
		sizeof(auth), NULL), 0);
	assert_int_equal(wire_receive(liar.keeper_fd, WIRE_COMMIT, &request,
		sizeof(request), NULL), 0);
	assert_int_equal(request.first, 0);
	assert_int_equal(request.is_last, 1);
	assert_int_equal(request.marks[0], 1);
	assert_int_equal(request.retrieved[0], 2);
	for (size_t i = 1; i < WIRE_MARKS_BYTES; i++)
		assert_int_equal(request.marks[i] | request.retrieved[i], 0);
	end(&liar);
}

static void a_keeper_that_dies_is_epipe_everywhere(void **state)
{
	struct liar liar;
	struct wire_committed committed;

	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	close(liar.keeper_fd);
	assert_int_equal(mailbox_open(&liar.box, 0,
		deadline_now_ms() + LONG_MS), -1);
	assert_int_equal(errno, EPIPE);
	assert_true(mailbox_mark(&liar.box, 0));
	assert_int_equal(mailbox_commit(&liar.box, &committed), -1);
	assert_int_equal(errno, EPIPE);
	mailbox_end(&liar.box);
}

static void a_keeper_that_dies_at_the_login_grants_nothing(void **state)
{
	struct liar liar;

	(void)state;
	begin(&liar);
	close(liar.keeper_fd);
	assert_int_equal(log_in(&liar), -1);
	assert_int_equal(errno, EPIPE);
}

static void a_silent_keeper_costs_no_more_than_the_deadline(void **state)
{
	struct liar liar;
	struct wire_auth request = { .kind = WIRE_AUTH };

	(void)state;
	begin(&liar);
	assert_int_equal(mailbox_login(&liar.box, liar.worker_fd, &request,
		deadline_now_ms() + 20), -1);
	assert_int_equal(errno, ETIMEDOUT);
	end(&liar);
}

/* Answer AUTH with 'answer' and 'fd'; the login must fail. */
static void expect_no_login(const struct wire_login *answer, int fd)
{
	struct liar liar;

	begin(&liar);
	assert_int_equal(wire_send(liar.keeper_fd, answer, sizeof(*answer),
		fd), 0);
	assert_int_equal(log_in(&liar), -1);
	end(&liar);
}

static void an_answer_that_is_wrong_in_any_field_grants_nothing(void **state)
{
	struct wire_login answer = { .kind = WIRE_AUTH };

	(void)state;
	expect_no_login(&answer, -1);
	expect_no_login(&answer, STDIN_FILENO);
	answer.image_bytes = WIRE_IMAGE_BYTES;
	expect_no_login(&answer, -1);
	answer.image_bytes = UINT32_MAX;
	expect_no_login(&answer, -1);
	answer.image_bytes = 0;
	answer.status = WIRE_LOGIN_STATUSES;
	expect_no_login(&answer, -1);
	answer.status = UINT32_MAX;
	expect_no_login(&answer, -1);
	answer.kind = WIRE_OPEN;
	expect_no_login(&answer, -1);
}

static void a_listing_that_is_not_sealed_grants_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct wire_login answer = { .kind = WIRE_AUTH };

	fixture_write(fixture, "file", "PSTLxxxxxxxxxxxxxxxxxxxxxxxx");
	int fd = openat(fixture->root_fd, "file", O_RDWR);
	assert_true(fd >= 0);
	expect_no_login(&answer, fd);
	close(fd);
}

/* Answer OPEN with 'fd' and 'error'; opening must fail with 'expected'. */
static void expect_not_opened(struct liar *liar, int fd, uint32_t error,
	int expected)
{
	struct wire_opened answer = { WIRE_OPEN, error };

	assert_int_equal(wire_send(liar->keeper_fd, &answer, sizeof(answer),
		fd), 0);
	assert_int_equal(mailbox_open(&liar->box, 0,
		deadline_now_ms() + LONG_MS), -1);
	assert_int_equal(errno, expected);
}

static void only_a_regular_file_is_a_message(void **state)
{
	struct liar liar;
	int fds[2];
	int directory = open("/", O_RDONLY | O_DIRECTORY);

	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	assert_int_equal(pipe(fds), 0);
	expect_not_opened(&liar, fds[0], 0, EBADMSG);
	expect_not_opened(&liar, directory, 0, EBADMSG);
	expect_not_opened(&liar, -1, 0, EBADMSG);
	expect_not_opened(&liar, -1, ENOENT, ENOENT);
	expect_not_opened(&liar, fds[0], ESTALE, ESTALE);
	close(fds[0]);
	close(fds[1]);
	close(directory);
	end(&liar);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("STAT counts what is not marked",
			marks_change_what_stat_counts),
		CASE("a message that failed is never marked",
			a_message_that_failed_is_never_marked),
		CASE("nothing is marked in a mailbox that is read-only",
			nothing_is_marked_in_a_mailbox_that_is_read_only),
		CASE("an answer that is neither read-only nor not grants "
			"nothing", a_keeper_must_say_whether_it_is_read_only),
		CASE("only what is to be done at QUIT needs a COMMIT",
			only_what_has_to_be_done_at_quit_needs_a_commit),
		CASE("COMMIT tells what was marked and what was retrieved",
			commit_tells_what_was_marked_and_retrieved),
		CASE("a keeper that dies is EPIPE everywhere",
			a_keeper_that_dies_is_epipe_everywhere),
		CASE("a keeper that dies at the login grants nothing",
			a_keeper_that_dies_at_the_login_grants_nothing),
		CASE("a silent keeper costs no more than the deadline",
			a_silent_keeper_costs_no_more_than_the_deadline),
		CASE("an answer wrong in any field grants nothing",
			an_answer_that_is_wrong_in_any_field_grants_nothing),
		CASE("a listing that is not sealed grants nothing",
			a_listing_that_is_not_sealed_grants_nothing),
		CASE("only a regular file is a message",
			only_a_regular_file_is_a_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
