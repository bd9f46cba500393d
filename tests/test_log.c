/*
 * test_log.c - what reaches standard error, octet by octet
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"
#include "scratch.h"

#define TEXT_BYTES_MAX 1023

static char heard[4096];
static int saved_stderr = -1, ends[2];

/* From here on, standard error is a pipe; restore() ends that and reads it. */
static void redirect(void)
{
	fflush(stderr);
	assert_int_equal(pipe(ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	close(ends[1]);
}

static const char *restore(void)
{
	size_t used = 0;
	ssize_t got = 1;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	while (got > 0 && used < sizeof(heard) - 1) {
		got = read(ends[0], heard + used, sizeof(heard) - 1 - used);
		if (got > 0)
			used += (size_t)got;
	}
	close(ends[0]);
	heard[used] = '\0';
	return heard;
}

static void before_the_first_open_messages_go_to_standard_error(void **state)
{
	(void)state;
	redirect();
	log_warning("early");
	assert_string_equal(restore(), "postern: warning: early\n");
}

static void each_level_has_its_word_and_info_has_none(void **state)
{
	(void)state;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_DEBUG);
	redirect();
	log_error("a %d", 1);
	log_warning("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(restore(), "postern: error: a 1\n"
		"postern: warning: b\npostern: c\npostern: debug: d\n");
}

static void messages_above_the_level_are_left_out(void **state)
{
	(void)state;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_WARNING);
	redirect();
	log_info("no");
	log_debug("no");
	log_warning("yes");
	assert_string_equal(restore(), "postern: warning: yes\n");
}

static void the_journal_gets_the_priority_in_front(void **state)
{
	(void)state;
	log_open(LOG_TARGET_JOURNAL, LOG_LEVEL_DEBUG);
	redirect();
	log_error("a");
	log_warning("b");
	log_info("c");
	log_debug("d");
	assert_string_equal(restore(), "<3>a\n<4>b\n<6>c\n<7>d\n");
}

static void no_octet_outside_printable_ascii_is_written(void **state)
{
	(void)state;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	redirect();
	log_info("%s", "a\nb\r\033[1m\x7f\\\t \xc3\xa9~");
	assert_string_equal(restore(), "postern: a\\x0ab\\x0d\\x1b[1m\\x7f\\x5c"
		"\\x09 \\xc3\\xa9~\n");
}

static void a_text_of_the_longest_kind_is_written_whole(void **state)
{
	char text[TEXT_BYTES_MAX + 1], expected[TEXT_BYTES_MAX + 32];

	(void)state;
	memset(text, 'x', TEXT_BYTES_MAX);
	text[TEXT_BYTES_MAX] = '\0';
	snprintf(expected, sizeof(expected), "postern: %s\n", text);
	redirect();
	log_info("%s", text);
	assert_string_equal(restore(), expected);
}

static void a_longer_text_is_cut_and_ends_in_dots(void **state)
{
	char text[TEXT_BYTES_MAX + 2];
	const char *line;

	(void)state;
	memset(text, 'x', TEXT_BYTES_MAX + 1);
	text[TEXT_BYTES_MAX + 1] = '\0';
	redirect();
	log_info("%s", text);
	line = restore();
	assert_int_equal(strlen(line), strlen("postern: \n") + TEXT_BYTES_MAX);
	assert_string_equal(line + strlen(line) - 5, "x...\n");
}

static void no_escape_is_cut_in_two(void **state)
{
	char text[TEXT_BYTES_MAX];

	(void)state;
	for (size_t shift = 0; shift < 4; shift++) {
		const char *line, *tail;

		memset(text, '\n', sizeof(text) - 1);
		memset(text, 'x', shift);
		text[sizeof(text) - 1] = '\0';
		redirect();
		log_info("%s", text);
		line = restore();
		tail = line + strlen(line) - 8;
		assert_string_equal(tail, "\\x0a...\n");
		assert_true(strlen(line) <= TEXT_BYTES_MAX + 10);
	}
}

static void errno_stays_what_it_was(void **state)
{
	(void)state;
	redirect();
	errno = ENOTDIR;
	log_info("%m");
	assert_int_equal(errno, ENOTDIR);
	restore();
}

