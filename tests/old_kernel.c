/*
 * old_kernel.c - run a program as a kernel without seccomp or Landlock would
 *
 * Usage: old_kernel no-seccomp|no-landlock|neither PROGRAM [ARGUMENT...]
 *
 * A filter answers the calls in question as such a kernel does; the program,
 * and all that it starts, can't tell the difference.
 */
#include "config.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LANDLOCK_FIRST 444
#define LANDLOCK_LAST 446
#define CALL_SECCOMP SYS_seccomp

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define LOW_HALF 4
#else
#define LOW_HALF 0
#endif

#define LOAD(offset) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)
#define LOAD_CALL LOAD(offsetof(struct seccomp_data, nr))
#define LOAD_FIRST LOAD(offsetof(struct seccomp_data, args[0]) + LOW_HALF)
#define UNLESS(what, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, what, 0, count)
#define IF_BELOW(what, count) \
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, what, 0, count)
#define IF_ABOVE(what, count) \
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, what, count, 0)
#define ANSWER(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define PERMIT BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static struct sock_filter no_seccomp[] = {
	LOAD_CALL,
	UNLESS(CALL_SECCOMP, 1),
	ANSWER(ENOSYS),
	UNLESS(SYS_prctl, 3),
	LOAD_FIRST,
	UNLESS(PR_SET_SECCOMP, 1),
	ANSWER(EINVAL),
	PERMIT,
};

static struct sock_filter no_landlock[] = {
	LOAD_CALL,
	IF_BELOW(LANDLOCK_FIRST, 2),
	IF_ABOVE(LANDLOCK_LAST, 1),
	ANSWER(ENOSYS),
	PERMIT,
};

static void put(struct sock_filter *code, size_t count)
{
	struct sock_fprog program = {
		.len = (unsigned short)count, .filter = code,
	};

	/* Without a privilege this is what permits it. */
	if (geteuid() != 0)
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0)
		return;
	perror("old_kernel");
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return EXIT_FAILURE;
	if (strcmp(argv[1], "no-seccomp") != 0)
		put(no_landlock, sizeof(no_landlock) / sizeof(*no_landlock));
	if (strcmp(argv[1], "no-landlock") != 0)
		put(no_seccomp, sizeof(no_seccomp) / sizeof(*no_seccomp));
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return EXIT_FAILURE;
}
