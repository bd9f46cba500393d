/*
 * test_renewal.c - what gets old, by a clock that the test sets
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "authority.h"
#include "confine.h"
#include "deadline.h"
#include "renewal.h"
#include "scratch.h"

struct house {
	struct generation generation;
	struct renewal renewal;
	struct pool pool;
	int root_fd;
};

/* Begin with a certificate that has 'valid_s' left. */
static void begin(struct house *house, long valid_s)
{
	char text[1024];

	authority_make(&(struct wanted_certificate){ .stem = "server",
		.common_names = { "localhost" }, .valid_s = valid_s });
	snprintf(text, sizeof(text), "user = nobody signer-user = daemon "
		"tls { certificate = \"%s\" key = \"%s\" }\n"
		"mailbox { path = \"%s\" }\nlog { target = stderr }\n",
		scratch_path("server.cert.pem"),
		scratch_path("server.key.pem"), scratch_path("Maildir"));
	scratch_write("postern.conf", 0600, text);
	struct settings *settings = settings_load(
		scratch_path("postern.conf"), stderr);
	assert_non_null(settings);
	*house = (struct house){ .root_fd = confine_empty_directory() };
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_DEBUG);
	assert_int_equal(generation_begin(&house->generation, settings,
		house->root_fd), 0);
	renewal_begin(&house->renewal, &house->generation);
}

static void end(struct house *house)
{
	generation_end(&house->generation);
	pool_free(&house->pool);
	while (waitpid(-1, NULL, 0) > 0)
		;
	close(house->root_fd);
}

/* Let the time of the next look have come. */
static void serve(struct house *house)
{
	house->renewal.look_ms = deadline_now_ms();
	renewal_serve(&house->renewal, &house->generation, &house->pool,
		house->root_fd);
}

/* How often 'words' stand in the log. */
static int count_of(const char *words)
{
	const char *text = scratch_errors();
	int count = 0;

	while ((text = strstr(text, words)) != NULL) {
		text += strlen(words);
		count++;
	}
	return count;
}

static void a_certificate_near_its_end_is_told_each_day(void **state)
{
	struct house house;

	(void)state;
	begin(&house, 3 * 86400L);
	assert_int_equal(count_of("it expires in"), 1);
	serve(&house);
	assert_int_equal(count_of("it expires in"), 1);
	for (int day = 2; day <= 3; day++) {
		assert_true(house.renewal.warn_ms - deadline_now_ms() >
			86400L * 1000 - 60000);
		house.renewal.warn_ms = deadline_now_ms();
		serve(&house);
		serve(&house);
		assert_int_equal(count_of("it expires in"), day);
	}
	end(&house);
}

static void the_ticket_key_is_replaced_once_a_day(void **state)
{
	struct house house;

	(void)state;
	begin(&house, 90 * 86400L);
	serve(&house);
	assert_int_equal(count_of("session tickets are replaced"), 0);
	assert_true(house.renewal.tickets_ms - deadline_now_ms() >
		86400L * 1000 - 60000);
	house.renewal.tickets_ms = deadline_now_ms();
	serve(&house);
	serve(&house);
	assert_int_equal(count_of("session tickets are replaced"), 1);
	end(&house);
}

static void nothing_is_tried_before_files_are_at_rest(void **state)
{
	struct house house;
	uint64_t stamp;

	(void)state;
	begin(&house, 90 * 86400L);
	stamp = house.generation.file_stamp;
	scratch_write("server.key.pem", 0600, "half");
	serve(&house);
	scratch_write("server.key.pem", 0600, "half a key");
	serve(&house);
	assert_int_equal(count_of("refused"), 0);
	serve(&house);
	assert_int_equal(count_of("are refused"), 1);
	serve(&house);
	assert_int_equal(count_of("are refused"), 1);
	assert_true(house.generation.file_stamp == stamp);
	assert_true(house.generation.signer_fd >= 0);

	authority_make(&(struct wanted_certificate){ .stem = "server",
		.common_names = { "localhost" }, .valid_s = 90 * 86400L });
	serve(&house);
	assert_int_equal(count_of("certificates renewed"), 0);
	serve(&house);
	assert_int_equal(count_of("certificates renewed"), 1);
	assert_true(house.generation.file_stamp != stamp);
	end(&house);
}

static void what_was_refused_is_tried_again_each_day(void **state)
{
	struct house house;

	(void)state;
	begin(&house, 90 * 86400L);
	scratch_write("server.key.pem", 0600, "no key");
	for (int look = 0; look < 4; look++)
		serve(&house);
	assert_int_equal(count_of("are refused"), 1);
	house.renewal.warn_ms = deadline_now_ms();
	serve(&house);
	serve(&house);
	assert_int_equal(count_of("are refused"), 2);
	end(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("a certificate near its end is told each day",
			a_certificate_near_its_end_is_told_each_day),
		SCRATCH_CASE("the key of tickets is replaced once a day",
			the_ticket_key_is_replaced_once_a_day),
		SCRATCH_CASE("nothing is tried before files are at rest",
			nothing_is_tried_before_files_are_at_rest),
		SCRATCH_CASE("what was refused is tried again each day",
			what_was_refused_is_tried_again_each_day),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