static void auto_is_the_journal_where_standard_error_leads_there(void **state)
{
	struct stat status;
	char stream[64];

	(void)state;
	redirect();
	assert_int_equal(fstat(STDERR_FILENO, &status), 0);
	snprintf(stream, sizeof(stream), "%" PRIuMAX ":%" PRIuMAX,
		(uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_open(LOG_TARGET_AUTO, LOG_LEVEL_INFO);
	log_info("a");
	assert_string_equal(restore(), "<6>a\n");
}

static void auto_ignores_a_journal_stream_of_another_process(void **state)
{
	(void)state;
	setenv("JOURNAL_STREAM", "0:0", 1);
	redirect();
	log_open(LOG_TARGET_AUTO, LOG_LEVEL_INFO);
	log_info("this line of test_log is for syslog");
	log_forked();
	log_info("this line of test_log, too");
	/* Where there is no syslog, it is standard error. */
	assert_string_equal(restore(), access(_PATH_LOG, W_OK) == 0 ? "" :
		"postern: this line of test_log is for syslog\n"
		"postern: this line of test_log, too\n");
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
}

static void syslog_holds_no_descriptor_after_log_forked(void **state)
{
	int before = dup(STDIN_FILENO), after;

	(void)state;
	close(before);
	log_open(LOG_TARGET_SYSLOG, LOG_LEVEL_INFO);
	log_forked();
	after = dup(STDIN_FILENO);
	close(after);
	assert_int_equal(after, before);
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
}

static void a_bug_names_its_place_and_aborts(void **state)
{
	int status;
	pid_t child;

	(void)state;
	redirect();
	child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		log_bug("file.c", 7, "sky has fallen");
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_string_equal(restore(),
		"postern: error: bug: file.c:7: sky has fallen\n");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void what_is_kept_is_whole_lines_of_warnings_and_errors(void **state)
{
	char kept[40];

	(void)state;
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	redirect();
	log_keep(kept, sizeof(kept));
	log_info("not this");
	log_warning("one\n");
	log_error("two");
	assert_string_equal(kept, "warning: one\\x0a\nerror: two\n");
	log_error("this is too long");
	assert_string_equal(kept, "warning: one\\x0a\nerror: two\n");
	log_error("3");
	assert_string_equal(kept, "warning: one\\x0a\nerror: two\nerror: 3\n");
	log_keep(NULL, 0);
	log_error("4");
	assert_string_equal(kept, "warning: one\\x0a\nerror: two\nerror: 3\n");
	assert_string_equal(restore(), "postern: error: two\n"
		"postern: error: this is too long\npostern: error: 3\n"
		"postern: error: 4\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_CASE("before the first open messages go to standard "
			"error",
			before_the_first_open_messages_go_to_standard_error),
		PLAIN_CASE("each level has its word and info has none",
			each_level_has_its_word_and_info_has_none),
		PLAIN_CASE("messages above the level are left out",
			messages_above_the_level_are_left_out),
		PLAIN_CASE("the journal gets the priority in front",
			the_journal_gets_the_priority_in_front),
		PLAIN_CASE("no octet outside printable ascii is written",
			no_octet_outside_printable_ascii_is_written),
		PLAIN_CASE("a text of the longest kind is written whole",
			a_text_of_the_longest_kind_is_written_whole),
		PLAIN_CASE("a longer text is cut and ends in dots",
			a_longer_text_is_cut_and_ends_in_dots),
		PLAIN_CASE("no escape is cut in two",
			no_escape_is_cut_in_two),
		PLAIN_CASE("errno stays what it was",
			errno_stays_what_it_was),
		PLAIN_CASE("auto is the journal where standard error leads "
			"there",
			auto_is_the_journal_where_standard_error_leads_there),
		PLAIN_CASE("auto ignores a journal stream of another process",
			auto_ignores_a_journal_stream_of_another_process),
		PLAIN_CASE("syslog holds no descriptor after log forked",
			syslog_holds_no_descriptor_after_log_forked),
		PLAIN_CASE("what is kept is whole lines of warnings and errors",
			what_is_kept_is_whole_lines_of_warnings_and_errors),
		PLAIN_CASE("a bug names its place and aborts",
			a_bug_names_its_place_and_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
