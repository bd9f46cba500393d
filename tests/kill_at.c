/*
 * kill_at.c - end or disturb a process at any one of its system calls
 */
#include "config.h"

#include "kill_at.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_CALL (-1)

/* What waitpid() shows of a stop at a call, with PTRACE_O_TRACESYSGOOD. */
#define CALL_STOP (SIGTRAP | 0x80)

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#endif

/* One child and what we know of it. */
struct trace {
	const struct kill_at_plan *plan;
	struct kill_at_end *end;
	pid_t pid;
	unsigned int calls;	/* so far, that count */
	bool is_inside;		/* a call: the next stop is its end */
	bool has_result;	/* give .result to the call at its end */
	long result;
	bool is_torn;		/* kill it at the end of this call */
};

#if defined(__x86_64__) || defined(__i386__)

#ifdef __x86_64__
#define CALL orig_rax
#define RESULT rax
#define THIRD rdx
#else
#define CALL orig_eax
#define RESULT eax
#define THIRD edx
#endif
typedef struct user_regs_struct registers;

static int get(pid_t pid, registers *at)
{
	return (int)ptrace(PTRACE_GETREGS, pid, NULL, at);
}

static int set(pid_t pid, registers *at)
{
	return (int)ptrace(PTRACE_SETREGS, pid, NULL, at);
}

static long get_call(pid_t pid)
{
	registers at;

	return get(pid, &at) < 0 ? NO_CALL : (long)at.CALL;
}

static int set_call(pid_t pid, long number)
{
	registers at;

	if (get(pid, &at) < 0)
		return -1;
	at.CALL = (__typeof__(at.CALL))number;
	return set(pid, &at);
}

static int set_result(pid_t pid, long result)
{
	registers at;

	if (get(pid, &at) < 0)
		return -1;
	at.RESULT = (__typeof__(at.RESULT))result;
	return set(pid, &at);
}

static int halve_third(pid_t pid)
{
	registers at;

	if (get(pid, &at) < 0)
		return -1;
	at.THIRD /= 2;
	return set(pid, &at);
}

#elif defined(__aarch64__)

#include <elf.h>
#include <linux/elf.h>

typedef struct user_regs_struct registers;

static int get(pid_t pid, registers *at)
{
	struct iovec io = { at, sizeof(*at) };

	return (int)ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &io);
}

static int set(pid_t pid, registers *at)
{
	struct iovec io = { at, sizeof(*at) };

	return (int)ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &io);
}

static long get_call(pid_t pid)
{
	registers at;

	return get(pid, &at) < 0 ? NO_CALL : (long)at.regs[8];
}

static int set_call(pid_t pid, long number)
{
	int wanted = (int)number;
	struct iovec io = { &wanted, sizeof(wanted) };

	return (int)ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &io);
}

static int set_result(pid_t pid, long result)
{
	registers at;

	if (get(pid, &at) < 0)
		return -1;
	at.regs[0] = (unsigned long)result;
	return set(pid, &at);
}

static int halve_third(pid_t pid)
{
	registers at;

	if (get(pid, &at) < 0)
		return -1;
	at.regs[2] /= 2;
	return set(pid, &at);
}

#else

static long get_call(pid_t pid)
{
	(void)pid;	/* not known on this machine */
	return NO_CALL;
}

static int unknown(void)
{
	errno = ENOTSUP;
	return -1;
}

#define set_call(pid, number) unknown()
#define set_result(pid, result) unknown()
#define halve_third(pid) unknown()

#endif

static bool is_write(long number)
{
	return number == SYS_write || number == SYS_pwrite64;
}

static bool is_exit(long number)
{
	return number == SYS_exit || number == SYS_exit_group;
}

