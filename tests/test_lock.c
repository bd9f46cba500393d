/*
 * test_lock.c - one session per maildrop, between real processes
 */
#include "config.h"

#include "maildir/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "maildir_fixture.h"

/* What a try to take the lock in another process came to. */
enum { TAKEN, IN_USE, FAILED };

static int try_lock(struct fixture *fixture)
{
	struct lock lock;

	if (lock_take(&lock, fixture->root_fd) == 0) {
		lock_release(&lock);
		return TAKEN;
	}
	return errno == EWOULDBLOCK ? IN_USE : FAILED;
}

/* Try in a child, with a descriptor of its own. */
static int try_elsewhere(struct fixture *fixture)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fixture->root_fd = open(fixture->root,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		_exit(try_lock(fixture));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void take(struct fixture *fixture, struct lock *lock)
{
	assert_int_equal(lock_take(lock, fixture->root_fd), 0);
}

static void exclusive(void **state)
{
	struct lock lock;

	take(*state, &lock);
	assert_true(lock.root_fd >= 0);
	assert_true(lock.file_fd >= 0);
	assert_int_equal(try_elsewhere(*state), IN_USE);
	assert_int_equal(try_elsewhere(*state), IN_USE);
	lock_release(&lock);
	assert_int_equal(try_elsewhere(*state), TAKEN);
	take(*state, &lock);
	lock_release(&lock);
}

static void same_process(void **state)
{
	struct lock lock;

	take(*state, &lock);
	assert_int_equal(try_lock(*state), IN_USE);
	assert_int_equal(try_elsewhere(*state), IN_USE);
	lock_release(&lock);
	assert_int_equal(lock.root_fd, -1);
	assert_int_equal(lock.file_fd, -1);
	lock_release(&lock);
}

/* Another process, which knows nothing of the directory, sees the lock. */
static void assert_file_is_locked(struct fixture *fixture)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd, status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fd = openat(fixture->root_fd, "postern.lock", O_RDWR);
		_exit(fcntl(fd, F_GETLK, &whole) == 0 &&
			whole.l_type == F_WRLCK ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void descriptor_of_caller(void **state)
{
	struct fixture *fixture = *state;
	struct lock lock;
	int fd;

	take(fixture, &lock);
	fd = openat(fixture->root_fd, "postern.lock", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	close(fixture->root_fd);
	fixture->root_fd = open(fixture->root,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(try_elsewhere(fixture), IN_USE);
	assert_file_is_locked(fixture);
	lock_release(&lock);
}

/* In a child: take the lock, say so, and wait to be killed. */
static void hold(struct fixture *fixture, int ready_fd)
{
	struct lock lock;

	if (lock_take(&lock, fixture->root_fd) < 0 ||
		write(ready_fd, "!", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

static void killed_holder(void **state)
{
	struct fixture *fixture = *state;
	int ready[2], status;
	char octet;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		hold(fixture, ready[1]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &octet, 1), 1);
	close(ready[0]);
	assert_int_equal(try_lock(fixture), IN_USE);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(try_lock(fixture), TAKEN);
}

static void other_host(void **state)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct fixture *fixture = *state;
	int fd, probe_fd;

	/* As over NFS: the file is locked, the directory is not. */
	fixture_write(fixture, "postern.lock", "");
	fd = openat(fixture->root_fd, "postern.lock", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_SETLK, &whole), 0);
	assert_int_equal(try_elsewhere(fixture), IN_USE);
	/* What was refused keeps nothing. */
	probe_fd = open(fixture->root, O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(probe_fd, LOCK_EX | LOCK_NB), 0);
	close(probe_fd);
	close(fd);
	assert_int_equal(try_elsewhere(fixture), TAKEN);
}

static void refused_keeps_nothing(void **state)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct fixture *fixture = *state;
	struct lock lock;
	int fd;

	fd = openat(fixture->root_fd, ".", O_RDONLY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(lock_take(&lock, fixture->root_fd), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(lock.root_fd, -1);
	assert_int_equal(lock.file_fd, -1);
	assert_false(fixture_has(fixture, "postern.lock"));
	close(fd);
	fixture_write(fixture, "postern.lock", "");
	fd = openat(fixture->root_fd, "postern.lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETLK, &whole), 0);
	assert_int_equal(whole.l_type, F_UNLCK);
	close(fd);
}

static void no_data(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;
	struct lock lock;

	fixture_write(fixture, "postern.lock", "somebody's");
	take(fixture, &lock);
	lock_release(&lock);
	assert_int_equal(fstatat(fixture->root_fd, "postern.lock", &status, 0),
		0);
	assert_int_equal(status.st_size, 10);
	fixture_remove(fixture, "postern.lock");
	take(fixture, &lock);
	lock_release(&lock);
	assert_int_equal(fstatat(fixture->root_fd, "postern.lock", &status, 0),
		0);
	assert_int_equal(status.st_size, 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
}

static void assert_directory_alone(struct fixture *fixture)
{
	struct lock lock;

	take(fixture, &lock);
	assert_true(lock.root_fd >= 0);
	assert_int_equal(lock.file_fd, -1);
	assert_int_equal(try_elsewhere(fixture), IN_USE);
	lock_release(&lock);
	assert_int_equal(try_elsewhere(fixture), TAKEN);
}

static void file_is_odd(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(symlinkat("elsewhere", fixture->root_fd,
		"postern.lock"), 0);
	assert_directory_alone(fixture);
	assert_false(fixture_has(fixture, "elsewhere"));
	fixture_remove(fixture, "postern.lock");
	assert_int_equal(mkfifoat(fixture->root_fd, "postern.lock", 0600), 0);
	assert_directory_alone(fixture);
	fixture_remove(fixture, "postern.lock");
	assert_int_equal(mkdirat(fixture->root_fd, "postern.lock", 0700), 0);
	assert_directory_alone(fixture);
}

static int lock_read_only(struct fixture *fixture)
{
	struct lock lock;

	if (lock_take(&lock, fixture->root_fd) < 0)
		return 10;
	if (lock.root_fd < 0 || lock.file_fd >= 0)
		return 11;
	if (try_lock(fixture) != IN_USE)
		return 12;
	lock_release(&lock);
	return try_lock(fixture);
}

static void read_only(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fchmod(fixture->root_fd, 0500), 0);
	assert_int_equal(fixture_as_nobody(fixture, lock_read_only), TAKEN);
	assert_false(fixture_has(fixture, "postern.lock"));
}

static void no_directory(void **state)
{
	struct fixture *fixture = *state;
	struct lock lock;
	int fd;

	fixture_write(fixture, "file", "");
	fd = openat(fixture->root_fd, "file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(lock_take(&lock, fd), -1);
	assert_int_equal(errno, ENOTDIR);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("while one process has the lock, no other gets it",
			exclusive),
		CASE("a second session in one process doesn't get the lock",
			same_process),
		CASE("closing the caller's descriptor doesn't end the lock",
			descriptor_of_caller),
		CASE("the lock ends when its holder is killed", killed_holder),
		CASE("a lock on the file alone is respected", other_host),
		CASE("who is refused keeps no lock and makes no file",
			refused_keeps_nothing),
		CASE("nothing is written to the lock file", no_data),
		CASE("an odd lock file is not touched, the directory locks",
			file_is_odd),
		CASE("a read-only Maildir is locked by its directory",
			read_only),
		CASE("what is no directory can't be locked", no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
