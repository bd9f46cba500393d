/*
 * test_auth_program.c - real checkpassword programs, good and bad ones
 *
 * postern-reply is looked for beside this test, where a link leads to the one
 * in $top_builddir.  Under root the programs become uid and gid 65534 by
 * setpriv(1), as nobody may be granted uid 0.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth_program.h"
#include "reply_program.h"
#include "scratch.h"

#define SETPRIV "/usr/bin/setpriv"
#define OTHER_ID 65534
#define SCRIPT_BYTES 2048
#define DEATH_MS 10000
#define TIMESTAMP_DIGITS 10

static struct auth_identity identity;
static char output[4096];

static enum auth_result run_command(char *const command[], const char *name,
	const char *password)
{
	static char backend_name[] = "test";
	struct backend_settings backend = { .name = backend_name,
		.type = BACKEND_PROGRAM, .timeout_s = 60 };
	const struct auth_attempt attempt = { .name = name,
		.password = password, .address = "192.0.2.7" };

	backend.command = (char **)(uintptr_t)command;
	if (strcmp(password, "hang") == 0)
		backend.timeout_s = 1;
	memset(&identity, 0, sizeof(identity));
	snprintf(identity.name, sizeof(identity.name), "%s", name);
	return auth_program_check(&backend, &attempt, &identity);
}

/* Run 'body' by sh with its input taken: $login, $password and $dir are set. */
static enum auth_result run_script(const char *body, const char *name,
	const char *password)
{
	char script[SCRIPT_BYTES], path[SCRATCH_PATH_BYTES];
	char *const command[] = { path, NULL };

	snprintf(script, sizeof(script), "#!/bin/sh\ndir=%s\n"
		"tr '\\000' '\\n' <&3 >$dir/request\n"
		"{ read -r login; read -r password; } <$dir/request\n"
		"as=\"%s\"\n%s\n", scratch_path("."), geteuid() == 0 ?
		SETPRIV " --reuid=65534 --regid=65534 --clear-groups" : "",
		body);
	scratch_write("program", 0755, script);
	snprintf(path, sizeof(path), "%s", scratch_path("program"));
	return run_command(command, name, password);
}

static const char *read_output(const char *name)
{
	FILE *file = fopen(scratch_path(name), "r");
	size_t count;

	assert_non_null(file);
	count = fread(output, 1, sizeof(output) - 1, file);
	output[count] = '\0';
	fclose(file);
	return output;
}

static void expect_logged(const char *text)
{
	if (strstr(scratch_errors(), text) == NULL)
		assert_string_equal(scratch_errors(), text);
}

static bool cannot_become_another(void)
{
	return geteuid() == 0 && access(SETPRIV, X_OK) != 0;
}

#define GRANTS "[ \"$password\" = right ] || exit 1\n" \
	"USER=$login HOME=/home/$login; export USER HOME\nexec $as \"$@\""

static void a_program_that_runs_its_argument_grants(void **state)
{
	(void)state;
	if (cannot_become_another())
		skip();
	assert_int_equal(run_script(GRANTS, "anna", "right"), AUTH_GRANTED);
	assert_string_equal(identity.name, "anna");
	assert_string_equal(identity.home, "/home/anna");
	assert_int_equal(identity.uid, geteuid() == 0 ? OTHER_ID : geteuid());
	assert_int_equal(identity.gid, geteuid() == 0 ? OTHER_ID : getegid());
	assert_false(identity.has_groups);
	assert_string_equal(scratch_errors(), "");
}

static void a_system_user_has_groups(void **state)
{
	const struct passwd *self = getpwuid(geteuid() == 0 ? OTHER_ID :
		geteuid());

	(void)state;
	if (self == NULL || cannot_become_another())
		skip();
	assert_int_equal(run_script(GRANTS, self->pw_name, "right"),
		AUTH_GRANTED);
	assert_true(identity.has_groups);
}

static void exit_1_denies_and_logs_nothing(void **state)
{
	(void)state;
	assert_int_equal(run_script(GRANTS, "anna", "wrong"), AUTH_DENIED);
	assert_string_equal(scratch_errors(), "");
}

