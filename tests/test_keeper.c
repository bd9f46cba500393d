/*
 * test_keeper.c - one login attempt and one Maildir, and workers that lie
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "confine.h"
#include "deadline.h"
#include "gate.h"
#include "keeper.h"
#include "maildir/listing.h"
#include "mechanism.h"
#include "scratch.h"
#include "wire.h"

#define LONG_MS 20000

/* As the settings have it in this case. */
static const struct mailbox_settings *rules;
static enum cleartext cleartext = CLEARTEXT_ALWAYS;

struct house {
	pid_t keeper_pid;
	int worker_fd;
};

/* As root the mail user is nobody, else it is we. */
static unsigned int mail_uid(void)
{
	return geteuid() == 0 ? 65534 : (unsigned int)geteuid();
}

static void give_to_mail_user(const char *name)
{
	if (geteuid() == 0)
		assert_int_equal(chown(scratch_path(name), 65534, 65534), 0);
}

/*
 * A user "joe" with the password "secret", two messages and one in the folder
 * Junk; and "reader", who may read them.
 */
static void make_user(void)
{
	static const char *const directories[] = {
		"joe", "joe/Maildir", "joe/Maildir/new", "joe/Maildir/cur",
		"joe/Maildir/.Junk", "joe/Maildir/.Junk/cur" };
	char lines[1024];

	for (size_t i = 0; i < 6; i++) {
		scratch_make_directory(directories[i]);
		give_to_mail_user(directories[i]);
	}
	scratch_write("joe/Maildir/new/2.b", 0600, "two\n");
	scratch_write("joe/Maildir/cur/1.a:2,S", 0600, "one\n");
	give_to_mail_user("joe/Maildir/new/2.b");
	give_to_mail_user("joe/Maildir/cur/1.a:2,S");
	scratch_write("joe/Maildir/.Junk/cur/3.c:2,", 0600, "three\n");
	give_to_mail_user("joe/Maildir/.Junk/cur/3.c:2,");
	snprintf(lines, sizeof(lines), "joe:{PLAIN}secret:%u:%u::%s::\n"
		"reader:{PLAIN}secret:%u:%u::%s::readonly\n",
		mail_uid(), mail_uid(), scratch_path("joe"),
		mail_uid(), mail_uid(), scratch_path("joe"));
	scratch_write("users", 0600, lines);
}

static bool has_file(const char *name)
{
	return access(scratch_path(name), F_OK) == 0;
}

/* Start a keeper that asks the passwd-file, or a program "check" if it is. */
static void begin(struct house *house)
{
	int fds[2];
	char *command[] = { strdup(scratch_path("check")), NULL };
	struct backend_settings backend = {
		.name = (char *)"users", .type = BACKEND_PASSWD_FILE,
		.path = strdup(scratch_path("users")),
		.uid = (char *)"", .gid = (char *)"", .home = (char *)"",
		.command = command, .timeout_s = 20,
	};
	struct settings settings = {
		.mailbox = rules != NULL ? *rules :
			(struct mailbox_settings){ .delete = DELETE_UNLINK },
		.auth = { .concurrent_checks = 2, .backends = &backend,
			.backend_count = 1, .mechanisms = UINT32_MAX },
	};

	if (has_file("check"))
		backend.type = BACKEND_PROGRAM;
	settings.mailbox.path = (char *)"~/Maildir";
	settings.mailbox.folder_separator = (char *)"+";
	settings.mailbox.uidl_format = (char *)"%08Xu%08Xv";
	assert_int_equal(wire_pair(fds), 0);
	house->keeper_pid = fork();
	if (house->keeper_pid == 0) {
		/* A copy of another worker's end would keep its keeper. */
		confine_close_fds(&fds[1], 1);
		int reports[2];
		assert_int_equal(penalty_make_pipe(reports), 0);
		struct keeper keeper = {
			.settings = &settings,
			.penalty = { .names = peers_new(8, 1),
				.report_fd = reports[1] },
			.rules = { .login_timeout_s = 20,
				.cleartext = cleartext },
			.listener = "test",
			.address = "192.0.2.1", .worker_fd = fds[1],
			.gate_fd = gate_make(),
		};
		keeper_run(&keeper);
	}
	close(fds[1]);
	free(backend.path);
	free(command[0]);
	house->worker_fd = fds[0];
}

