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
#include <time.h>
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

/* Build the listing of the fixture's two messages; the caller frees it. */
static void *build_listing(struct fixture *fixture, size_t *bytes)
{
	struct scan scan;

	fixture_write(fixture, "cur/1.a:2,S", "one\n");
	fixture_write(fixture, "new/2.b", "three\n");
	fixture_scan(fixture, &scan);
	void *image = listing_build(&scan, bytes);
	assert_non_null(image);
	scan_free(&scan);
	return image;
}

static struct wire_login make_answer(const struct liar *liar,
	struct fixture *fixture)
{
	struct wire_login answer = {
		.kind = WIRE_AUTH, .is_read_only = liar->is_read_only,
		.count = 2, .octets = 12,
	};
	size_t bytes;
	void *image = build_listing(fixture, &bytes);

	assert_true(bytes <= sizeof(answer.image));
	memcpy(answer.image, image, bytes);
	answer.image_bytes = (uint32_t)bytes;
	free(image);
	return answer;
}

static void answer_login(struct liar *liar, const struct wire_login *answer)
{
	assert_int_equal(wire_send(liar->keeper_fd, answer, sizeof(*answer),
		-1), 0);
}

/* Answer with the listing of the fixture's two messages. */
static void answer_listing(struct liar *liar, struct fixture *fixture)
{
	struct wire_login answer = make_answer(liar, fixture);

	answer_login(liar, &answer);
}

/* Log in to a maildrop of 'count' messages whose listing is to be asked for. */
static void begin_without_listing(struct liar *liar, uint32_t count)
{
	struct wire_login answer = {
		.kind = WIRE_AUTH, .count = count, .octets = 12,
	};

	begin(liar);
	answer_login(liar, &answer);
	assert_int_equal(log_in(liar), WIRE_LOGIN_GRANTED);
}

/* Send the answer to LISTING, with 'fd'. */
static void answer_opened(struct liar *liar, uint32_t error, int fd)
{
	struct wire_opened answer = { WIRE_LISTING, error };

	assert_int_equal(wire_send(liar->keeper_fd, &answer, sizeof(answer),
		fd), 0);
}

static int ask_for_listing(struct liar *liar)
{
	return mailbox_list(&liar->box, deadline_now_ms() + LONG_MS);
}

/* A memfd with the listing of the fixture's two messages. */
static int make_memfd(struct fixture *fixture, bool is_sealed)
{
	int fd = listing_create();
	size_t bytes;
	void *image = build_listing(fixture, &bytes);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, image, bytes), bytes);
	free(image);
	if (is_sealed)
		assert_int_equal(listing_seal(fd), 0);
	return fd;
}

static void a_long_listing_is_asked_for_once(void **state)
{
	int listing_fd = make_memfd(*state, true);
	struct wire_plain request;
	struct wire_auth auth;
	struct liar liar;

	begin_without_listing(&liar, 2);
	/* What needs no listing. */
	assert_int_equal(mailbox_unmarked_count(&liar.box), 2);
	assert_int_equal(mailbox_unmarked_octets(&liar.box), 12);
	assert_false(mailbox_is_marked(&liar.box, 1));
	mailbox_unmark_all(&liar.box);

	answer_opened(&liar, 0, listing_fd);
	assert_int_equal(ask_for_listing(&liar), 0);
	assert_int_equal(ask_for_listing(&liar), 0);
	assert_int_equal(mailbox_octets(&liar.box, 1), 7);
	assert_string_equal(mailbox_uidl(&liar.box, 0), "1.a");
	assert_true(mailbox_mark(&liar.box, 1));
	assert_int_equal(mailbox_unmarked_octets(&liar.box), 5);

	assert_int_equal(wire_receive(liar.keeper_fd, WIRE_AUTH, &auth,
		sizeof(auth), NULL), 0);
	assert_int_equal(wire_receive(liar.keeper_fd, WIRE_LISTING, &request,
		sizeof(request), NULL), 0);
	assert_int_equal(recv(liar.keeper_fd, &auth, sizeof(auth),
		MSG_DONTWAIT), -1);
	close(listing_fd);
	end(&liar);
}

