/*
 * test_wire.c - the messages between our processes
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "deadline.h"
#include "wire.h"

struct pair {
	int ours, theirs;
};

static struct pair make_pair(void)
{
	int fds[2];

	assert_int_equal(wire_pair(fds), 0);
	return (struct pair){ .ours = fds[0], .theirs = fds[1] };
}

static void end_pair(struct pair pair)
{
	close(pair.ours);
	close(pair.theirs);
}

/* How many descriptors this process has. */
static int count_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Send 'bytes' bytes with 'count' copies of standard input. */
static void send_with_fds(int fd, const void *record, size_t bytes,
	size_t count)
{
	union {
		struct cmsghdr align;
		char octets[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec part = { (void *)record, bytes };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};

	memset(&control, 0, sizeof(control));
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memset(CMSG_DATA(header) + i * sizeof(int), 0, sizeof(int));
	assert_int_equal(sendmsg(fd, &message, 0), (ssize_t)bytes);
}

static void a_record_arrives_as_it_was_sent(void **state)
{
	struct pair pair = make_pair();
	struct wire_open sent = { WIRE_OPEN, 12345 }, got;

	(void)state;
	assert_int_equal(wire_send(pair.ours, &sent, sizeof(sent), -1), 0);
	assert_int_equal(wire_receive(pair.theirs, WIRE_OPEN, &got,
		sizeof(got), NULL), 0);
	assert_int_equal(got.idx, 12345);
	end_pair(pair);
}

static void a_descriptor_arrives_and_closes_on_exec(void **state)
{
	struct pair pair = make_pair();
	struct wire_plain record = { WIRE_SIGNER };
	struct stat sent, got;
	int fd;

	(void)state;
	assert_int_equal(wire_send(pair.ours, &record, sizeof(record),
		pair.ours), 0);
	assert_int_equal(wire_receive(pair.theirs, WIRE_SIGNER, &record,
		sizeof(record), &fd), 0);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(pair.ours, &sent), 0);
	assert_int_equal(fstat(fd, &got), 0);
	assert_int_equal(sent.st_ino, got.st_ino);
	close(fd);
	end_pair(pair);
}

static void expect_refused(const void *record, size_t bytes)
{
	struct pair pair = make_pair();
	struct wire_open got;

	assert_int_equal(send(pair.ours, record, bytes, 0), (ssize_t)bytes);
	assert_int_equal(wire_receive(pair.theirs, WIRE_OPEN, &got,
		sizeof(got), NULL), -1);
	assert_int_equal(errno, EBADMSG);
	end_pair(pair);
}

static void a_record_of_another_kind_or_length_is_refused(void **state)
{
	struct wire_open wrong_kind = { WIRE_COMMIT, 0 };
	char octets[64] = { WIRE_OPEN };

	(void)state;
	expect_refused(&wrong_kind, sizeof(wrong_kind));
	for (size_t bytes = 1; bytes < sizeof(octets); bytes++)
		if (bytes != sizeof(struct wire_open))
			expect_refused(octets, bytes);
}

static void descriptors_that_nobody_wants_are_closed(void **state)
{
	struct pair pair = make_pair();
	struct wire_open record = { WIRE_OPEN, 0 };
	int before = count_fds(), fd;

	(void)state;
	for (size_t count = 1; count <= 8; count++) {
		send_with_fds(pair.ours, &record, sizeof(record), count);
		assert_int_equal(wire_receive(pair.theirs, WIRE_OPEN, &record,
			sizeof(record), NULL), -1);
		assert_int_equal(errno, EBADMSG);
		assert_int_equal(count_fds(), before);
	}
	send_with_fds(pair.ours, &record, sizeof(record), 2);
	assert_int_equal(wire_receive(pair.theirs, WIRE_OPEN, &record,
		sizeof(record), &fd), -1);
	assert_int_equal(fd, -1);
	send_with_fds(pair.ours, &record, sizeof(record), 3);
	assert_int_equal(wire_receive_any(pair.theirs, &record,
		sizeof(record)), -1);
	assert_int_equal(count_fds(), before);
	end_pair(pair);
}

static void an_empty_record_leaks_no_descriptor(void **state)
{
	struct pair pair = make_pair();
	struct wire_open record;
	int before = count_fds(), fd;

	(void)state;
	send_with_fds(pair.ours, "", 0, 8);
	assert_int_equal(wire_receive(pair.theirs, WIRE_OPEN, &record,
		sizeof(record), &fd), -1);
	assert_int_equal(errno, EBADMSG);
	send_with_fds(pair.ours, "", 0, 1);
	assert_int_equal(wire_receive_any(pair.theirs, &record,
		sizeof(record)), -1);
	assert_int_equal(count_fds(), before);
	end_pair(pair);
}

static void a_peer_that_is_gone_is_epipe(void **state)
{
	struct pair pair = make_pair();
	struct wire_open record = { WIRE_OPEN, 0 };

	(void)state;
	close(pair.theirs);
	assert_int_equal(wire_receive(pair.ours, WIRE_OPEN, &record,
		sizeof(record), NULL), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(wire_send(pair.ours, &record, sizeof(record), -1),
		-1);
	assert_int_equal(errno, EPIPE);
	close(pair.ours);
}

static void a_wait_ends_with_its_deadline(void **state)
{
	struct pair pair = make_pair();

	(void)state;
	assert_int_equal(wire_wait(pair.ours, deadline_now_ms() + 20), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(wire_wait(pair.ours, 0), -1);
	end_pair(pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_arrives_as_it_was_sent),
		cmocka_unit_test(a_descriptor_arrives_and_closes_on_exec),
		cmocka_unit_test(
			a_record_of_another_kind_or_length_is_refused),
		cmocka_unit_test(descriptors_that_nobody_wants_are_closed),
		cmocka_unit_test(an_empty_record_leaks_no_descriptor),
		cmocka_unit_test(a_peer_that_is_gone_is_epipe),
		cmocka_unit_test(a_wait_ends_with_its_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