static int exit_status(const struct house *house)
{
	int status;

	assert_int_equal(waitpid(house->keeper_pid, &status, 0),
		house->keeper_pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Wait for a record of 'kind' and of 'bytes' bytes. */
static bool receive(const struct house *house, uint32_t kind, void *record,
	size_t bytes)
{
	int fd = -1;
	bool is_good = wire_wait(house->worker_fd,
			deadline_now_ms() + LONG_MS) == 0 &&
		wire_receive(house->worker_fd, kind, record, bytes,
			&fd) == 0;

	if (fd >= 0)
		close(fd);
	return is_good;
}

static int log_in_for(const struct house *house, const char *name,
	const char *password, struct wire_login *answer)
{
	struct wire_auth request = { .kind = WIRE_AUTH };

	snprintf(request.name, sizeof(request.name), "%s", name);
	snprintf(request.password, sizeof(request.password), "%s", password);
	assert_int_equal(wire_send(house->worker_fd, &request,
		sizeof(request), -1), 0);
	if (!receive(house, WIRE_AUTH, answer, sizeof(*answer)))
		return -1;
	return (int)answer->status;
}

static int log_in(const struct house *house, const char *name,
	const char *password)
{
	struct wire_login answer;

	return log_in_for(house, name, password, &answer);
}

/* What a worker says that knows no password, but a name. */
static void claim(const struct house *house, enum mechanism mechanism)
{
	static struct wire_sasl request;

	request = (struct wire_sasl){ .kind = WIRE_SASL, .has_tls = 1,
		.mechanism = mechanism, .has_response = 1 };
	snprintf(request.client_name, sizeof(request.client_name), "joe");
	assert_int_equal(wire_send(house->worker_fd, &request,
		sizeof(request), -1), 0);
}

static void begin_logged_in(struct house *house)
{
	make_user();
	begin(house);
	assert_int_equal(log_in(house, "joe", "secret"), WIRE_LOGIN_GRANTED);
}

static void assert_both_messages(void)
{
	assert_true(has_file("joe/Maildir/new/2.b"));
	assert_true(has_file("joe/Maildir/cur/1.a:2,S"));
}

static void the_exit_status_says_denied(void **state)
{
	struct house house;

	(void)state;
	make_user();
	begin(&house);
	assert_int_equal(log_in(&house, "joe", "wrong"), WIRE_LOGIN_DENIED);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_DENIED);
	close(house.worker_fd);
	begin(&house);
	assert_int_equal(log_in(&house, "jim", "secret"), WIRE_LOGIN_DENIED);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_DENIED);
	close(house.worker_fd);
	assert_non_null(strstr(scratch_errors(),
		"LOGIN FAILED, user=jim, ip=[192.0.2.1], listener=test"));
}

static void a_name_can_not_forge_a_log_line(void **state)
{
	struct house house;

	(void)state;
	make_user();
	begin(&house);
	assert_int_equal(log_in(&house, "x, ip=[6.6.6.6]\nLOGIN", "y"),
		WIRE_LOGIN_DENIED);
	close(house.worker_fd);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_DENIED);
	assert_null(strstr(scratch_errors(), "ip=[6.6.6.6]"));
	assert_non_null(strstr(scratch_errors(),
		"user=x??ip??6.6.6.6??LOGIN, ip=[192.0.2.1]"));
}

static void a_worker_that_goes_leaves_every_message(void **state)
{
	struct house house;

	(void)state;
	begin_logged_in(&house);
	close(house.worker_fd);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_SERVED);
	assert_both_messages();
}

static void a_worker_that_never_asks_is_abandoned(void **state)
{
	struct house house;

	(void)state;
	make_user();
	begin(&house);
	close(house.worker_fd);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_ABANDONED);
}

/* Send a record that must end the keeper and remove nothing. */
static void expect_end(const void *record, size_t bytes)
{
	struct house house;

	begin(&house);
	assert_int_equal(log_in(&house, "joe", "secret"), WIRE_LOGIN_GRANTED);
	assert_int_equal(send(house.worker_fd, record, bytes, 0),
		(ssize_t)bytes);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_BAD_RECORD);
	close(house.worker_fd);
	assert_both_messages();
}

static void a_record_wrong_in_any_field_ends_it(void **state)
{
	struct wire_open open = { WIRE_OPEN, 2 };
	struct wire_commit commit = { .kind = WIRE_COMMIT, .is_last = 1 };
	struct wire_auth auth = { .kind = WIRE_AUTH };

	(void)state;
	make_user();
	expect_end(&open, sizeof(open));
	open.idx = UINT32_MAX;
	expect_end(&open, sizeof(open));
	open = (struct wire_open){ WIRE_KEEPER, 0 };
	expect_end(&open, sizeof(open));
	open = (struct wire_open){ WIRE_HOLD, 2 };
	expect_end(&open, sizeof(open));
	open.kind = WIRE_OPEN;
	expect_end(&open, sizeof(open) - 1);
	expect_end(&open, 1);
	expect_end(&auth, sizeof(auth));

	commit.marks[0] = 0x04;
	expect_end(&commit, sizeof(commit));
	commit.marks[0] = 0x03;
	commit.first = 8;
	expect_end(&commit, sizeof(commit));
	commit.first = UINT32_MAX - 7;
	expect_end(&commit, sizeof(commit));
	commit.first = 1;
	expect_end(&commit, sizeof(commit));
	commit.marks[0] = 0;
	commit.first = 0;
	commit.retrieved[0] = 0x04;
	expect_end(&commit, sizeof(commit));
	commit.retrieved[0] = 0x03;
	commit.first = 8;
	expect_end(&commit, sizeof(commit));
	commit.first = UINT32_MAX - 7;
	expect_end(&commit, sizeof(commit));
	commit.first = 0;
	commit.is_last = 2;
	expect_end(&commit, sizeof(commit));
	expect_end(&commit, sizeof(commit) - 1);
}