static void exit_1_denies_even_after_a_reply(void **state)
{
	(void)state;
	assert_int_equal(run_script("$as \"$@\"; exit 1", "anna", "x"),
		AUTH_DENIED);
}

static void other_exit_codes_are_temporary_and_logged(void **state)
{
	(void)state;
	assert_int_equal(run_script("exit 111", "anna", "x"), AUTH_TEMPORARY);
	expect_logged("could not check: exit code 111");
	assert_int_equal(run_script("exit 2", "anna", "x"), AUTH_TEMPORARY);
	expect_logged("could not check: exit code 2");
	assert_int_equal(run_script("$as \"$@\"; exit 3", "anna", "x"),
		AUTH_TEMPORARY);
	expect_logged("could not check: exit code 3");
}

static void death_by_a_signal_is_temporary_and_logged(void **state)
{
	(void)state;
	assert_int_equal(run_script("kill -9 $$", "anna", "x"),
		AUTH_TEMPORARY);
	expect_logged("died of signal 9");
}

static void success_without_a_reply_is_temporary_and_logged(void **state)
{
	(void)state;
	assert_int_equal(run_script("exit 0", "anna", "x"), AUTH_STUCK);
	expect_logged("its last argument sent no right reply");
}

static void a_wrong_reply_grants_nothing(void **state)
{
	static const char *const wrong[] = {
		"printf x >&4", "printf 'x\\000' >&4",
		"printf 'a\\000/h\\000/x' >&4",
		"printf 'a\\000/h\\000\\000' >&4",
		"printf 'a/b\\000/h\\000' >&4",
		"printf '.a\\000/h\\000' >&4",
		"printf 'a\\000rel\\000' >&4",
		"printf '%0256d\\000\\000' 1 >&4",
		"printf 'a\\000/%04095d\\000' 1 >&4",
		"printf 'a\\000/%09999d\\000' 1 >&4",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(run_script(wrong[i], "anna", "x"),
			AUTH_STUCK);
}

static void without_user_and_home_the_name_stays(void **state)
{
	(void)state;
	if (cannot_become_another())
		skip();
	assert_int_equal(run_script("unset USER HOME; exec $as \"$@\"", "anna",
		"x"), AUTH_GRANTED);
	assert_string_equal(identity.name, "anna");
	assert_string_equal(identity.home, "");
}

static void a_program_that_stays_root_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(run_script("exec \"$@\"", "anna", "x"),
		AUTH_PERMANENT);
	expect_logged("made the user uid 0, gid 0; 0 never gets a mailbox");
}

static void a_program_that_keeps_the_group_of_root_is_refused(void **state)
{
	(void)state;
	if (geteuid() != 0 || cannot_become_another())
		skip();
	assert_int_equal(run_script("exec " SETPRIV " --reuid=65534 "
		"--clear-groups \"$@\"", "anna", "x"), AUTH_PERMANENT);
}

