/*
 * test_beneath.c - directories, and links that lead elsewhere
 */
#include "config.h"

#include "maildir/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir_fixture.h"

/* How often each side of a race has to win. */
#define WINS 200

static void make_directory(struct fixture *fixture, const char *name)
{
	assert_int_equal(mkdirat(fixture->root_fd, name, 0700), 0);
}

static void make_link(struct fixture *fixture, const char *to,
	const char *name)
{
	assert_int_equal(symlinkat(to, fixture->root_fd, name), 0);
}

/* What is at 'path', links followed. */
static ino_t inode(struct fixture *fixture, const char *path)
{
	struct stat status;

	assert_int_equal(fstatat(fixture->root_fd, path, &status, 0), 0);
	return status.st_ino;
}

/* Open 'name'.  Returns the inode of what was opened, or 0 with errno. */
static ino_t open_name(struct fixture *fixture, const char *name)
{
	struct stat status;
	int fd = beneath_open(fixture->root_fd, name);

	if (fd < 0)
		return 0;
	assert_int_equal(fstat(fd, &status), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	return status.st_ino;
}

static void assert_refused(struct fixture *fixture, const char *name,
	int error)
{
	assert_int_equal(open_name(fixture, name), 0);
	assert_int_equal(errno, error);
}

/* Whether links beneath can be followed here at all. */
static bool has_openat2(void)
{
#if defined(HAVE_LINUX_OPENAT2_H) && defined(SYS_openat2)
	return syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno == EINVAL;
#else
	return false;
#endif
}

/* From here on this process has no openat2. */
static bool forbid_openat2(unsigned int error)
{
#ifdef SYS_openat2
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(rules) / sizeof(rules[0]), .filter = rules };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
#else
	(void)error;
	return true;
#endif
}

static void directories(void **state)
{
	make_directory(*state, ".Junk");
	make_directory(*state, ".Junk.\xc3\xa4");
	assert_int_equal(open_name(*state, ".Junk"), inode(*state, ".Junk"));
	assert_int_equal(open_name(*state, ".Junk.\xc3\xa4"),
		inode(*state, ".Junk.\xc3\xa4"));
}

static void links_beneath(void **state)
{
	struct fixture *fixture = *state;

	if (!has_openat2())
		skip();
	make_directory(fixture, ".Junk");
	make_link(fixture, ".Junk", ".Spam");
	make_link(fixture, ".Spam/../.Junk", ".Again");
	assert_int_equal(open_name(fixture, ".Spam"), inode(fixture, ".Junk"));
	assert_int_equal(open_name(fixture, ".Again"),
		inode(fixture, ".Junk"));
}

static void links_outside(void **state)
{
	struct fixture *fixture = *state;
	char inside[sizeof(fixture->root) + 8], detour[sizeof(inside)];

	if (!has_openat2())
		skip();
	make_directory(fixture, ".Junk");
	snprintf(inside, sizeof(inside), "%s/.Junk", fixture->root);
	snprintf(detour, sizeof(detour), "..%s/.Junk",
		strrchr(fixture->root, '/'));
	make_link(fixture, "/etc", ".a");
	make_link(fixture, "..", ".b");
	make_link(fixture, ".Junk/../..", ".c");
	make_link(fixture, ".a", ".d");
	make_link(fixture, inside, ".e");
	make_link(fixture, detour, ".f");
	make_link(fixture, "/proc/self/cwd", ".g");
	for (char name[] = ".a"; name[1] <= 'g'; name[1]++) {
		assert_true(inode(fixture, name) != 0);
		assert_refused(fixture, name, EXDEV);
	}
}

static void links_of_proc(void **state)
{
	struct fixture proc = { .root_fd = open("/proc/self",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC) };

	(void)state;
	if (proc.root_fd < 0 || !has_openat2())
		skip();
	assert_true(inode(&proc, "cwd") != 0);
	assert_int_equal(open_name(&proc, "cwd"), 0);
	assert_true(errno == ELOOP || errno == EXDEV);
	close(proc.root_fd);
}