/* More messages than there is room for in an answer. */
#define MANY 200

static void add_many(void)
{
	char name[64];

	for (int i = 10; i < 10 + MANY - 2; i++) {
		snprintf(name, sizeof(name), "joe/Maildir/cur/%d.c:2,", i);
		scratch_write(name, 0600, "x\n");
		give_to_mail_user(name);
	}
}

static void begin_with_many(struct house *house)
{
	struct wire_login answer;

	begin(house);
	assert_int_equal(log_in_for(house, "joe", "secret", &answer),
		WIRE_LOGIN_GRANTED);
	assert_int_equal(answer.count, MANY);
	assert_int_equal(answer.octets, 5 + 5 + 3 * (MANY - 2));
	assert_int_equal(answer.image_bytes, 0);
}

/* Ask for the listing.  Returns how many messages it has, or -1. */
static int64_t ask_for_listing(const struct house *house)
{
	const struct wire_plain request = { WIRE_LISTING };
	struct wire_opened answer;
	struct listing listing = { .map = NULL };
	int fd = -1;
	int64_t count = -1;

	assert_int_equal(wire_send(house->worker_fd, &request,
		sizeof(request), -1), 0);
	if (wire_wait(house->worker_fd, deadline_now_ms() + LONG_MS) == 0 &&
			wire_receive(house->worker_fd, WIRE_LISTING, &answer,
				sizeof(answer), &fd) == 0 &&
			answer.error == 0 && listing_map(&listing, fd) == 0)
		count = listing.count;
	listing_unmap(&listing);
	if (fd >= 0)
		close(fd);
	return count;
}

/* Ask for message 'idx'.  Returns the error of the answer. */
static uint32_t open_message(const struct house *house, uint32_t idx)
{
	const struct wire_open request = { WIRE_OPEN, idx };
	struct wire_opened answer;

	assert_int_equal(wire_send(house->worker_fd, &request,
		sizeof(request), -1), 0);
	assert_true(receive(house, WIRE_OPEN, &answer, sizeof(answer)));
	return answer.error;
}

static void a_long_listing_comes_when_it_is_asked_for(void **state)
{
	struct house house;

	(void)state;
	make_user();
	add_many();
	/* By a scan, and by the index. */
	for (int i = 0; i < 2; i++) {
		begin_with_many(&house);
		assert_int_equal(ask_for_listing(&house), MANY);
		assert_int_equal(open_message(&house, MANY - 1), 0);
		/* No worker needs a second one. */
		assert_int_equal(ask_for_listing(&house), -1);
		assert_int_equal(exit_status(&house), KEEPER_EXIT_BAD_RECORD);
		close(house.worker_fd);
	}
	assert_both_messages();
}

/* There is a short listing already, or none that was asked for. */
static void a_listing_comes_first_and_once(void **state)
{
	const struct wire_plain listing = { WIRE_LISTING };
	const struct wire_open open = { WIRE_OPEN, 0 };
	const struct wire_doubt doubt = { WIRE_DOUBT, 0 };

	(void)state;
	make_user();
	expect_end(&listing, sizeof(listing));
	add_many();
	expect_end(&open, sizeof(open));
	expect_end(&doubt, sizeof(doubt));
}

/* So old that an index of it is believed at once. */
static void set_old(const char *name)
{
	const struct timespec times[2] = { { 1000000000, 1 },
		{ 1000000000, 1 } };

	assert_int_equal(utimensat(AT_FDCWD, scratch_path(name), times, 0), 0);
}

static void change_octet(const char *name, off_t at)
{
	int fd = open(scratch_path(name), O_RDWR);
	char octet;

	assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= 1;
	assert_int_equal(pwrite(fd, &octet, 1, at), 1);
	close(fd);
}

static void make_index_of_many(void)
{
	struct house house;

	make_user();
	add_many();
	set_old("joe/Maildir/new");
	set_old("joe/Maildir/cur");
	begin_with_many(&house);
	close(house.worker_fd);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_SERVED);
}

static void a_spoilt_listing_is_told(void **state)
{
	struct house house;

	(void)state;
	make_index_of_many();
	begin_with_many(&house);
	/* Not in the frame, which was read; and there is another message. */
	change_octet("joe/Maildir/postern.index", 3000);
	scratch_write("joe/Maildir/new/9.z", 0600, "x\n");
	give_to_mail_user("joe/Maildir/new/9.z");
	assert_int_equal(ask_for_listing(&house), -1);
	assert_int_equal(open_message(&house, 0), ESTALE);
	close(house.worker_fd);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_SERVED);
	assert_non_null(strstr(scratch_errors(), "can't list the Maildir"));
}