/* All that the program started holds the FIFO open: its end is their end. */
static void a_program_that_hangs_is_killed_with_its_children(void **state)
{
	struct pollfd end = { .events = POLLIN };

	(void)state;
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	end.fd = open(scratch_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(end.fd >= 0);
	assert_int_equal(run_script("exec 9>$dir/fifo\necho x >&9\n"
		"tail -f /dev/null &\ntail -f /dev/null", "anna", "hang"),
		AUTH_TEMPORARY);
	expect_logged("took longer than 1 s: killed");
	assert_int_equal(read(end.fd, output, sizeof(output)), 2);
	assert_int_equal(poll(&end, 1, DEATH_MS), 1);
	assert_int_equal(read(end.fd, output, sizeof(output)), 0);
	close(end.fd);
}

static void a_program_that_hangs_after_its_reply_is_killed(void **state)
{
	(void)state;
	assert_int_equal(run_script("$as \"$@\"; exec 4>&-\n"
		"exec tail -f /dev/null", "anna", "hang"), AUTH_TEMPORARY);
	expect_logged("took longer than 1 s: killed");
}

static void a_program_dies_with_the_keeper(void **state)
{
	struct pollfd end = { .events = POLLIN };
	pid_t keeper;

	(void)state;
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	end.fd = open(scratch_path("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(end.fd >= 0);
	keeper = fork();
	if (keeper == 0) {
		run_script("exec 9>$dir/fifo\necho x >&9\n"
			"exec tail -f /dev/null", "anna", "x");
		_exit(0);
	}
	assert_int_equal(poll(&end, 1, DEATH_MS), 1);
	assert_int_equal(read(end.fd, output, sizeof(output)), 2);
	assert_int_equal(kill(keeper, SIGKILL), 0);
	assert_int_equal(waitpid(keeper, NULL, 0), keeper);
	assert_int_equal(poll(&end, 1, DEATH_MS), 1);
	assert_int_equal(read(end.fd, output, sizeof(output)), 0);
	close(end.fd);
}

static void a_child_left_behind_does_not_delay_a_refusal(void **state)
{
	(void)state;
	assert_int_equal(run_script("tail -f /dev/null & echo $! >$dir/pid\n"
		"exit 1", "anna", "x"), AUTH_DENIED);
	kill((pid_t)atol(read_output("pid")), SIGKILL);
}

static void the_request_is_three_strings_and_no_more(void **state)
{
	char timestamp[16], expected[64];

	(void)state;
	run_script("exit 1", "anna@b", "p w\\d");
	snprintf(timestamp, sizeof(timestamp), "%s",
		strrchr(read_output("request"), '\\') + 3);
	assert_int_equal(strspn(timestamp, "0123456789"), TIMESTAMP_DIGITS);
	snprintf(expected, sizeof(expected), "anna@b\np w\\d\n%s", timestamp);
	assert_string_equal(read_output("request"), expected);
}

static void a_request_of_512_octets_is_sent_and_no_longer_one(void **state)
{
	const size_t room = 512 - 3 - TIMESTAMP_DIGITS - 1;
	char password[512];

	(void)state;
	memset(password, 'p', sizeof(password));
	password[room] = '\0';
	assert_int_equal(run_script("[ ${#password} = 498 ] || exit 111\n"
		"exit 1", "a", password), AUTH_DENIED);
	assert_string_equal(scratch_errors(), "");
	password[room] = 'p';
	password[room + 1] = '\0';
	assert_int_equal(run_script("exit 111", "a", password), AUTH_DENIED);
	expect_logged("cannot run");
	assert_null(strstr(scratch_errors(), "pppppp"));
}

static void the_environment_is_ours_alone(void **state)
{
	(void)state;
	setenv("POSTERN_SECRET", "x", 1);
	run_script("cat /proc/$$/environ | tr '\\000' '\\n' >$dir/out\nexit 1",
		"anna", "x");
	unsetenv("POSTERN_SECRET");
	assert_string_equal(read_output("out"),
		"PATH=/usr/bin:/bin:/usr/sbin:/sbin\nPROTO=TCP\nSERVICE=pop3\n"
		"TCPREMOTEIP=192.0.2.7\n");
}

static void descriptors_0_to_4_are_open_and_no_others(void **state)
{
	static char shell[] = "/bin/sh", dash_c[] = "-c";
	char script[SCRIPT_BYTES];
	char *const command[] = { shell, dash_c, script, NULL };
	int leak = fcntl(STDIN_FILENO, F_DUPFD, 50);

	(void)state;
	snprintf(script, sizeof(script), "(cd %s; exec >out; ls /proc/$$/fd; "
		"for n in 0 1 2; do readlink /proc/$$/fd/$n; done); exit 1",
		scratch_path("."));
	assert_true(leak >= 0);
	assert_int_equal(run_command(command, "anna", "x"), AUTH_DENIED);
	close(leak);
	assert_string_equal(read_output("out"), "0\n1\n2\n3\n4\n"
		"/dev/null\n/dev/null\n/dev/null\n");
}

static void signals_are_neither_ignored_nor_blocked(void **state)
{
	sigset_t blocked, before;

	(void)state;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	signal(SIGPIPE, SIG_IGN);
	/* 32 and 33 belong to the C library, which lets nobody change them. */
	run_script("grep -E '^Sig(Blk|Ign)' /proc/$$/status | tr -d '\\t' | "
		"sed 's/0000000180000000/0000000000000000/' "
		">$dir/out; exit 1", "anna", "x");
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_string_equal(read_output("out"),
		"SigBlk:0000000000000000\nSigIgn:0000000000000000\n");
}

static void ignored_children_do_not_confuse_us(void **state)
{
	(void)state;
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(run_script("exit 1", "anna", "x"), AUTH_DENIED);
	signal(SIGCHLD, SIG_DFL);
}

static void a_missing_program_is_temporary_and_named(void **state)
{
	static char missing[] = "/nonexistent/program";
	char *const command[] = { missing, NULL };

	(void)state;
	assert_int_equal(run_command(command, "anna", "x"), AUTH_TEMPORARY);
	expect_logged("backend test: cannot run /nonexistent/program: No such "
		"file or directory");
}

static void no_password_is_ever_logged(void **state)
{
	(void)state;
	run_script("exit 111", "anna", "QWERTY");
	run_script("exit 0", "anna", "QWERTY");
	run_script("kill -9 $$", "anna", "QWERTY");
	assert_null(strstr(scratch_errors(), "QWERTY"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("a program that runs its argument grants",
			a_program_that_runs_its_argument_grants),
		SCRATCH_CASE("a system user has groups",
			a_system_user_has_groups),
		SCRATCH_CASE("exit 1 denies, and logs nothing",
			exit_1_denies_and_logs_nothing),
		SCRATCH_CASE("exit 1 denies even after a reply",
			exit_1_denies_even_after_a_reply),
		SCRATCH_CASE("other exit codes are temporary and logged",
			other_exit_codes_are_temporary_and_logged),
		SCRATCH_CASE("death by a signal is temporary and logged",
			death_by_a_signal_is_temporary_and_logged),
		SCRATCH_CASE("success without a reply is temporary and logged",
			success_without_a_reply_is_temporary_and_logged),
		SCRATCH_CASE("a wrong reply grants nothing",
			a_wrong_reply_grants_nothing),
		SCRATCH_CASE("without USER and HOME the name stays",
			without_user_and_home_the_name_stays),
		SCRATCH_CASE("a program that stays root is refused",
			a_program_that_stays_root_is_refused),
		SCRATCH_CASE("a program that keeps root's group is refused",
			a_program_that_keeps_the_group_of_root_is_refused),
		SCRATCH_CASE("a program that hangs is killed, and its children",
			a_program_that_hangs_is_killed_with_its_children),
		SCRATCH_CASE("a program that hangs after its reply is killed",
			a_program_that_hangs_after_its_reply_is_killed),
		SCRATCH_CASE("a program dies with the keeper",
			a_program_dies_with_the_keeper),
		SCRATCH_CASE("a child left behind does not delay a refusal",
			a_child_left_behind_does_not_delay_a_refusal),
		SCRATCH_CASE("the request is three strings and no more",
			the_request_is_three_strings_and_no_more),
		SCRATCH_CASE("a request of 512 octets is sent, none longer",
			a_request_of_512_octets_is_sent_and_no_longer_one),
		SCRATCH_CASE("the environment is ours alone",
			the_environment_is_ours_alone),
		SCRATCH_CASE("descriptors 0 to 4 are open, and no others",
			descriptors_0_to_4_are_open_and_no_others),
		SCRATCH_CASE("signals are neither ignored nor blocked",
			signals_are_neither_ignored_nor_blocked),
		SCRATCH_CASE("ignored children do not confuse us",
			ignored_children_do_not_confuse_us),
		SCRATCH_CASE("a missing program is temporary and named",
			a_missing_program_is_temporary_and_named),
		SCRATCH_CASE("no password is ever logged",
			no_password_is_ever_logged),
	};

	if (reply_program_link() != 0)
		return EXIT_FAILURE;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
