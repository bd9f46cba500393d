/*
 * test_auth_socket.c - lines from a Unix socket, and every way they can fail
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth_socket.h"
#include "deadline.h"
#include "false_dovecot.h"
#include "scratch.h"

#define SOON_MS 100
#define LONG_S 20

static struct auth_socket talk;
static char text[AUTH_SOCKET_OCTETS + 2];

/* Be connected to a server that says 'octets' and no more. */
static pid_t hear(const char *octets, size_t count)
{
	pid_t pid = false_dovecot_start(scratch_path("socket"), octets, count);

	assert_int_equal(auth_socket_open(&talk, scratch_path("socket"),
		deadline_in_s(LONG_S)), 0);
	return pid;
}

static void end(pid_t pid)
{
	auth_socket_close(&talk);
	false_dovecot_stop(pid);
	assert_int_equal(unlink(scratch_path("socket")), 0);
}

static void expect_line(const char *wanted)
{
	const char *line = auth_socket_line(&talk, deadline_in_s(LONG_S));

	assert_non_null(line);
	assert_string_equal(line, wanted);
}

static void expect_error(int wanted)
{
	assert_null(auth_socket_line(&talk, deadline_in_s(LONG_S)));
	assert_int_equal(errno, wanted);
}

static void lines_come_one_by_one_and_then_the_end(void **state)
{
	pid_t pid = hear("a\tb\n\nlast\nhalf", 15);

	(void)state;
	expect_line("a\tb");
	expect_line("");
	expect_line("last");
	expect_error(EPIPE);
	end(pid);
}

static void the_longest_line_fits_and_a_longer_one_does_not(void **state)
{
	pid_t pid;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[AUTH_SOCKET_OCTETS - 1] = '\n';
	pid = hear(text, AUTH_SOCKET_OCTETS);
	text[AUTH_SOCKET_OCTETS - 1] = '\0';
	expect_line(text);
	end(pid);
	memset(text, 'x', sizeof(text));
	text[AUTH_SOCKET_OCTETS] = '\n';
	pid = hear(text, AUTH_SOCKET_OCTETS + 1);
	expect_error(EMSGSIZE);
	end(pid);
}

static void a_nul_in_a_line_is_refused(void **state)
{
	pid_t pid = hear("a\0b\n", 4);

	(void)state;
	expect_error(EBADMSG);
	end(pid);
}

static void a_path_that_is_no_socket_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(auth_socket_open(&talk, scratch_path("missing"),
		deadline_in_s(LONG_S)), -1);
	assert_int_equal(errno, ENOENT);
	scratch_write("file", 0600, "x");
	assert_int_equal(auth_socket_open(&talk, scratch_path("file"),
		deadline_in_s(LONG_S)), -1);
	assert_int_equal(errno, ECONNREFUSED);
	memset(text, 'x', 108);
	text[0] = '/';
	text[108] = '\0';
	assert_false(auth_socket_can_have(text));
	assert_int_equal(auth_socket_open(&talk, text,
		deadline_in_s(LONG_S)), -1);
	assert_int_equal(errno, ENAMETOOLONG);
	text[107] = '\0';
	assert_true(auth_socket_can_have(text));
}

/* Listen, and fill the queue of those that nobody accepts. */
static int listen_and_fill(int waiting[8])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), result = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
		scratch_path("socket"));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
		sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (int i = 0; i < 8; i++) {
		waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK |
			SOCK_CLOEXEC, 0);
		result = connect(waiting[i], (const struct sockaddr *)&address,
			sizeof(address));
	}
	assert_int_equal(result, -1);
	assert_int_equal(errno, EAGAIN);
	return fd;
}

static void a_server_that_accepts_nobody_ends_in_time(void **state)
{
	int waiting[8], fd = listen_and_fill(waiting);

	(void)state;
	assert_int_equal(auth_socket_open(&talk, scratch_path("socket"),
		deadline_now_ms() + SOON_MS), -1);
	assert_int_equal(errno, ETIMEDOUT);
	for (int i = 0; i < 8; i++)
		close(waiting[i]);
	close(fd);
}

/* A pair stands in for a connection, so that this end says and reads nothing.*/
static int be_connected(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	talk = (struct auth_socket){ .fd = pair[0] };
	return pair[1];
}

static void silence_ends_in_time_also_within_a_line(void **state)
{
	int fd = be_connected();

	(void)state;
	assert_null(auth_socket_line(&talk, deadline_now_ms() + SOON_MS));
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(write(fd, "half", 4), 4);
	assert_null(auth_socket_line(&talk, deadline_now_ms() + SOON_MS));
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(write(fd, " a line\n", 8), 8);
	expect_line("half a line");
	close(fd);
	auth_socket_close(&talk);
}

static void who_does_not_read_ends_in_time_and_who_is_gone_at_once(
	void **state)
{
	int fd = be_connected(), result = 0;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 10000 && result == 0; i++)
		result = auth_socket_send(&talk, text,
			deadline_now_ms() + SOON_MS);
	assert_int_equal(result, -1);
	assert_int_equal(errno, ETIMEDOUT);
	close(fd);
	assert_int_equal(auth_socket_send(&talk, "x", deadline_in_s(LONG_S)),
		-1);
	assert_int_equal(errno, EPIPE);
	auth_socket_close(&talk);
}

static void nothing_that_was_heard_stays_in_memory(void **state)
{
	static const char none[AUTH_SOCKET_OCTETS];
	pid_t pid = hear("secret\n", 7);

	(void)state;
	expect_line("secret");
	end(pid);
	assert_memory_equal(talk.octets, none, sizeof(none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("lines come one by one, and half a line is none",
			lines_come_one_by_one_and_then_the_end),
		SCRATCH_CASE("a line of 16384 octets fits, a longer one does "
			"not",
			the_longest_line_fits_and_a_longer_one_does_not),
		SCRATCH_CASE("a NUL in a line is refused",
			a_nul_in_a_line_is_refused),
		SCRATCH_CASE("a path that is no socket, or too long, is an "
			"error", a_path_that_is_no_socket_is_an_error),
		SCRATCH_CASE("a server that accepts nobody ends in time",
			a_server_that_accepts_nobody_ends_in_time),
		SCRATCH_CASE("silence ends in time, also within a line",
			silence_ends_in_time_also_within_a_line),
		SCRATCH_CASE("who does not read ends in time, who is gone at "
			"once",
			who_does_not_read_ends_in_time_and_who_is_gone_at_once),
		SCRATCH_CASE("nothing that was heard stays in memory",
			nothing_that_was_heard_stays_in_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