static int64_t count_files(const char *name)
{
	DIR *directory = opendir(scratch_path(name));
	int64_t count = -2;	/* "." and ".." */

	assert_non_null(directory);
	while (readdir(directory) != NULL)
		count++;
	closedir(directory);
	return count;
}

/* Many more come than were listed, and then their unique-ids can't be had. */
static void spoil_all(void)
{
	struct stat status;
	char name[64];

	assert_int_equal(stat(scratch_path("joe/Maildir/postern.index"),
		&status), 0);
	change_octet("joe/Maildir/postern.index", status.st_size - 2);
	for (int i = 0; i < 3 * MANY; i++) {
		snprintf(name, sizeof(name), "joe/Maildir/new/%d.late", i);
		scratch_write(name, 0600, "late\n");
		give_to_mail_user(name);
	}
	(void)unlink(scratch_path("joe/Maildir/postern.uidls"));
	scratch_make_directory("joe/Maildir/postern.uidls");
}

static void a_scan_that_fails_late_removes_nothing(void **state)
{
	struct mailbox_settings settings = {
		.delete = DELETE_TRASH, .trash_days = 1 };
	const struct wire_commit commit = {
		.kind = WIRE_COMMIT, .is_last = 1 };
	struct wire_committed answer;
	struct house house;

	(void)state;
	make_index_of_many();
	rules = &settings;
	begin_with_many(&house);
	rules = NULL;
	assert_int_equal(ask_for_listing(&house), MANY);
	spoil_all();
	assert_int_not_equal(open_message(&house, 0), 0);
	assert_int_equal(wire_send(house.worker_fd, &commit, sizeof(commit),
		-1), 0);
	assert_true(receive(&house, WIRE_COMMIT, &answer, sizeof(answer)));
	assert_int_equal(answer.removed + answer.failed + answer.expired, 0);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_SERVED);
	close(house.worker_fd);
	assert_int_equal(count_files("joe/Maildir/cur") +
		count_files("joe/Maildir/new"), MANY + 3 * MANY);
}

static void an_attempt_without_a_nul_ends_it(void **state)
{
	struct house house;
	struct wire_auth request = { .kind = WIRE_AUTH };

	(void)state;
	make_user();
	for (int i = 0; i < 3; i++) {
		begin(&house);
		request.has_tls = i == 2 ? 2 : 1;
		memset(request.name, i == 0 ? 'x' : 0, sizeof(request.name));
		memset(request.password, i == 1 ? 'x' : 0,
			sizeof(request.password));
		assert_int_equal(wire_send(house.worker_fd, &request,
			sizeof(request), -1), 0);
		assert_int_equal(exit_status(&house), KEEPER_EXIT_BAD_RECORD);
		close(house.worker_fd);
	}
}

static void marks_without_the_last_part_remove_nothing(void **state)
{
	struct house house;
	struct wire_commit commit = { .kind = WIRE_COMMIT, .marks = { 3 } };
	struct wire_committed answer;

	(void)state;
	begin_logged_in(&house);
	assert_int_equal(wire_send(house.worker_fd, &commit, sizeof(commit),
		-1), 0);
	assert_true(receive(&house, WIRE_COMMIT, &answer, sizeof(answer)));
	close(house.worker_fd);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_SERVED);
	assert_both_messages();
}

static void a_commit_removes_what_is_marked_and_ends_it(void **state)
{
	struct house house;
	struct wire_commit commit = {
		.kind = WIRE_COMMIT, .is_last = 1, .marks = { 2 } };
	struct wire_committed answer;

	(void)state;
	begin_logged_in(&house);
	assert_int_equal(wire_send(house.worker_fd, &commit, sizeof(commit),
		-1), 0);
	assert_true(receive(&house, WIRE_COMMIT, &answer, sizeof(answer)));
	assert_int_equal(answer.removed, 1);
	assert_int_equal(answer.failed, 0);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_SERVED);
	close(house.worker_fd);
	assert_false(has_file("joe/Maildir/new/2.b"));
	assert_true(has_file("joe/Maildir/cur/1.a:2,S"));
}

/* Send COMMIT with both bitmaps; the answer's counts are expected. */
static void expect_commit(const struct mailbox_settings *settings,
	uint8_t marks, uint8_t retrieved, const struct wire_committed *wanted)
{
	struct house house;
	struct wire_commit commit = {
		.kind = WIRE_COMMIT, .is_last = 1,
		.marks = { marks }, .retrieved = { retrieved } };
	struct wire_committed answer;

	rules = settings;
	begin(&house);
	rules = NULL;
	assert_int_equal(log_in(&house, "joe", "secret"), WIRE_LOGIN_GRANTED);
	assert_int_equal(wire_send(house.worker_fd, &commit, sizeof(commit),
		-1), 0);
	assert_true(receive(&house, WIRE_COMMIT, &answer, sizeof(answer)));
	assert_int_equal(exit_status(&house), KEEPER_EXIT_SERVED);
	close(house.worker_fd);
	assert_int_equal(answer.removed, wanted->removed);
	assert_int_equal(answer.failed, wanted->failed);
	assert_int_equal(answer.expired, wanted->expired);
}

