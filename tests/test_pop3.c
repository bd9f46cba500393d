/*
 * test_pop3.c - one reply as it leaves: never too long, never half a character
 */
#include "config.h"

#include "pop3.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "deadline.h"

/* RFC 2449 section 4. */
#define MOST_OCTETS 512
#define TEXT_OCTETS 1024

/* A session's end of a connection, and the client's. */
struct talk {
	int client_fd;
	struct session session;
	struct stream_buffers buffers;
	char reply[TEXT_OCTETS * 2];
};

static void begin(struct talk *talk)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
		fds), 0);
	assert_true(fcntl(fds[0], F_SETFL, O_NONBLOCK) >= 0);
	memset(talk, 0, sizeof(*talk));
	talk->client_fd = fds[1];
	stream_begin(&talk->session.stream, fds[0], &talk->buffers);
	stream_set_deadline(&talk->session.stream, deadline_in_s(30));
}

static void end(struct talk *talk)
{
	close(talk->session.stream.fd);
	close(talk->client_fd);
}

/* Reply with 'text'; return how many octets the client got. */
static size_t reply(struct talk *talk, const char *text)
{
	ssize_t count;

	pop3_err(&talk->session, "%s", text);
	assert_int_equal(stream_flush(&talk->session.stream), 0);
	count = read(talk->client_fd, talk->reply, sizeof(talk->reply));
	assert_true(count > 7);
	return (size_t)count;
}

/* Expect as much of 'text' as fits, but no part of a character. */
static void expect(const char *text, size_t character_octets)
{
	struct talk talk;

	begin(&talk);
	size_t count = reply(&talk, text);
	assert_true(count <= MOST_OCTETS);
	assert_true(strlen(text) < MOST_OCTETS || count > MOST_OCTETS - 8);
	assert_memory_equal(talk.reply, "-ERR ", 5);
	assert_memory_equal(talk.reply + 5, text, count - 7);
	assert_memory_equal(talk.reply + count - 2, "\r\n", 2);
	assert_int_equal((count - 7 - strspn(text, "x")) % character_octets,
		0);
	end(&talk);
}

/* Text of 'character' only, behind 0 to 4 octets of ASCII. */
static void expect_whole(const char *character)
{
	size_t octets = strlen(character);

	for (size_t ascii = 0; ascii <= 4; ascii++) {
		char text[TEXT_OCTETS] = "xxxx";
		size_t count = ascii;

		while (count + octets < 700) {
			memcpy(text + count, character, octets);
			count += octets;
		}
		text[count] = '\0';
		expect(text, octets);
	}
}

static void characters_stay_whole(void **state)
{
	(void)state;
	expect_whole("a");
	expect_whole("ы");
	expect_whole("件");
	expect_whole("\xf0\x9f\x93\xac");
}

static void text_that_fits_is_not_cut(void **state)
{
	char text[TEXT_OCTETS];
	struct talk talk;

	(void)state;
	for (size_t count = 1; count <= MOST_OCTETS - 7; count++) {
		memset(text, 'x', count);
		text[count] = '\0';
		begin(&talk);
		assert_int_equal(reply(&talk, text), count + 7);
		end(&talk);
	}
}

/* ISO 8859-1, and what is nothing at all. */
static void other_octets_are_cut_anywhere(void **state)
{
	char text[TEXT_OCTETS];
	struct talk talk;

	(void)state;
	for (int octet = 0x80; octet <= 0xff; octet++) {
		memset(text, octet, 700);
		text[700] = '\0';
		begin(&talk);
		size_t count = reply(&talk, text);
		assert_true(count <= MOST_OCTETS);
		assert_true(count >= MOST_OCTETS - 3);
		end(&talk);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_stay_whole),
		cmocka_unit_test(text_that_fits_is_not_cut),
		cmocka_unit_test(other_octets_are_cut_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
