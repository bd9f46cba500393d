/*
 * test_stream.c - what is done when a client is silent, over real TCP
 */
#include "config.h"

#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "deadline.h"

#define MOST_TOLD 16

/* A client, a stream, and what its watch was told. */
struct line {
	int client_fd;
	struct stream stream;
	struct stream_buffers buffers;
	bool told[MOST_TOLD];
	size_t told_count;
	size_t over_at;			/* the watch says it is over */
	const char *said;		/* by the client, when it is silent */
	size_t read_at;			/* the client reads then */
	uint64_t sent_when_told;
};

static void drain(struct line *line)
{
	char octets[65536];

	while (recv(line->client_fd, octets, sizeof(octets),
			MSG_DONTWAIT) > 0)
		;
}

/* The watch: note what is told, and let the client act. */
static int tell(void *context, bool is_silent)
{
	struct line *line = context;

	assert_true(line->told_count < MOST_TOLD);
	line->told[line->told_count++] = is_silent;
	line->sent_when_told = line->stream.octets_sent;
	if (is_silent && line->said != NULL) {
		assert_int_equal(write(line->client_fd, line->said, 1), 1);
		line->said++;
		if (*line->said == '\0')
			line->said = NULL;
	}
	if (line->told_count == line->read_at)
		drain(line);
	return line->told_count == line->over_at ? -1 : 0;
}

static void begin(struct line *line, uint32_t after_s, uint32_t again_s)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) },
	};
	socklen_t bytes = sizeof(address);
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(line, 0, sizeof(*line));
	assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, bytes),
		0);
	assert_int_equal(listen(listen_fd, 1), 0);
	assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address,
		&bytes), 0);
	line->client_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(line->client_fd,
		(struct sockaddr *)&address, bytes), 0);
	int fd = accept(listen_fd, NULL, NULL);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	close(listen_fd);
	stream_begin(&line->stream, fd, &line->buffers);
	stream_watch(&line->stream, &(struct stream_watch){
		.after_s = after_s, .again_s = again_s,
		.tell = tell, .context = line,
	});
	stream_set_deadline(&line->stream, deadline_in_s(60));
}

static void end(struct line *line)
{
	stream_end(&line->stream, false);
	close(line->stream.fd);
	close(line->client_fd);
}

static void assert_told(const struct line *line, const char *expected)
{
	char told[MOST_TOLD + 1] = "";

	for (size_t i = 0; i < line->told_count; i++)
		told[i] = line->told[i] ? 's' : 'h';
	assert_string_equal(told, expected);
}

static void a_silent_client_is_told_until_it_is_heard(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	line.said = "x";
	assert_int_equal(stream_fill(&line.stream), 0);
	assert_int_equal(stream_count(&line.stream), 1);
	assert_told(&line, "sh");
	end(&line);
}

static void a_client_that_talks_is_never_told(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(write(line.client_fd, "x", 1), 1);
		assert_int_equal(stream_fill(&line.stream), 0);
		stream_take(&line.stream, 1);
	}
	assert_told(&line, "");
	end(&line);
}

static void without_a_time_nothing_is_told(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 0, 0);
	stream_set_deadline(&line.stream, deadline_now_ms() + 1200);
	assert_int_equal(stream_fill(&line.stream), -1);
	assert_int_equal(line.stream.failure, STREAM_TIMED_OUT);
	assert_told(&line, "");
	end(&line);
}

static void silence_does_not_move_the_deadline(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	int64_t deadline_ms = deadline_now_ms() + 2500;
	stream_set_deadline(&line.stream, deadline_ms);
	assert_int_equal(stream_fill(&line.stream), -1);
	assert_true(deadline_has_passed(deadline_ms));
	assert_int_equal(line.stream.failure, STREAM_TIMED_OUT);
	assert_told(&line, "ss");
	end(&line);
}

static void a_watch_that_says_over_ends_the_wait(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	line.over_at = 2;
	assert_int_equal(stream_fill(&line.stream), -1);
	assert_int_equal(line.stream.failure, STREAM_REVOKED);
	assert_told(&line, "ss");
	assert_int_equal(stream_write(&line.stream, "x", 1), -1);
	end(&line);
}