static void what_was_retrieved_stays_as_it_is(void **state)
{
	struct wire_committed none = { .removed = 0 };

	(void)state;
	make_user();
	expect_commit(NULL, 0, 3, &none);
	assert_both_messages();
}

static void what_was_retrieved_is_seen_if_the_settings_say_so(void **state)
{
	struct mailbox_settings settings = { .mark_seen = true };
	struct wire_committed none = { .removed = 0 };

	(void)state;
	make_user();
	expect_commit(&settings, 0, 2, &none);
	assert_false(has_file("joe/Maildir/new/2.b"));
	assert_true(has_file("joe/Maildir/cur/2.b:2,S"));
	assert_true(has_file("joe/Maildir/cur/1.a:2,S"));
}

static void what_is_marked_goes_into_the_trash(void **state)
{
	struct mailbox_settings settings = {
		.delete = DELETE_TRASH, .trash_days = 1 };
	struct wire_committed one = { .removed = 1 };

	(void)state;
	make_user();
	expect_commit(&settings, 2, 3, &one);
	assert_false(has_file("joe/Maildir/new/2.b"));
	assert_true(has_file("joe/Maildir/postern.trash/new/2.b"));
	assert_true(has_file("joe/Maildir/cur/1.a:2,S"));
}

static void a_trash_that_fails_keeps_what_is_marked(void **state)
{
	struct mailbox_settings settings = {
		.delete = DELETE_TRASH, .trash_days = 1 };
	struct wire_committed none = { .failed = 2 };

	(void)state;
	make_user();
	scratch_write("joe/Maildir/postern.trash", 0600, "a file\n");
	expect_commit(&settings, 3, 0, &none);
	assert_both_messages();
	assert_non_null(strstr(scratch_errors(),
		"user=joe: 2 of 2 messages not removed: Not a directory"));
}

/* The fixture's messages are written just now: they are a day too young. */
static void only_what_is_due_expires(void **state)
{
	struct mailbox_settings settings = { .expire_days = 1 };
	struct wire_committed none = { .removed = 0 };

	(void)state;
	make_user();
	expect_commit(&settings, 0, 3, &none);
	assert_both_messages();
	assert_null(strstr(scratch_errors(), "expired"));
}

static void a_second_session_finds_the_maildrop_in_use(void **state)
{
	struct house first, second;
	struct wire_login answer;
	time_t before = time(NULL);

	(void)state;
	begin_logged_in(&first);
	begin(&second);
	assert_int_equal(log_in_for(&second, "joe", "secret", &answer),
		WIRE_LOGIN_IN_USE);
	assert_string_equal(answer.holder, "192.0.2.1");
	assert_true(answer.holder_since_s >= before);
	assert_true(answer.holder_since_s <= time(NULL));
	assert_int_equal(exit_status(&second), KEEPER_EXIT_NOT_OPENED);
	close(second.worker_fd);
	close(first.worker_fd);
	assert_int_equal(exit_status(&first), KEEPER_EXIT_SERVED);
}

/* Log in as 'name', which must come to 'status', and end. */
static void expect_login(const char *name, const char *password, int status,
	int exit_code)
{
	struct house house;

	begin(&house);
	assert_int_equal(log_in(&house, name, password), status);
	if (status == WIRE_LOGIN_GRANTED)
		close(house.worker_fd);
	assert_int_equal(exit_status(&house), exit_code);
	if (status != WIRE_LOGIN_GRANTED)
		close(house.worker_fd);
}

static void a_folder_is_a_maildrop_with_a_lock_of_its_own(void **state)
{
	struct house inbox, folder;
	struct wire_commit commit = {
		.kind = WIRE_COMMIT, .is_last = 1, .marks = { 1 } };
	struct wire_committed answer;

	(void)state;
	begin_logged_in(&inbox);
	begin(&folder);
	assert_int_equal(log_in(&folder, "joe+Junk", "secret"),
		WIRE_LOGIN_GRANTED);
	expect_login("joe", "secret", WIRE_LOGIN_IN_USE,
		KEEPER_EXIT_NOT_OPENED);
	expect_login("joe+Junk", "secret", WIRE_LOGIN_IN_USE,
		KEEPER_EXIT_NOT_OPENED);
	assert_int_equal(wire_send(folder.worker_fd, &commit, sizeof(commit),
		-1), 0);
	assert_true(receive(&folder, WIRE_COMMIT, &answer, sizeof(answer)));
	assert_int_equal(answer.removed, 1);
	assert_int_equal(exit_status(&folder), KEEPER_EXIT_SERVED);
	close(folder.worker_fd);
	close(inbox.worker_fd);
	assert_int_equal(exit_status(&inbox), KEEPER_EXIT_SERVED);
	assert_false(has_file("joe/Maildir/.Junk/cur/3.c:2,"));
	assert_both_messages();
}