static void a_listing_of_other_messages_is_not_used(void **state)
{
	struct fixture *fixture = *state;
	struct wire_login answer;
	struct liar liar;
	int listing_fd = make_memfd(fixture, true);

	for (uint32_t count = 0; count < 4; count++) {
		begin_without_listing(&liar, count);
		answer_opened(&liar, 0, listing_fd);
		assert_int_equal(ask_for_listing(&liar), count == 2 ? 0 : -1);
		end(&liar);
	}
	close(listing_fd);
	for (int i = 0; i < 3; i++) {
		begin(&liar);
		answer = make_answer(&liar, fixture);
		answer.count += i == 1;
		answer.octets += i == 2;
		answer_login(&liar, &answer);
		assert_int_equal(log_in(&liar),
			i == 0 ? WIRE_LOGIN_GRANTED : -1);
		end(&liar);
	}
}

static void a_listing_that_is_not_as_it_must_be_is_not_used(void **state)
{
	int listing_fd = make_memfd(*state, false);
	int null_fd = open("/dev/null", O_RDWR);
	struct liar liar;

	begin_without_listing(&liar, 2);
	answer_opened(&liar, 0, listing_fd);
	assert_int_equal(ask_for_listing(&liar), -1);
	assert_int_equal(errno, EPERM);
	answer_opened(&liar, 0, null_fd);
	assert_int_equal(ask_for_listing(&liar), -1);
	answer_opened(&liar, 0, -1);
	assert_int_equal(ask_for_listing(&liar), -1);
	answer_opened(&liar, ESTALE, -1);
	assert_int_equal(ask_for_listing(&liar), -1);
	assert_int_equal(errno, ESTALE);
	answer_opened(&liar, ESTALE, listing_fd);
	assert_int_equal(ask_for_listing(&liar), -1);
	assert_false(mailbox_is_marked(&liar.box, 1));
	end(&liar);
	close(listing_fd);
	close(null_fd);
}

static void a_commit_without_a_listing_has_no_marks(void **state)
{
	const struct wire_commit wanted = {
		.kind = WIRE_COMMIT, .is_last = 1 };
	struct wire_committed answer = { .kind = WIRE_COMMIT, .expired = 1 };
	struct wire_commit request;
	struct wire_auth auth;
	struct liar liar;

	(void)state;
	begin_without_listing(&liar, UINT32_MAX);
	assert_int_equal(wire_send(liar.keeper_fd, &answer, sizeof(answer),
		-1), 0);
	assert_int_equal(mailbox_commit(&liar.box, &answer), 0);
	assert_int_equal(wire_receive(liar.keeper_fd, WIRE_AUTH, &auth,
		sizeof(auth), NULL), 0);
	assert_int_equal(wire_receive(liar.keeper_fd, WIRE_COMMIT, &request,
		sizeof(request), NULL), 0);
	assert_memory_equal(&request, &wanted, sizeof(request));
	end(&liar);
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
	expect_no_login(&answer, STDIN_FILENO);
	answer.image_bytes = 1;
	expect_no_login(&answer, -1);
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

/* Answer AUTH with IN_USE, by this holder; it must be told as 'expected'. */
static void expect_holder(const char *holder, int64_t since_s,
	const char *expected)
{
	struct wire_login answer = {
		.kind = WIRE_AUTH, .status = WIRE_LOGIN_IN_USE,
		.holder_since_s = since_s,
	};
	struct liar liar;

	memset(answer.holder, 'a', sizeof(answer.holder));
	memcpy(answer.holder, holder, strlen(holder));
	if (strlen(holder) < sizeof(answer.holder))
		answer.holder[strlen(holder)] = '\0';
	begin(&liar);
	assert_int_equal(wire_send(liar.keeper_fd, &answer, sizeof(answer),
		-1), 0);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_IN_USE);
	assert_string_equal(liar.box.holder, expected);
	assert_int_equal(liar.box.holder_since_s,
		*expected != '\0' ? since_s : 0);
	end(&liar);
}

