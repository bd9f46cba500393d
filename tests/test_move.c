/*
 * test_move.c - no file is ever replaced, with and without renameat2(2)
 */
#include "config.h"

#include "maildir/move.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "maildir_fixture.h"

/* What a check that runs in a child says of itself. */
#define SKIPPED 77

/* From now on renameat2(2) fails with 'error' in this process. */
static int forbid_renameat2(unsigned int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 4, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* What happens when the next file is unlinked. */
static enum { UNLINK_DOES, UNLINK_LOSES_ANSWER, UNLINK_COMES_LATE } next_unlink;

/*
 * In place of libc's: NFS may remove a file and lose the answer, and say ENOENT
 * when it is asked again; or another program was quicker and renamed it.
 */
int unlinkat(int directory_fd, const char *name, int flags)
{
	int now = next_unlink;

	next_unlink = UNLINK_DOES;
	if (now == UNLINK_COMES_LATE)
		(void)renameat(directory_fd, name, directory_fd,
			"new/1.a:2,F");
	int result = (int)syscall(SYS_unlinkat, directory_fd, name, flags);
	if (now != UNLINK_LOSES_ANSWER)
		return result;
	errno = ENOENT;
	return -1;
}

static ino_t inode_of(const struct fixture *fixture, const char *path)
{
	struct stat status;

	return fstatat(fixture->root_fd, path, &status,
		AT_SYMLINK_NOFOLLOW) == 0 ? status.st_ino : 0;
}

static int move(const struct fixture *fixture, const char *from,
	const char *to)
{
	return move_file(fixture->root_fd, from, fixture->root_fd, to);
}

/* Each returns 0, or the number of the line where it failed. */
#define EXPECT(condition) do { if (!(condition)) return __LINE__; } while (0)

static int check_free_name(struct fixture *fixture)
{
	ino_t inode = inode_of(fixture, "new/1.a");

	EXPECT(move(fixture, "new/1.a", "cur/1.a:2,") == 0);
	EXPECT(inode_of(fixture, "cur/1.a:2,") == inode);
	EXPECT(inode_of(fixture, "new/1.a") == 0);
	return 0;
}

static int check_taken_name(struct fixture *fixture)
{
	ino_t from = inode_of(fixture, "new/1.a");
	ino_t to = inode_of(fixture, "cur/2.b");

	EXPECT(move(fixture, "new/1.a", "cur/2.b") < 0 && errno == EEXIST);
	EXPECT(inode_of(fixture, "new/1.a") == from);
	EXPECT(inode_of(fixture, "cur/2.b") == to);
	return 0;
}

static int check_link_in_the_way(struct fixture *fixture)
{
	EXPECT(symlinkat("../new/1.a", fixture->root_fd, "cur/link") == 0);
	EXPECT(move(fixture, "new/1.a", "cur/link") < 0 && errno == EEXIST);
	EXPECT(inode_of(fixture, "new/1.a") != 0);
	return 0;
}

static int check_half_done(struct fixture *fixture)
{
	ino_t inode = inode_of(fixture, "new/1.a");

	EXPECT(linkat(fixture->root_fd, "new/1.a", fixture->root_fd,
		"cur/1.a:2,S", 0) == 0);
	EXPECT(move(fixture, "new/1.a", "cur/1.a:2,S") == 0);
	EXPECT(inode_of(fixture, "cur/1.a:2,S") == inode);
	EXPECT(inode_of(fixture, "new/1.a") == 0);
	return 0;
}

static int check_missing(struct fixture *fixture)
{
	EXPECT(move(fixture, "new/9.z", "cur/9.z") < 0 && errno == ENOENT);
	EXPECT(inode_of(fixture, "cur/9.z") == 0);
	EXPECT(move(fixture, "new/1.a", "tmp/1.a") < 0 && errno == ENOENT);
	EXPECT(inode_of(fixture, "new/1.a") != 0);
	return 0;
}

/* As when new/ and cur/ are the same directory, mounted twice. */
static int check_own_name(struct fixture *fixture)
{
	ino_t inode = inode_of(fixture, "new/1.a");

	EXPECT(move(fixture, "new/1.a", "new/1.a") == 0);
	EXPECT(inode_of(fixture, "new/1.a") == inode);
	return 0;
}

static int check_all(struct fixture *fixture)
{
	static int (*const checks[])(struct fixture *) = {
		check_taken_name, check_link_in_the_way, check_missing,
		check_own_name, check_half_done,
	};
	int line = 0;

	for (size_t i = 0; i < 5 && line == 0; i++)
		line = checks[i](fixture);
	return line;
}

static int check_all_without(struct fixture *fixture, unsigned int error)
{
	if (forbid_renameat2(error) < 0)
		return SKIPPED;
	EXPECT(syscall(SYS_renameat2, -1, "", -1, "", 0) < 0 &&
		errno == (int)error);
	return check_all(fixture);
}

static int check_all_without_kernel(struct fixture *fixture)
{
	return check_all_without(fixture, ENOSYS);
}

static int check_all_without_file_system(struct fixture *fixture)
{
	return check_all_without(fixture, EINVAL);
}

static int check_free_name_without(struct fixture *fixture)
{
	return forbid_renameat2(EINVAL) < 0 ? SKIPPED :
		check_free_name(fixture);
}

static int check_lost_answer(struct fixture *fixture)
{
	ino_t inode = inode_of(fixture, "new/1.a");

	if (forbid_renameat2(EINVAL) < 0)
		return SKIPPED;
	next_unlink = UNLINK_LOSES_ANSWER;
	EXPECT(move(fixture, "new/1.a", "cur/1.a:2,S") == 0);
	EXPECT(inode_of(fixture, "cur/1.a:2,S") == inode);
	return 0;
}

static int check_renamed_meanwhile(struct fixture *fixture)
{
	ino_t inode = inode_of(fixture, "new/1.a");

	if (forbid_renameat2(EINVAL) < 0)
		return SKIPPED;
	next_unlink = UNLINK_COMES_LATE;
	EXPECT(move(fixture, "new/1.a", "cur/1.a:2,S") < 0 &&
		errno == ENOENT);
	EXPECT(inode_of(fixture, "new/1.a:2,F") == inode);
	EXPECT(inode_of(fixture, "cur/1.a:2,S") == 0);
	return 0;
}

static void run(struct fixture *fixture, int (*check)(struct fixture *))
{
	fixture_write(fixture, "new/1.a", "one");
	fixture_write(fixture, "cur/2.b", "two");
	int result = fixture_as_nobody(fixture, check);
	if (result == SKIPPED)
		skip();
	assert_int_equal(result, 0);
}

static void to_a_free_name(void **state)
{
	run(*state, check_free_name);
	fixture_remove(*state, "cur/1.a:2,");
	run(*state, check_free_name_without);
}

static void with_renameat2(void **state)
{
	run(*state, check_all);
}

static void without_kernel(void **state)
{
	run(*state, check_all_without_kernel);
}

static void without_file_system(void **state)
{
	run(*state, check_all_without_file_system);
}

static void lost_answer(void **state)
{
	run(*state, check_lost_answer);
}

static void renamed_meanwhile(void **state)
{
	run(*state, check_renamed_meanwhile);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("a file gets a name that is free", to_a_free_name),
		CASE("nothing is replaced, and a move half done is ended",
			with_renameat2),
		CASE("the same on a kernel without renameat2",
			without_kernel),
		CASE("the same on a file system without RENAME_NOREPLACE",
			without_file_system),
		CASE("a file keeps its last name, whatever unlink says",
			lost_answer),
		CASE("a file that is renamed meanwhile gets no second name",
			renamed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