static void a_missing_folder_is_no_failed_login(void **state)
{
	(void)state;
	make_user();
	expect_login("joe+junk", "secret", WIRE_LOGIN_NO_FOLDER,
		KEEPER_EXIT_NOT_OPENED);
	assert_null(strstr(scratch_errors(), "LOGIN FAILED"));
	expect_login("joe+junk", "wrong", WIRE_LOGIN_DENIED,
		KEEPER_EXIT_DENIED);
	assert_non_null(strstr(scratch_errors(),
		"LOGIN FAILED, user=joe+junk,"));
	expect_login("jim+Junk", "secret", WIRE_LOGIN_DENIED,
		KEEPER_EXIT_DENIED);
	expect_login("joe+", "secret", WIRE_LOGIN_DENIED, KEEPER_EXIT_DENIED);
	assert_non_null(strstr(scratch_errors(), "LOGIN FAILED, user=joe+,"));
	expect_login("joe+../Maildir", "secret", WIRE_LOGIN_DENIED,
		KEEPER_EXIT_DENIED);
}

static void expect_asked(const char *name, const char *asked)
{
	char request[64] = "";
	FILE *file;

	expect_login(name, "wrong", WIRE_LOGIN_DENIED, KEEPER_EXIT_DENIED);
	file = fopen(scratch_path("check.asked"), "r");
	assert_non_null(file);
	assert_true(fread(request, 1, sizeof(request) - 1, file) > 0);
	fclose(file);
	assert_string_equal(request, asked);
	assert_int_equal(remove(scratch_path("check.asked")), 0);
}

static void a_program_is_asked_once_for_the_bare_user(void **state)
{
	(void)state;
	scratch_write("check", 0755, "#!/bin/sh\n"
		"tr '\\000' '\\n' <&3 | head -n 2 >>\"$0.asked\"\nexit 1\n");
	expect_asked("joe", "joe\nwrong\n");
	expect_asked("joe+Junk", "joe\nwrong\n");
	expect_asked("joe+Junk@b", "joe@b\nwrong\n");
	/* As for any name that nobody has: at the same cost. */
	expect_asked("joe+", "-\n-\n");
	expect_asked("joe+../ann", "-\n-\n");
	expect_asked("+Junk", "-\n-\n");
	expect_asked("a/b", "-\n-\n");
}

static void a_folder_of_a_missing_maildir_is_missing(void **state)
{
	(void)state;
	make_user();
	assert_int_equal(rename(scratch_path("joe/Maildir"),
		scratch_path("joe/Elsewhere")), 0);
	expect_login("joe", "secret", WIRE_LOGIN_GRANTED, KEEPER_EXIT_SERVED);
	expect_login("joe+Junk", "secret", WIRE_LOGIN_NO_FOLDER,
		KEEPER_EXIT_NOT_OPENED);
	assert_int_equal(rename(scratch_path("joe"), scratch_path("jim")), 0);
	expect_login("joe+Junk", "secret", WIRE_LOGIN_TEMPORARY,
		KEEPER_EXIT_NOT_OPENED);
}

static void a_folder_that_is_a_link_out_is_missing(void **state)
{
	(void)state;
	make_user();
	assert_int_equal(symlink(scratch_path("joe/Maildir/.Junk"),
		scratch_path("joe/Maildir/.Absolute")), 0);
	assert_int_equal(symlink("..", scratch_path("joe/Maildir/.Up")), 0);
	expect_login("joe+Absolute", "secret", WIRE_LOGIN_NO_FOLDER,
		KEEPER_EXIT_NOT_OPENED);
	expect_login("joe+Up", "secret", WIRE_LOGIN_NO_FOLDER,
		KEEPER_EXIT_NOT_OPENED);
	assert_non_null(strstr(scratch_errors(), "user=joe: folder .Up: "));
}

static void a_login_that_may_only_read_needs_no_lock(void **state)
{
	struct house writer, reader;
	struct wire_login answer;

	(void)state;
	make_user();
	begin(&reader);
	assert_int_equal(log_in_for(&reader, "reader", "secret", &answer),
		WIRE_LOGIN_GRANTED);
	assert_int_equal(answer.is_read_only, 1);
	begin(&writer);
	assert_int_equal(log_in_for(&writer, "joe", "secret", &answer),
		WIRE_LOGIN_GRANTED);
	assert_int_equal(answer.is_read_only, 0);
	expect_login("reader", "secret", WIRE_LOGIN_GRANTED,
		KEEPER_EXIT_SERVED);
	expect_login("reader+Junk", "secret", WIRE_LOGIN_GRANTED,
		KEEPER_EXIT_SERVED);
	close(writer.worker_fd);
	close(reader.worker_fd);
	assert_int_equal(exit_status(&writer), KEEPER_EXIT_SERVED);
	assert_int_equal(exit_status(&reader), KEEPER_EXIT_SERVED);
}