static bool is_memory(long number)
{
	static const long numbers[] = {
		SYS_brk, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise,
#ifdef SYS_mmap
		SYS_mmap,
#endif
#ifdef SYS_mmap2
		SYS_mmap2,
#endif
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* A sanitizer aborts where its own calls fail. */
static bool may_fail(long number)
{
#ifdef HAS_SANITIZER
	if (is_memory(number))
		return false;
#endif
	return !is_exit(number);
}

static bool counts(const struct kill_at_plan *plan, long number)
{
	if (plan->has_begun != NULL && !*plan->has_begun)
		return false;
	switch (plan->deed) {
	case KILL_AT_TEAR:
	case KILL_AT_SHORTEN:
		return is_write(number);
	case KILL_AT_FAIL:
		return may_fail(number);
	case KILL_AT_KILL:
	case KILL_AT_MEDDLE:
		break;
	}
	return true;
}

/* Let the call do nothing and return 'result'. */
static int skip(struct trace *trace, long result)
{
	trace->has_result = true;
	trace->result = result;
	return set_call(trace->pid, NO_CALL);
}

static int do_deed(struct trace *trace, long number)
{
	const struct kill_at_plan *plan = trace->plan;

	trace->end->is_reached = true;
	trace->end->number = number;
	switch (plan->deed) {
	case KILL_AT_KILL:
		return kill(trace->pid, SIGKILL);
	case KILL_AT_TEAR:
		trace->is_torn = true;
		return halve_third(trace->pid);
	case KILL_AT_SHORTEN:
		return halve_third(trace->pid);
	case KILL_AT_FAIL:
		return skip(trace, is_memory(number) ? -ENOMEM : -plan->error);
	case KILL_AT_MEDDLE:
		break;
	}
	plan->meddle(plan->context);
	return 0;
}

static int begin_call(struct trace *trace)
{
	long number = get_call(trace->pid);

	if (number > 0 && number == trace->plan->missing)
		if (skip(trace, -ENOSYS) < 0)
			return -1;
	if (counts(trace->plan, number) &&
		++trace->calls == trace->plan->call)
		return do_deed(trace, number);
	return 0;
}

static int end_call(struct trace *trace)
{
	if (trace->is_torn)
		return kill(trace->pid, SIGKILL);
	if (!trace->has_result)
		return 0;
	trace->has_result = false;
	return set_result(trace->pid, trace->result);
}

/* Whether no more of its calls matter. */
static bool is_let_alone(const struct trace *trace)
{
	return trace->plan->missing == 0 && !trace->is_inside &&
		(trace->end->is_reached || trace->plan->call == 0);
}

/* Let the child go on to its next stop, by 'signal' unless that is 0. */
static int go_on(struct trace *trace, int signal)
{
	int result = is_let_alone(trace) ?
		(int)ptrace(PTRACE_CONT, trace->pid, NULL, (long)signal) :
		(int)ptrace(PTRACE_SYSCALL, trace->pid, NULL, (long)signal);

	/* ESRCH: it was killed while it stood still. */
	if (result < 0 && errno != ESRCH)
		return -1;
	return waitpid(trace->pid, &trace->end->status, 0) < 0 ? -1 : 0;
}

static int follow(struct trace *trace)
{
	int signal = 0;

	while (go_on(trace, signal) == 0) {
		if (!WIFSTOPPED(trace->end->status))
			return 0;
		signal = WSTOPSIG(trace->end->status);
		if (signal != CALL_STOP)
			continue;
		signal = 0;
		trace->is_inside = !trace->is_inside;
		if ((trace->is_inside ? begin_call : end_call)(trace) < 0)
			return -1;
	}
	return -1;
}

static void run(int (*victim)(void *context), void *context)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		_exit(1);
	kill(getpid(), SIGSTOP);
	_exit(victim(context));
}

int kill_at(const struct kill_at_plan *plan, int (*victim)(void *context),
	void *context, struct kill_at_end *end)
{
	struct trace trace = { .plan = plan, .end = end, .pid = fork() };
	int error;

	*end = (struct kill_at_end){ .number = NO_CALL };
	if (trace.pid < 0)
		return -1;
	if (trace.pid == 0)
		run(victim, context);
	if (waitpid(trace.pid, &end->status, 0) < 0)
		return -1;
	if (!WIFSTOPPED(end->status)) {
		errno = EPERM;
		return -1;
	}
	if (ptrace(PTRACE_SETOPTIONS, trace.pid, NULL,
		PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) == 0 &&
		follow(&trace) == 0)
		return 0;
	error = errno;
	kill(trace.pid, SIGKILL);
	waitpid(trace.pid, NULL, 0);
	errno = error;
	return -1;
}