static void what_the_client_says_too_late_is_handed_out(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	line.said = "x";
	line.over_at = 2;
	assert_int_equal(stream_fill(&line.stream), 0);
	assert_told(&line, "sh");
	/* So that it can be told. */
	assert_int_equal(line.stream.failure, STREAM_GOOD);
	assert_int_equal(stream_write(&line.stream, "-ERR\r\n", 6), 0);
	assert_int_equal(stream_flush(&line.stream), 0);
	end(&line);
}

/* Write until the watch is told 'count' times, or it is over. */
static int write_until_told(struct line *line, size_t count)
{
	static const char octets[65536];

	while (line->told_count < count)
		if (stream_write(&line->stream, octets, sizeof(octets)) < 0)
			return -1;
	return 0;
}

static void who_does_not_read_is_silent_until_he_does(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	line.read_at = 1;
	assert_int_equal(write_until_told(&line, 2), 0);
	assert_told(&line, "sh");
	end(&line);
}

static void nothing_is_sent_to_who_reads_too_late(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	line.read_at = 1;
	line.over_at = 2;
	assert_int_equal(write_until_told(&line, 3), -1);
	assert_told(&line, "sh");
	assert_int_equal(line.stream.failure, STREAM_REVOKED);
	assert_true(line.sent_when_told > 0);
	assert_int_equal(line.stream.octets_sent, line.sent_when_told);
	end(&line);
}

static void a_receipt_is_no_second_sign_of_life(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 1, 1);
	/* The client's system confirms this at once, before anybody reads. */
	assert_int_equal(stream_write(&line.stream, "+OK\r\n", 5), 0);
	stream_set_deadline(&line.stream, deadline_now_ms() + 1900);
	assert_int_equal(stream_fill(&line.stream), -1);
	assert_int_equal(line.stream.failure, STREAM_TIMED_OUT);
	assert_told(&line, "s");
	end(&line);
}

/* The meter: note what it was told, and let the client speak. */
static void measured(void *context)
{
	struct line *line = context;

	assert_true(line->told_count < MOST_TOLD);
	line->told[line->told_count++] = false;
	line->sent_when_told = line->stream.octets_sent;
	assert_int_equal(write(line->client_fd, "x", 1), 1);
}

static void a_meter_is_told_a_while_after_octets_were_sent(void **state)
{
	struct line line;
	int64_t began_ms = deadline_now_ms();

	(void)state;
	begin(&line, 0, 0);
	stream_measure(&line.stream, measured, &line);
	for (unsigned int i = 1; i <= 2; i++) {
		assert_int_equal(stream_write(&line.stream, "+OK\r\n", 5), 0);
		/* Nobody speaks before the meter was told. */
		assert_int_equal(stream_fill(&line.stream), 0);
		stream_take(&line.stream, stream_count(&line.stream));
		assert_int_equal(line.told_count, i);
		assert_int_equal(line.sent_when_told, 5 * i);
	}
	assert_true(deadline_now_ms() - began_ms >= 2000);
	end(&line);
}

static void a_meter_is_not_told_if_nothing_was_sent(void **state)
{
	struct line line;

	(void)state;
	begin(&line, 0, 0);
	stream_measure(&line.stream, measured, &line);
	stream_set_deadline(&line.stream, deadline_now_ms() + 1500);
	assert_int_equal(stream_fill(&line.stream), -1);
	assert_int_equal(line.stream.failure, STREAM_TIMED_OUT);
	assert_told(&line, "");
	end(&line);
}

#define CASE(sentence, function) { sentence, function, NULL, NULL, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("silence is told, and that the client is heard again",
			a_silent_client_is_told_until_it_is_heard),
		CASE("a client that talks is never silent",
			a_client_that_talks_is_never_told),
		CASE("with 0 seconds nothing is ever told",
			without_a_time_nothing_is_told),
		CASE("silence is told again, and moves no deadline",
			silence_does_not_move_the_deadline),
		CASE("a watch that says it is over ends the wait",
			a_watch_that_says_over_ends_the_wait),
		CASE("what the client says too late can be answered",
			what_the_client_says_too_late_is_handed_out),
		CASE("who does not read is silent until he does",
			who_does_not_read_is_silent_until_he_does),
		CASE("no octet is sent to who reads too late",
			nothing_is_sent_to_who_reads_too_late),
		CASE("the receipt of a reply is no second sign of life",
			a_receipt_is_no_second_sign_of_life),
		CASE("a meter is told once, a while after octets were sent",
			a_meter_is_told_a_while_after_octets_were_sent),
		CASE("a meter is not told if nothing was sent",
			a_meter_is_not_told_if_nothing_was_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
