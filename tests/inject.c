/*
 * inject.c - let a running process make one system call more
 *
 * Usage: inject PID NUMBER [ARGUMENT...]
 *
 * An argument is a number, or "=TEXT" for the address of that text, which is
 * put on the stack of the process.  The process must be waiting in a system
 * call; it goes on with that afterwards.  Prints "result N", or "killed N" with
 * the number of the signal that ended it.  Exits by 77 where it can't run.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CANT_RUN 77

#ifdef __x86_64__

/* What waitpid() shows of a stop at a call, with PTRACE_O_TRACESYSGOOD. */
#define CALL_STOP (SIGTRAP | 0x80)

#define MOST_ARGUMENTS 6
#define TEXT_BYTES 64

/* The instruction "syscall", and how far below the stack nobody looks. */
#define CALL_BYTES 2
#define CALL_OCTETS 0x050f
#define BELOW_STACK 4096

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void trace(int request, pid_t pid, void *data)
{
	if (ptrace(request, pid, NULL, data) < 0)
		fail("ptrace");
}

/* Returns what the process has stopped by; ends if it has ended. */
static int wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid)
		fail("waitpid");
	if (WIFSTOPPED(status))
		return WSTOPSIG(status);
	printf("killed %d\n", WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	exit(EXIT_SUCCESS);
}

static void go_to_call_stop(pid_t pid)
{
	do
		trace(PTRACE_SYSCALL, pid, NULL);
	while (wait_for(pid) != CALL_STOP);
}

/* Put a text where nothing of the process is; returns its address. */
static unsigned long put(pid_t pid, unsigned long at, const char *text)
{
	char octets[TEXT_BYTES] = "";

	snprintf(octets, sizeof(octets), "%s", text);
	for (size_t i = 0; i < sizeof(octets); i += sizeof(long)) {
		long word;
		memcpy(&word, octets + i, sizeof(word));
		if (ptrace(PTRACE_POKEDATA, pid, at + i, word) < 0)
			fail("poke");
	}
	return at;
}

static unsigned long argument(pid_t pid, unsigned long stack, int idx,
	const char *text)
{
	unsigned long at = ((stack - BELOW_STACK) & ~15UL) +
		(unsigned long)idx * TEXT_BYTES;

	return *text == '=' ? put(pid, at, text + 1) :
		(unsigned long)strtol(text, NULL, 0);
}

static void call(pid_t pid, int argc, char **argv)
{
	struct user_regs_struct saved, regs;
	unsigned long long *slots[MOST_ARGUMENTS] = { &regs.rdi, &regs.rsi,
		&regs.rdx, &regs.r10, &regs.r8, &regs.r9 };

	trace(PTRACE_GETREGS, pid, &saved);
	long octets = ptrace(PTRACE_PEEKTEXT, pid, saved.rip - CALL_BYTES,
		NULL);
	if ((octets & 0xffff) != CALL_OCTETS || (long)saved.orig_rax < 0) {
		errno = EAGAIN;
		fail("it waits in no system call");
	}
	/* It is interrupted: let it begin that call anew, later. */
	saved.rip -= CALL_BYTES;
	saved.rax = saved.orig_rax;
	saved.orig_rax = (unsigned long long)-1;
	regs = saved;
	regs.rax = strtoul(argv[0], NULL, 0);
	for (int i = 1; i < argc && i <= MOST_ARGUMENTS; i++)
		*slots[i - 1] = argument(pid, saved.rsp, i, argv[i]);
	trace(PTRACE_SETREGS, pid, &regs);
	go_to_call_stop(pid);
	go_to_call_stop(pid);
	trace(PTRACE_GETREGS, pid, &regs);
	trace(PTRACE_SETREGS, pid, &saved);
	/* A call that kills comes back first: see it begin the old one. */
	go_to_call_stop(pid);
	printf("result %lld\n", (long long)regs.rax);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return EXIT_FAILURE;
	pid_t pid = (pid_t)strtol(argv[1], NULL, 10);
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) < 0)
		fail("seize");
	trace(PTRACE_INTERRUPT, pid, NULL);
	(void)wait_for(pid);
	call(pid, argc - 2, argv + 2);
	trace(PTRACE_DETACH, pid, NULL);
	return EXIT_SUCCESS;
}

#else

int main(void)
{
	return CANT_RUN;
}

#endif
