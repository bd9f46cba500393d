/*
 * test_sandbox.c - from inside each confined process: what must not work
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "confine.h"
#include "fence.h"
#include "filter.h"
#include "sandbox.h"
#include "scratch.h"

/* How an attempt ends: 0, an errno, or this. */
#define KILLED (-SIGSYS)

#ifdef KEEP_STDERR
#define NO_OPEN EPERM	/* in such a build a report looks for symbols */
#else
#define NO_OPEN KILLED
#endif

/* What a process is left with; made before it is confined. */
static struct {
	int maildir_fd, above_fd, tcp_fd, unix_fd;
	char outside[SCRATCH_PATH_BYTES];	/* a file, writable for all */
	char outside_directory[SCRATCH_PATH_BYTES];
} given;

/* As root the mail user is nobody, else it is we. */
static uid_t mail_uid(void)
{
	return geteuid() == 0 ? 65534 : geteuid();
}

static void make(const char *name, int is_directory)
{
	if (is_directory)
		scratch_make_directory(name);
	else
		scratch_write(name, 0666, "octets\n");
	if (geteuid() == 0)
		assert_int_equal(chown(scratch_path(name), 65534, 65534), 0);
}

/* A Maildir that is a folder of one, and things beside it. */
static void make_world(void)
{
	static const struct {
		const char *name;
		int is_directory;
	} things[] = {
		{ "joe", 1 }, { "joe/.Sub", 1 }, { "joe/.Sub/new", 1 },
		{ "joe/.Sub/cur", 1 }, { "joe/.Sub/new/1.a", 0 },
		{ "joe/.Sub/maildirfolder", 0 }, { "joe/maildirsize", 0 },
		{ "joe/other", 0 }, { "outside", 0 }, { "outdoors", 1 },
	};
	struct sockaddr_in address = { .sin_family = AF_INET };

	for (size_t i = 0; i < sizeof(things) / sizeof(things[0]); i++)
		make(things[i].name, things[i].is_directory);
	assert_int_equal(chmod(scratch_path("outside"), 0666), 0);
	snprintf(given.outside, sizeof(given.outside), "%s",
		scratch_path("outside"));
	snprintf(given.outside_directory, sizeof(given.outside_directory),
		"%s", scratch_path("outdoors"));
	assert_int_equal(symlink(given.outside,
		scratch_path("joe/.Sub/cur/link")), 0);
	given.maildir_fd = open(scratch_path("joe/.Sub"),
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	given.above_fd = open(scratch_path("joe/maildirsize"),
		O_PATH | O_NOFOLLOW | O_CLOEXEC);
	given.tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	given.unix_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(given.maildir_fd >= 0 && given.above_fd >= 0 &&
		given.tcp_fd >= 0 && given.unix_fd >= 0);
	assert_int_equal(bind(given.tcp_fd, (struct sockaddr *)&address,
		sizeof(address)), 0);
}

static void end_world(void)
{
	close(given.maildir_fd);
	close(given.above_fd);
	close(given.tcp_fd);
	close(given.unix_fd);
}

/* --- what is attempted; each returns as a system call does --- */

static long read_passwd(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long write_outside(void)
{
	return open(given.outside, O_WRONLY | O_CLOEXEC);
}

static long create_outside(void)
{
	char path[2 * SCRATCH_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/new", given.outside_directory);
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long read_own_memory(void)
{
	return open("/proc/self/mem", O_RDWR | O_CLOEXEC);
}

static long open_link_out(void)
{
	return openat(given.maildir_fd, "cur/link", O_RDONLY | O_CLOEXEC);
}

static long open_dots_out(void)
{
	return openat(given.maildir_fd, "../other", O_RDONLY | O_CLOEXEC);
}

static long list_parent(void)
{
	return openat(given.maildir_fd, "..", O_RDONLY | O_DIRECTORY);
}

static long write_quota_above(void)
{
	return openat(given.maildir_fd, "../maildirsize",
		O_RDWR | O_APPEND | O_CLOEXEC);
}

static long remove_outside(void)
{
	return unlinkat(AT_FDCWD, given.outside, 0);
}

static long move_out(void)
{
	char path[2 * SCRATCH_PATH_BYTES];

	snprintf(path, sizeof(path), "%s/1.a", given.outside_directory);
	return renameat(given.maildir_fd, "new/1.a", AT_FDCWD, path);
}

static long move_in(void)
{
	return renameat(AT_FDCWD, given.outside, given.maildir_fd,
		"new/stolen");
}

static long link_in(void)
{
	return linkat(AT_FDCWD, given.outside, given.maildir_fd,
		"new/stolen", 0);
}

static long make_symlink(void)
{
	return symlinkat("/etc/passwd", given.maildir_fd, "new/symlink");
}

static long make_fifo(void)
{
	return mknodat(given.maildir_fd, "new/fifo", S_IFIFO | 0600, 0);
}

static long change_mode(void)
{
	return fchmod(given.maildir_fd, 0777);
}

static long stat_outside(void)
{
	struct stat status;

	return fstatat(AT_FDCWD, given.outside, &status, AT_SYMLINK_NOFOLLOW);
}

static long make_tcp_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long make_unix_socket(void)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static long make_netlink_socket(void)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

static long connect_unix(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
		.sun_path = "/dev/log" };

	return connect(given.unix_fd, (struct sockaddr *)&address,
		sizeof(address));
}

static long listen_tcp(void)
{
	return listen(given.tcp_fd, 1);
}

static long bind_unix(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	return bind(given.unix_fd, (struct sockaddr *)&address,
		sizeof(sa_family_t));
}

static long make_pair(void)
{
	int fds[2];

	return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static long run_program(void)
{
	char *const argv[] = { (char *)"/bin/true", NULL };

	return execve(argv[0], argv, argv + 1);
}

static long clone_process(void)
{
#ifdef __s390__
	long pid = syscall(SYS_clone, 0, SIGCHLD, 0, 0, 0);
#else
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif

	if (pid == 0)
		_exit(0);
	return pid;
}

static long clone_process_newly(void)
{
	return syscall(435, NULL, 0);
}

static void *do_nothing(void *context)
{
	return context;
}

static long start_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, do_nothing, NULL);

	errno = error;
	return error != 0 ? -1 : pthread_join(thread, NULL);
}

static long trace_parent(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long read_parent(void)
{
	char octet;
	struct iovec here = { &octet, 1 }, there = { &octet, 1 };

	return process_vm_readv(getppid(), &here, 1, &there, 1, 0);
}

static long signal_parent(void)
{
	return kill(getppid(), 0);
}

static long abort_thread(void)
{
	return syscall(SYS_tgkill, getpid(), getpid(), 0);
}

static long map_code(void)
{
	void *map = mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? -1 : 0;
}

static long make_code(void)
{
	static char page[8192];
	uintptr_t start = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;

	return mprotect((void *)start, 4096, PROT_READ | PROT_EXEC);
}

static long become_root(void)
{
	return (long)syscall(SYS_setresuid, 0, 0, 0);
}

static long change_root(void)
{
	return chroot("/");
}

static long leave_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long mount_something(void)
{
	return mount("none", "/", "tmpfs", 0, NULL);
}

static long start_ring(void)
{
	return syscall(425, 1, NULL);
}

static long load_bpf(void)
{
	return syscall(SYS_bpf, 0, NULL, 0);
}

static long become_traceable(void)
{
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static long raise_limit(void)
{
	struct rlimit limit = { 64, 64 };

	return setrlimit(RLIMIT_NPROC, &limit);
}

static long own_socket(void)
{
	return fcntl(given.tcp_fd, F_SETOWN, getppid());
}

static long ask_terminal(void)
{
	int count;

	return ioctl(given.unix_fd, FIONREAD, &count);
}

static long make_memfd(void)
{
	return syscall(SYS_memfd_create, "listing", MFD_ALLOW_SEALING);
}

static long take_message(void)
{
	return renameat(given.maildir_fd, "new/1.a", given.maildir_fd,
		"cur/1.a:2,S");
}

static long write_inside(void)
{
	int fd = openat(given.maildir_fd, "index", O_RDWR | O_CREAT |
		O_CLOEXEC, 0600);

	if (fd < 0 || pwrite(fd, "x", 1, 0) != 1 || ftruncate(fd, 0) < 0 ||
			fsync(fd) < 0 || flock(fd, LOCK_EX) < 0)
		return -1;
	return unlinkat(given.maildir_fd, "index", 0);
}

static long make_trash(void)
{
	return mkdirat(given.maildir_fd, ".Trash", 0700);
}

#ifdef __x86_64__
/* The same process, by the numbers of another kind. */
static long call_as_x32(void)
{
	return syscall(0x40000000 | SYS_getpid);
}
#endif

static const struct attempt {
	const char *what;
	long (*act)(void);
	int worker, signer, keeper;
} attempts[] = {
	{ "read /etc/passwd", read_passwd, NO_OPEN, NO_OPEN, EACCES },
	{ "write to a file", write_outside, NO_OPEN, NO_OPEN, EACCES },
	{ "create a file", create_outside, NO_OPEN, NO_OPEN, EACCES },
	{ "open /proc/self/mem", read_own_memory, NO_OPEN, NO_OPEN, EACCES },
	{ "follow a link out", open_link_out, NO_OPEN, NO_OPEN, EACCES },
	{ "go up by dots", open_dots_out, NO_OPEN, NO_OPEN, EACCES },
	{ "list the parent", list_parent, NO_OPEN, NO_OPEN, EACCES },
	{ "open maildirsize", write_quota_above, NO_OPEN, NO_OPEN, 0 },
	{ "remove a file", remove_outside, KILLED, KILLED, EACCES },
	{ "move a message out", move_out, KILLED, KILLED, EACCES },
	{ "move a file in", move_in, KILLED, KILLED, EACCES },
	{ "link a file in", link_in, KILLED, KILLED, EXDEV },
	{ "make a link", make_symlink, KILLED, KILLED, KILLED },
	{ "make a fifo", make_fifo, KILLED, KILLED, KILLED },
	{ "change a mode", change_mode, KILLED, KILLED, KILLED },
	{ "stat by name", stat_outside, ENOSYS, ENOSYS, 0 },
	{ "make a TCP socket", make_tcp_socket, KILLED, KILLED, EPERM },
	{ "make a local socket", make_unix_socket, KILLED, KILLED, EPERM },
	{ "make a netlink one", make_netlink_socket, KILLED, KILLED, EPERM },
	{ "connect a socket", connect_unix, KILLED, KILLED, EPERM },
	{ "listen", listen_tcp, KILLED, KILLED, KILLED },
	{ "bind a socket", bind_unix, KILLED, KILLED, KILLED },
	{ "make a socket pair", make_pair, KILLED, KILLED, KILLED },
	{ "run a program", run_program, KILLED, KILLED, KILLED },
	{ "make a process", clone_process, KILLED, KILLED, KILLED },
	{ "use clone3()", clone_process_newly, ENOSYS, ENOSYS, ENOSYS },
	{ "start a thread", start_thread, KILLED, KILLED, 0 },
	{ "trace another", trace_parent, KILLED, KILLED, KILLED },
	{ "read another", read_parent, KILLED, KILLED, KILLED },
	{ "signal another", signal_parent, KILLED, KILLED, KILLED },
	{ "signal a thread", abort_thread, KILLED, KILLED, KILLED },
#ifndef __s390__
	{ "map code", map_code, KILLED, KILLED, KILLED },
#endif
	{ "make code", make_code, KILLED, KILLED, KILLED },
	{ "become root", become_root, KILLED, KILLED, KILLED },
	{ "change the root", change_root, KILLED, KILLED, KILLED },
	{ "enter a namespace", leave_namespace, KILLED, KILLED, KILLED },
	{ "mount", mount_something, KILLED, KILLED, KILLED },
	{ "use io_uring", start_ring, KILLED, KILLED, KILLED },
	{ "use bpf()", load_bpf, KILLED, KILLED, KILLED },
	{ "be traceable", become_traceable, ENOSYS, ENOSYS, ENOSYS },
	{ "raise a limit", raise_limit, ENOSYS, ENOSYS, ENOSYS },
	{ "own a socket", own_socket, ENOSYS, ENOSYS, ENOSYS },
	{ "use another ioctl()", ask_terminal, ENOSYS, ENOSYS, ENOSYS },
	{ "make a memfd", make_memfd, KILLED, KILLED, 0 },
	{ "take a message", take_message, KILLED, KILLED, 0 },
	{ "write inside", write_inside, NO_OPEN, NO_OPEN, 0 },
	{ "make a folder", make_trash, KILLED, KILLED, 0 },
#ifdef __x86_64__
	{ "be of another kind", call_as_x32, KILLED, KILLED, KILLED },
#endif
};

/* --- how a process gets there --- */

static int confine_as(const struct sandbox *sandbox, enum filter_phase phase,
	int root_fd)
{
	struct confine_identity who = { mail_uid(), (gid_t)mail_uid(), NULL };
	int is_keeper = phase == FILTER_KEEPER;

	if (is_keeper && confine_become(&who) < 0)
		return -1;
	if (!is_keeper && confine_to(root_fd, geteuid() == 0 ? &who : NULL,
			64) < 0)
		return -1;
	return is_keeper ? sandbox_enter(sandbox, phase, given.maildir_fd,
		given.above_fd) : sandbox_enter(sandbox, phase, -1, -1);
}

/* What becomes of 'act' in a process that is confined as 'phase'. */
static int outcome(const struct sandbox *sandbox, enum filter_phase phase,
	long (*act)(void))
{
	int root_fd = confine_empty_directory(), status;
	pid_t pid = fork();

	assert_true(pid >= 0 && root_fd >= 0);
	if (pid == 0) {
		if (confine_as(sandbox, phase, root_fd) < 0)
			_exit(255);
		_exit(act() < 0 ? errno : 0);
	}
	close(root_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* As much as this test is about; other kernels have less. */
static struct sandbox *whole_sandbox(void)
{
	struct sandbox *sandbox = sandbox_new(SANDBOX_REQUIRE);

	if (sandbox == NULL) {
		print_message("# this kernel or build can't confine all\n");
		skip();
	}
	return sandbox;
}

static void expect_all(enum filter_phase phase)
{
	struct sandbox *sandbox = whole_sandbox();
	int wrong = 0;

	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *attempt = &attempts[i];
		int wanted = phase == FILTER_WORKER ? attempt->worker :
			phase == FILTER_SIGNER ? attempt->signer :
			attempt->keeper;
		int got = outcome(sandbox, phase, attempt->act);
		if (got == wanted)
			continue;
		wrong++;
		print_message("# %s: %d instead of %d\n", attempt->what, got,
			wanted);
	}
	sandbox_free(sandbox);
	assert_int_equal(wrong, 0);
}

static int setup(void **state)
{
	int status = scratch_setup(state);

	if (status == 0)
		make_world();
	return status;
}

static int teardown(void **state)
{
	end_world();
	return scratch_teardown(state);
}

static void a_worker_can_do_none_of_it(void **state)
{
	(void)state;
	expect_all(FILTER_WORKER);
}

static void a_signer_can_do_none_of_it(void **state)
{
	(void)state;
	expect_all(FILTER_SIGNER);
}

static void a_keeper_can_do_its_work_alone(void **state)
{
	(void)state;
	expect_all(FILTER_KEEPER);
}

/* Landlock alone: it holds where a filter would let a call pass. */
static int outcome_in_fence(int version, int directory_fd, long (*act)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
				fence_enter(version, directory_fd, -1) < 0)
			_exit(255);
		_exit(act() < 0 ? errno : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void landlock_alone_holds_even_root(void **state)
{
	int version = fence_version();

	(void)state;
	if (version < 1)
		skip();
	assert_int_equal(outcome_in_fence(version, -1, read_passwd), EACCES);
	assert_int_equal(outcome_in_fence(version, -1, take_message), EACCES);
	assert_int_equal(outcome_in_fence(version, -1, run_program), EACCES);
	if (version >= 2)
		assert_int_equal(outcome_in_fence(version, given.maildir_fd,
			take_message), 0);
	if (version >= 6)
		assert_int_equal(outcome_in_fence(version, -1, signal_parent),
			EPERM);
}

/* Each version is one that some kernel has; the newest knows them all. */
static void each_version_of_landlock_is_asked_right(void **state)
{
	int newest = fence_version();

	(void)state;
	if (newest < 1)
		skip();
	for (int version = 1; version <= newest; version++)
		assert_int_equal(outcome_in_fence(version, -1, read_passwd),
			EACCES);
	/* A version of the future is used as far as we know it. */
	assert_int_equal(outcome_in_fence(newest + 100, -1, read_passwd),
		EACCES);
}

static void switched_off_it_does_nothing(void **state)
{
	struct sandbox *sandbox = sandbox_new(SANDBOX_OFF);

	(void)state;
	assert_non_null(sandbox);
	assert_int_equal(outcome(sandbox, FILTER_KEEPER, read_passwd), 0);
	assert_int_equal(outcome(NULL, FILTER_KEEPER, read_passwd), 0);
	sandbox_log(sandbox);
	assert_non_null(strstr(scratch_errors(), "sandbox = off"));
	sandbox_free(sandbox);
}

static void each_call_has_its_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < filter_call_count; i++) {
		const struct filter_call *call = &filter_calls[i];
		assert_true(*call->name != '\0' && *call->reason != '\0');
		assert_in_range(call->phases, 1, FILTER_ALL);
		assert_in_range(call->argument, 0, 5);
		assert_true((call->value & ~call->mask) == 0);
	}
}

#define WORLD_CASE(sentence, function) \
	{ sentence, function, setup, teardown, NULL }

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_CASE("a worker can do nothing that needs a file, a "
			"socket or a process", a_worker_can_do_none_of_it),
		WORLD_CASE("a signer can do nothing that needs a file, a "
			"socket or a process", a_signer_can_do_none_of_it),
		WORLD_CASE("a keeper can do its work in its Maildir, and "
			"nothing else", a_keeper_can_do_its_work_alone),
		WORLD_CASE("Landlock alone keeps even root from files and "
			"processes", landlock_alone_holds_even_root),
		WORLD_CASE("each version of Landlock is asked for what it "
			"knows", each_version_of_landlock_is_asked_right),
		WORLD_CASE("a sandbox that is off forbids nothing, and says "
			"so", switched_off_it_does_nothing),
		PLAIN_CASE("each permitted call has its reason",
			each_call_has_its_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