static void only_an_address_and_a_time_are_told(void **state)
{
	char endless[WIRE_ADDRESS_BYTES + 1];
	int64_t now_s = time(NULL);

	(void)state;
	expect_holder("192.0.2.7", now_s - 35, "192.0.2.7");
	expect_holder("2001:db8::7", 1, "2001:db8::7");
	expect_holder("", now_s, "");
	expect_holder("x\r\n+OK", now_s, "");
	expect_holder("192.0.2.7 ", now_s, "");
	expect_holder("192.0.2.7", 0, "");
	expect_holder("192.0.2.7", -1, "");
	expect_holder("192.0.2.7", INT64_MIN, "");
	expect_holder("192.0.2.7", INT64_MAX, "");
	expect_holder("192.0.2.7", now_s + 86400, "");
	memset(endless, '1', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	expect_holder(endless, now_s, "");
}

/* Answer HOLD, before it is asked. */
static void answer_hold(struct liar *liar, uint32_t is_lost)
{
	struct wire_held answer = { WIRE_HOLD, is_lost };

	assert_int_equal(wire_send(liar->keeper_fd, &answer, sizeof(answer),
		-1), 0);
}

static int hold(struct liar *liar, bool is_wanted)
{
	return mailbox_hold(&liar->box, is_wanted,
		deadline_now_ms() + LONG_MS);
}

static void a_maildrop_that_is_taken_over_is_never_ours_again(void **state)
{
	struct wire_hold request;
	struct liar liar;

	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	assert_int_equal(wire_receive(liar.keeper_fd, WIRE_AUTH,
		&(struct wire_auth){ 0 }, sizeof(struct wire_auth), NULL), 0);
	for (uint32_t is_wanted = 0; is_wanted < 2; is_wanted++) {
		answer_hold(&liar, 0);
		assert_int_equal(hold(&liar, is_wanted), 0);
		assert_int_equal(wire_receive(liar.keeper_fd, WIRE_HOLD,
			&request, sizeof(request), NULL), 0);
		assert_int_equal(request.is_wanted, is_wanted);
	}
	answer_hold(&liar, 1);
	assert_int_equal(hold(&liar, true), -1);
	assert_int_equal(liar.box.hold, MAILBOX_IS_TAKEN_OVER);
	answer_hold(&liar, 0);
	assert_int_equal(hold(&liar, true), -1);
	assert_int_equal(hold(&liar, false), -1);
	assert_int_equal(liar.box.hold, MAILBOX_IS_TAKEN_OVER);
	mailbox_end(&liar.box);
	assert_int_equal(liar.box.hold, MAILBOX_IS_OURS);
	close(liar.keeper_fd);
}

/* Ask for the maildrop when the keeper has sent 'answer', or is gone. */
static void expect_hold_lost(struct fixture *fixture,
	const struct wire_held *answer, size_t bytes)
{
	struct liar liar;

	begin(&liar);
	answer_listing(&liar, fixture);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	if (bytes > 0)
		assert_int_equal(wire_send(liar.keeper_fd, answer, bytes, -1),
			0);
	else
		assert_int_equal(shutdown(liar.keeper_fd, SHUT_WR), 0);
	assert_int_equal(hold(&liar, true), -1);
	assert_int_equal(liar.box.hold, MAILBOX_IS_LOST);
	end(&liar);
}

static void a_keeper_that_lies_about_the_maildrop_is_lost(void **state)
{
	struct wire_held answer = { WIRE_HOLD, 2 };
	struct liar liar;

	expect_hold_lost(*state, &answer, sizeof(answer));
	answer.is_lost = UINT32_MAX;
	expect_hold_lost(*state, &answer, sizeof(answer));
	answer = (struct wire_held){ WIRE_OPEN, 0 };
	expect_hold_lost(*state, &answer, sizeof(answer));
	answer.kind = WIRE_HOLD;
	expect_hold_lost(*state, &answer, sizeof(answer) - 1);
	expect_hold_lost(*state, &answer, 0);

	/* A silent one is lost when the deadline has passed. */
	begin(&liar);
	answer_listing(&liar, *state);
	assert_int_equal(log_in(&liar), WIRE_LOGIN_GRANTED);
	assert_int_equal(mailbox_hold(&liar.box, false,
		deadline_now_ms() + 20), -1);
	assert_int_equal(liar.box.hold, MAILBOX_IS_LOST);
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
		CASE("a long listing is asked for once, and not for STAT",
			a_long_listing_is_asked_for_once),
		CASE("a listing of other messages than the login told is not "
			"used", a_listing_of_other_messages_is_not_used),
		CASE("a listing that is missing, not sealed or no listing is "
			"not used",
			a_listing_that_is_not_as_it_must_be_is_not_used),
		CASE("a COMMIT without a listing has no marks",
			a_commit_without_a_listing_has_no_marks),
		CASE("only a regular file is a message",
			only_a_regular_file_is_a_message),
		CASE("of a holder only an address and a time are told",
			only_an_address_and_a_time_are_told),
		CASE("a maildrop that is taken over is never ours again",
			a_maildrop_that_is_taken_over_is_never_ours_again),
		CASE("a keeper that lies about the maildrop is lost",
			a_keeper_that_lies_about_the_maildrop_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