static void no_directories(void **state)
{
	struct fixture *fixture = *state;
	bool has = has_openat2();

	fixture_write(fixture, ".file", "");
	assert_int_equal(mkfifoat(fixture->root_fd, ".fifo", 0600), 0);
	make_link(fixture, ".loop", ".loop");
	make_link(fixture, ".none", ".dangling");
	make_link(fixture, ".file", ".to-file");
	assert_refused(fixture, ".file", ENOTDIR);
	assert_refused(fixture, ".fifo", ENOTDIR);
	assert_refused(fixture, ".none", ENOENT);
	assert_refused(fixture, ".to-file", ENOTDIR);
	assert_refused(fixture, ".loop", has ? ELOOP : ENOTDIR);
	assert_refused(fixture, ".dangling", has ? ENOENT : ENOTDIR);
}

static void other_names(void **state)
{
	static const char *const names[] = { "", ".", "..", "/", "/etc",
		".Junk/", ".Junk/.", "../x", ".Junk/../.Junk" };

	make_directory(*state, ".Junk");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_refused(*state, names[i], EINVAL);
}

static int exchange(struct fixture *fixture)
{
	return renameat2(fixture->root_fd, ".Junk", fixture->root_fd, ".link",
		RENAME_EXCHANGE);
}

/* Let a folder and a link out take turns, until killed. */
static pid_t start_exchanges(struct fixture *fixture)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	while (pid == 0)
		if (exchange(fixture) < 0)
			_exit(1);
	return pid;
}

/* Open ".Junk" until it was both, a folder and a link out, often enough. */
static bool only_folder_opens(struct fixture *fixture, ino_t wanted)
{
	int opened = 0, refused = 0;

	while (opened < WINS || refused < WINS) {
		ino_t found = open_name(fixture, ".Junk");
		if (found != 0 && found != wanted)
			return false;
		if (found != 0)
			opened++;
		else
			refused++;
	}
	return true;
}

static void make_race(struct fixture *fixture)
{
	make_directory(fixture, ".link");
	make_link(fixture, "/etc", ".Junk");
	if (exchange(fixture) < 0)
		skip();	/* not on this file system */
}

static void race(void **state)
{
	struct fixture *fixture = *state;
	int status;

	make_race(fixture);
	ino_t wanted = inode(fixture, ".Junk");
	pid_t pid = start_exchanges(fixture);
	bool is_good = only_folder_opens(fixture, wanted);

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_true(is_good);
}

#define CANNOT_FORBID 1

/* Run in a process that has no openat2.  Returns 0, or what was wrong. */
static int check_without(struct fixture *fixture, unsigned int error,
	ino_t wanted)
{
	if (!forbid_openat2(error))
		return CANNOT_FORBID;
	if (open_name(fixture, ".Folder") == 0)
		return 2;
	if (open_name(fixture, ".Spam") != 0 ||
			(errno != ENOTDIR && errno != ELOOP))
		return 3;
	if (open_name(fixture, ".none") != 0 || errno != ENOENT)
		return 4;
	return only_folder_opens(fixture, wanted) ? 0 : 5;
}

static void without_openat2(void **state)
{
	static const unsigned int errors[] = { ENOSYS, EPERM, E2BIG };
	struct fixture *fixture = *state;
	int status;

	make_race(fixture);
	make_directory(fixture, ".Folder");
	make_link(fixture, ".Folder", ".Spam");
	ino_t wanted = inode(fixture, ".Junk");
	for (int i = 0; i < 3; i++) {
		pid_t exchanger = start_exchanges(fixture), pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(check_without(fixture, errors[i], wanted));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		kill(exchanger, SIGKILL);
		assert_int_equal(waitpid(exchanger, NULL, 0), exchanger);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == CANNOT_FORBID) {
			print_message("no system call can be forbidden here\n");
			skip();
		}
		assert_int_equal(WEXITSTATUS(status), 0);
		/* The exchanger may have left the link in its place. */
		if (inode(fixture, ".Junk") != wanted)
			assert_int_equal(exchange(fixture), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("a directory is opened by its name", directories),
		CASE("a link to a directory beneath is followed",
			links_beneath),
		CASE("a link that leads out is refused, though it may lead "
			"back in", links_outside),
		PURE_CASE("a magic link of /proc is refused", links_of_proc),
		CASE("what is no directory is refused, without waiting for a "
			"FIFO", no_directories),
		CASE("a name that is no single component is refused",
			other_names),
		CASE("while a folder and a link out take turns, only the "
			"folder is ever opened", race),
		CASE("where openat2 is missing, folders open and no link is "
			"followed", without_openat2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