/* Log in to read only and send 'commit', which must end it. */
static void expect_no_commit(const struct wire_commit *commit)
{
	struct house house;

	begin(&house);
	assert_int_equal(log_in(&house, "reader", "secret"),
		WIRE_LOGIN_GRANTED);
	assert_int_equal(wire_send(house.worker_fd, commit, sizeof(*commit),
		-1), 0);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_BAD_RECORD);
	close(house.worker_fd);
	assert_both_messages();
}

static void a_login_that_may_only_read_commits_nothing(void **state)
{
	struct wire_commit commit = { .kind = WIRE_COMMIT, .is_last = 1 };

	(void)state;
	make_user();
	expect_no_commit(&commit);
	commit.retrieved[0] = 1;
	expect_no_commit(&commit);
	commit.marks[0] = 1;
	expect_no_commit(&commit);
	commit.is_last = 0;
	expect_no_commit(&commit);
}

static void send_hold(const struct house *house, uint32_t is_wanted)
{
	struct wire_hold request = { WIRE_HOLD, is_wanted };

	assert_int_equal(wire_send(house->worker_fd, &request,
		sizeof(request), -1), 0);
}

/* Ask for the maildrop, or let it go.  Returns whether it is lost. */
static bool is_lost(const struct house *house, uint32_t is_wanted)
{
	struct wire_held answer;

	send_hold(house, is_wanted);
	assert_true(receive(house, WIRE_HOLD, &answer, sizeof(answer)));
	assert_true(answer.is_lost <= 1);
	return answer.is_lost;
}

static void commit_all(const struct house *house, uint32_t removed)
{
	struct wire_commit commit = {
		.kind = WIRE_COMMIT, .is_last = 1, .marks = { 3 } };
	struct wire_committed answer;

	assert_int_equal(wire_send(house->worker_fd, &commit, sizeof(commit),
		-1), 0);
	assert_true(receive(house, WIRE_COMMIT, &answer, sizeof(answer)));
	assert_int_equal(answer.removed, removed);
	assert_int_equal(exit_status(house), KEEPER_EXIT_SERVED);
	close(house->worker_fd);
}

static void a_maildrop_let_go_comes_back_if_nobody_came(void **state)
{
	struct house house;

	(void)state;
	begin_logged_in(&house);
	assert_false(is_lost(&house, 1));
	assert_false(is_lost(&house, 0));
	assert_false(is_lost(&house, 0));
	assert_false(is_lost(&house, 1));
	commit_all(&house, 2);
}

static void a_maildrop_let_go_is_for_others(void **state)
{
	struct house first, second;

	(void)state;
	begin_logged_in(&first);
	assert_false(is_lost(&first, 0));
	begin(&second);
	assert_int_equal(log_in(&second, "joe", "secret"),
		WIRE_LOGIN_GRANTED);
	assert_true(is_lost(&first, 0));
	assert_true(is_lost(&first, 1));
	close(first.worker_fd);
	assert_int_equal(exit_status(&first), KEEPER_EXIT_SERVED);
	assert_both_messages();
	commit_all(&second, 2);
}

/* Send a record that a session without the maildrop must not send. */
static void expect_end_without(const void *record, size_t bytes,
	bool has_another)
{
	struct house house, other;

	begin(&house);
	assert_int_equal(log_in(&house, "joe", "secret"), WIRE_LOGIN_GRANTED);
	assert_false(is_lost(&house, 0));
	if (has_another) {
		begin(&other);
		assert_int_equal(log_in(&other, "joe", "secret"),
			WIRE_LOGIN_GRANTED);
		assert_true(is_lost(&house, 1));
	}
	assert_int_equal(send(house.worker_fd, record, bytes, 0),
		(ssize_t)bytes);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_BAD_RECORD);
	close(house.worker_fd);
	assert_both_messages();
	if (has_another) {
		close(other.worker_fd);
		assert_int_equal(exit_status(&other), KEEPER_EXIT_SERVED);
	}
}

static void a_worker_without_the_maildrop_gets_nothing(void **state)
{
	struct wire_open open = { WIRE_OPEN, 0 };
	struct wire_commit commit = {
		.kind = WIRE_COMMIT, .is_last = 1, .marks = { 3 } };
	struct wire_hold hold = { WIRE_HOLD, 2 };

	(void)state;
	make_user();
	for (int has_another = 0; has_another < 2; has_another++) {
		expect_end_without(&open, sizeof(open), has_another);
		expect_end_without(&commit, sizeof(commit), has_another);
		commit.is_last = 0;
		expect_end_without(&commit, sizeof(commit), has_another);
		commit.is_last = 1;
		expect_end_without(&hold, sizeof(hold), has_another);
		expect_end_without(&hold, 4, has_another);
	}
}

