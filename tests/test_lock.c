/*
 * test_lock.c - one session per maildrop, between real processes
 */
#include "config.h"

#include "maildir/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "maildir_fixture.h"

/* What a try to take the lock in another process came to. */
enum { TAKEN, IN_USE, FAILED };

static int try_lock(struct fixture *fixture)
{
	struct lock lock;

	if (lock_take(&lock, fixture->root_fd, "192.0.2.1") == 0) {
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
	assert_int_equal(lock_take(lock, fixture->root_fd, "192.0.2.1"), 0);
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

	if (lock_take(&lock, fixture->root_fd, "192.0.2.1") < 0 ||
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
	assert_int_equal(lock_take(&lock, fixture->root_fd, "192.0.2.1"), -1);
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

/* The lock file, and whether anything but one line of ours is in it. */
static void assert_one_line(struct fixture *fixture)
{
	struct holder holder;
	struct stat status;
	time_t now = time(NULL);

	assert_int_equal(lock_holder(fixture->root_fd, &holder), 0);
	assert_string_equal(holder.address, "192.0.2.1");
	assert_true(holder.since_s <= now && holder.since_s > now - 600);
	assert_int_equal(fstatat(fixture->root_fd, "postern.lock", &status, 0),
		0);
	assert_true(status.st_size <= HOLDER_LINE_OCTETS);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
}

static void tells_holder(void **state)
{
	struct fixture *fixture = *state;
	char text[1000];
	struct lock lock;

	take(fixture, &lock);
	assert_one_line(fixture);
	lock_release(&lock);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	fixture_write(fixture, "postern.lock", text);
	assert_int_equal(fchmodat(fixture->root_fd, "postern.lock", 0600, 0),
		0);
	take(fixture, &lock);
	assert_one_line(fixture);
	lock_release(&lock);
}

/* Nobody is told as the holder of the lock. */
static void assert_untold(struct fixture *fixture)
{
	struct holder holder;

	assert_int_equal(lock_holder(fixture->root_fd, &holder), -1);
}

static void hostile_holder(void **state)
{
	struct fixture *fixture = *state;

	assert_untold(fixture);
	fixture_write(fixture, "postern.lock", "");
	assert_untold(fixture);
	fixture_write(fixture, "postern.lock", "postern 1 \r\n+OK\r\n");
	assert_untold(fixture);
	int fd = openat(fixture->root_fd, "postern.lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
	close(fd);
	assert_untold(fixture);
	fixture_remove(fixture, "postern.lock");
	assert_int_equal(mkfifoat(fixture->root_fd, "postern.lock", 0600), 0);
	assert_untold(fixture);
	fixture_remove(fixture, "postern.lock");
	assert_int_equal(symlinkat("/etc/passwd", fixture->root_fd,
		"postern.lock"), 0);
	assert_untold(fixture);
}

static void nobody_came(void **state)
{
	struct lock lock;

	take(*state, &lock);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(try_elsewhere(*state), IN_USE);
		assert_int_equal(lock_let_go(&lock), 0);
		assert_true(lock.is_let_go);
		assert_int_equal(lock_let_go(&lock), 0);
		assert_int_equal(lock_take_again(&lock), 0);
		assert_false(lock.is_let_go);
		assert_int_equal(lock_take_again(&lock), 0);
	}
	assert_int_equal(try_elsewhere(*state), IN_USE);
	assert_one_line(*state);
	lock_release(&lock);
}

/* The lock is lost for good, and others can have it. */
static void assert_lost(struct fixture *fixture, struct lock *lock, int error)
{
	assert_int_equal(lock_take_again(lock), -1);
	assert_int_equal(errno, error);
	assert_true(lock->is_let_go);
	assert_int_equal(lock->root_fd, -1);
	assert_int_equal(lock->file_fd, -1);
	assert_int_equal(lock_take_again(lock), -1);
	assert_int_equal(errno, ESTALE);
	assert_int_equal(lock_let_go(lock), -1);
	assert_int_equal(errno, ESTALE);
	if (error == ESTALE)
		assert_int_equal(try_elsewhere(fixture), TAKEN);
}

static void another_was_there(void **state)
{
	struct lock lock;

	take(*state, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	assert_int_equal(try_elsewhere(*state), TAKEN);
	assert_lost(*state, &lock, ESTALE);

	take(*state, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	assert_int_equal(try_elsewhere(*state), TAKEN);
	assert_int_equal(lock_let_go(&lock), -1);
	assert_int_equal(errno, ESTALE);
	assert_lost(*state, &lock, ESTALE);
}

static void a_reader_was_there(void **state)
{
	struct fixture *fixture = *state;
	struct lock lock, reader;

	take(fixture, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	take(fixture, &reader);
	assert_int_equal(lock_let_go(&reader), 0);
	assert_int_equal(lock_take_again(&reader), 0);
	lock_give_back(&reader);
	assert_int_equal(lock_let_go(&lock), 0);
	assert_int_equal(lock_take_again(&lock), 0);
	assert_int_equal(try_elsewhere(fixture), IN_USE);
	assert_one_line(fixture);

	/* But nobody gives back what is not theirs any more. */
	assert_int_equal(lock_let_go(&lock), 0);
	take(fixture, &reader);
	assert_int_equal(lock_let_go(&reader), 0);
	assert_int_equal(try_elsewhere(fixture), TAKEN);
	lock_give_back(&reader);
	assert_lost(fixture, &lock, ESTALE);
}

static void another_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct lock first, second, third;

	take(fixture, &first);
	assert_int_equal(lock_let_go(&first), 0);
	take(fixture, &second);
	assert_int_equal(lock_let_go(&second), 0);
	take(fixture, &third);
	assert_lost(fixture, &first, EWOULDBLOCK);
	assert_int_equal(lock_let_go(&second), -1);
	assert_int_equal(errno, ESTALE);
	/* They took nothing from the third. */
	assert_int_equal(try_elsewhere(fixture), IN_USE);
	assert_one_line(fixture);
	assert_int_equal(lock_let_go(&third), 0);
	assert_int_equal(lock_take_again(&third), 0);
	lock_release(&third);
}

static void let_go_to_other_host(void **state)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct fixture *fixture = *state;
	struct lock lock;

	/* As over NFS: it holds the file, and has not signed yet. */
	take(fixture, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	int fd = openat(fixture->root_fd, "postern.lock", O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_SETLK, &whole), 0);
	assert_lost(fixture, &lock, EWOULDBLOCK);
	close(fd);
}

/* Put a copy of the lock file in its place: only the inode is another. */
static void replace(struct fixture *fixture)
{
	char line[HOLDER_LINE_OCTETS + 1] = "";
	int fd = openat(fixture->root_fd, "postern.lock", O_RDONLY);

	assert_true(read(fd, line, HOLDER_LINE_OCTETS) > 0);
	close(fd);
	fixture_write(fixture, "copy", line);
	fixture_rename(fixture, "copy", "postern.lock");
}

static void replaced_file(void **state)
{
	struct fixture *fixture = *state;
	struct lock lock;

	take(fixture, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	replace(fixture);
	assert_lost(fixture, &lock, ESTALE);
	take(fixture, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	fixture_remove(fixture, "postern.lock");
	assert_lost(fixture, &lock, ESTALE);
	take(fixture, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	fixture_write(fixture, "postern.lock", "");
	assert_int_equal(lock_let_go(&lock), -1);
	assert_lost(fixture, &lock, ESTALE);
}

/* A lock that can't say whose it is: it must stay. */
static int assert_stays(struct fixture *fixture)
{
	struct lock lock;

	if (lock_take(&lock, fixture->root_fd, "192.0.2.1") < 0)
		return 10;
	if (lock_let_go(&lock) < 0 || lock_let_go(&lock) < 0)
		return 11;
	if (lock.is_let_go || try_lock(fixture) != IN_USE)
		return 12;
	if (lock_take_again(&lock) < 0 || try_lock(fixture) != IN_USE)
		return 13;
	lock_release(&lock);
	return try_lock(fixture);
}

static void unsigned_stays(void **state)
{
	struct fixture *fixture = *state;
	struct stat status;

	fixture_write(fixture, "other", "somebody's");
	assert_int_equal(linkat(fixture->root_fd, "other", fixture->root_fd,
		"postern.lock", 0), 0);
	assert_int_equal(assert_stays(fixture), TAKEN);
	assert_int_equal(fstatat(fixture->root_fd, "other", &status, 0), 0);
	assert_int_equal(status.st_size, 10);
	fixture_remove(fixture, "postern.lock");
	assert_int_equal(fchmod(fixture->root_fd, 0500), 0);
	assert_int_equal(fixture_as_nobody(fixture, assert_stays), TAKEN);
}

/* As on a full disk: no file grows.  In a child. */
static int take_without_room(struct fixture *fixture)
{
	struct rlimit none = { 0, 0 };
	struct holder holder;

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
			setrlimit(RLIMIT_FSIZE, &none) < 0)
		return 20;
	int status = assert_stays(fixture);
	return lock_holder(fixture->root_fd, &holder) == 0 ? 21 : status;
}

static void full_disk(void **state)
{
	struct fixture *fixture = *state;
	struct lock lock;

	take(fixture, &lock);
	assert_int_equal(lock_let_go(&lock), 0);
	assert_int_equal(fixture_as_nobody(fixture, take_without_room),
		TAKEN);
	assert_lost(fixture, &lock, ESTALE);
}

/* What the sessions of the race share: who is in, and how many have been. */
struct race {
	struct fixture *fixture;
	int visits_fd;
};

static void enter(const struct race *race)
{
	int fd = openat(race->fixture->root_fd, "in", O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		_exit(1);
	close(fd);
}

static void leave(const struct race *race)
{
	if (unlinkat(race->fixture->root_fd, "in", 0) < 0)
		_exit(2);
}

static off_t visits(const struct race *race)
{
	struct stat status;

	if (fstat(race->visits_fd, &status) < 0)
		_exit(3);
	return status.st_size;
}

/* Let go and take again, until another session was there. */
static void be_silent(const struct race *race, struct lock *lock)
{
	for (int i = 0; i < 5; i++) {
		off_t before = visits(race);
		leave(race);
		if (lock_let_go(lock) < 0)
			_exit(4);
		(void)sched_yield();
		if (lock_take_again(lock) < 0)
			return;
		enter(race);
		if (visits(race) != before)
			_exit(5);
	}
	leave(race);
	lock_release(lock);
}

static void race(const struct race *race)
{
	struct lock lock;

	for (int i = 0; i < 300; i++) {
		if (lock_take(&lock, race->fixture->root_fd, "::1") < 0) {
			if (errno != EWOULDBLOCK)
				_exit(6);
			(void)sched_yield();
			continue;
		}
		enter(race);
		if (write(race->visits_fd, "!", 1) != 1)
			_exit(7);
		be_silent(race, &lock);
	}
	_exit(0);
}

static void races(void **state)
{
	struct race shared = { .fixture = *state };
	pid_t pids[6];
	int status;

	shared.visits_fd = openat(shared.fixture->root_fd, "visits",
		O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	for (size_t i = 0; i < 6; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			race(&shared);
	}
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_true(visits(&shared) >= 6);
	close(shared.visits_fd);
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

	if (lock_take(&lock, fixture->root_fd, "192.0.2.1") < 0)
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
	assert_int_equal(lock_take(&lock, fd, "192.0.2.1"), -1);
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
		CASE("the lock file tells since when and from where, no more",
			tells_holder),
		CASE("what others wrote into the lock file is not told",
			hostile_holder),
		CASE("a lock that is let go is had back if nobody came",
			nobody_came),
		CASE("a lock that another has had is lost for good",
			another_was_there),
		CASE("a lock that a reader gave back is not lost",
			a_reader_was_there),
		CASE("a lock that another has is lost for good",
			another_is_there),
		CASE("a lock on the file alone is respected by who let go",
			let_go_to_other_host),
		CASE("who let go and finds another lock file has lost",
			replaced_file),
		CASE("a lock that can't be signed is never let go",
			unsigned_stays),
		CASE("where nothing can be written, no old name stays",
			full_disk),
		CASE("of sessions that let go at once never two are in",
			races),
		CASE("an odd lock file is not touched, the directory locks",
			file_is_odd),
		CASE("a read-only Maildir is locked by its directory",
			read_only),
		CASE("what is no directory can't be locked", no_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