static void a_keeper_that_dies_silent_leaves_the_maildrop(void **state)
{
	struct house first, second;

	(void)state;
	begin_logged_in(&first);
	assert_false(is_lost(&first, 0));
	assert_int_equal(kill(first.keeper_pid, SIGKILL), 0);
	assert_int_equal(exit_status(&first), -SIGKILL);
	close(first.worker_fd);
	begin(&second);
	assert_int_equal(log_in(&second, "joe", "secret"),
		WIRE_LOGIN_GRANTED);
	commit_all(&second, 2);
}

/* A worker that is broken into may say so of anybody. */
static void a_name_alone_opens_no_mailbox(void **state)
{
	struct house house;

	(void)state;
	make_user();
	begin(&house);
	claim(&house, MECHANISM_EXTERNAL);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_BAD_RECORD);
	close(house.worker_fd);
}

static void a_mechanism_that_is_not_permitted_is_a_lie(void **state)
{
	struct house house;

	(void)state;
	make_user();
	cleartext = CLEARTEXT_NEVER;
	begin(&house);
	cleartext = CLEARTEXT_ALWAYS;
	claim(&house, MECHANISM_XOAUTH2);
	assert_int_equal(exit_status(&house), KEEPER_EXIT_BAD_RECORD);
	close(house.worker_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("the exit status says denied",
			the_exit_status_says_denied),
		SCRATCH_CASE("a name can't forge a log line",
			a_name_can_not_forge_a_log_line),
		SCRATCH_CASE("a worker that goes leaves every message",
			a_worker_that_goes_leaves_every_message),
		SCRATCH_CASE("a worker that never asks is abandoned",
			a_worker_that_never_asks_is_abandoned),
		SCRATCH_CASE("a record wrong in any field ends it",
			a_record_wrong_in_any_field_ends_it),
		SCRATCH_CASE("a long listing comes when it is asked for",
			a_long_listing_comes_when_it_is_asked_for),
		SCRATCH_CASE("a listing comes first and once",
			a_listing_comes_first_and_once),
		SCRATCH_CASE("a scan that fails late removes nothing",
			a_scan_that_fails_late_removes_nothing),
		SCRATCH_CASE("a listing that is spoilt, and of other messages "
			"by now, is told and serves none",
			a_spoilt_listing_is_told),
		SCRATCH_CASE("an attempt without a NUL, or with a flag that is "
			"none, ends it",
			an_attempt_without_a_nul_ends_it),
		SCRATCH_CASE("marks without the last part remove nothing",
			marks_without_the_last_part_remove_nothing),
		SCRATCH_CASE("a commit removes what is marked and ends it",
			a_commit_removes_what_is_marked_and_ends_it),
		SCRATCH_CASE("what was retrieved stays as it is by default",
			what_was_retrieved_stays_as_it_is),
		SCRATCH_CASE("what was retrieved is seen with mark-seen",
			what_was_retrieved_is_seen_if_the_settings_say_so),
		SCRATCH_CASE("what is marked goes into the trash",
			what_is_marked_goes_into_the_trash),
		SCRATCH_CASE("a trash that fails keeps what is marked",
			a_trash_that_fails_keeps_what_is_marked),
		SCRATCH_CASE("a message of today does not expire",
			only_what_is_due_expires),
		SCRATCH_CASE("a second session finds the maildrop in use",
			a_second_session_finds_the_maildrop_in_use),
		SCRATCH_CASE("a folder is a maildrop with a lock of its own",
			a_folder_is_a_maildrop_with_a_lock_of_its_own),
		SCRATCH_CASE("a missing folder is told after the right "
			"password, and is no failed login",
			a_missing_folder_is_no_failed_login),
		SCRATCH_CASE("a program is asked once for the bare user, or "
			"for nobody if the folder is bad",
			a_program_is_asked_once_for_the_bare_user),
		SCRATCH_CASE("a folder of a missing Maildir is missing, too",
			a_folder_of_a_missing_maildir_is_missing),
		SCRATCH_CASE("a folder that is a link out of the Maildir is "
			"missing", a_folder_that_is_a_link_out_is_missing),
		SCRATCH_CASE("a login that may only read needs no lock and "
			"blocks none",
			a_login_that_may_only_read_needs_no_lock),
		SCRATCH_CASE("a login that may only read commits nothing, "
			"whatever its worker says",
			a_login_that_may_only_read_commits_nothing),
		SCRATCH_CASE("a name from a certificate that nobody asked for "
			"opens no mailbox", a_name_alone_opens_no_mailbox),
		SCRATCH_CASE("a mechanism that can't be had is a lie",
			a_mechanism_that_is_not_permitted_is_a_lie),
		SCRATCH_CASE("a maildrop let go comes back if nobody came",
			a_maildrop_let_go_comes_back_if_nobody_came),
		SCRATCH_CASE("a maildrop let go is another's who comes",
			a_maildrop_let_go_is_for_others),
		SCRATCH_CASE("a worker without the maildrop gets nothing",
			a_worker_without_the_maildrop_gets_nothing),
		SCRATCH_CASE("a keeper that dies silent leaves the maildrop",
			a_keeper_that_dies_silent_leaves_the_maildrop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
