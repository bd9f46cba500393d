/*
 * kill_at.h - end or disturb a process at any one of its system calls
 *
 * What a process does to files it does by system calls, so whoever is killed
 * before each of them in turn was killed everywhere.  Linux-only: ptrace(2).
 */
#ifndef POSTERN_TESTS_KILL_AT_H
#define POSTERN_TESTS_KILL_AT_H

#include <stdbool.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define KILL_AT_HAS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define KILL_AT_HAS_SANITIZER
#endif

/*
 * How far it is from one call to be tried to the next.  Under a sanitizer a
 * process takes long to fork; all calls are tried without one.
 */
#ifdef KILL_AT_HAS_SANITIZER
#define KILL_AT_STRIDE 3
#else
#define KILL_AT_STRIDE 1
#endif

/* What happens at the chosen call. */
enum kill_at_deed {
	KILL_AT_KILL,		/* SIGKILL, before it does anything */
	KILL_AT_TEAR,		/* SIGKILL, after it wrote a half */
	KILL_AT_SHORTEN,	/* it writes the first half, and goes on */
	KILL_AT_FAIL,		/* it does nothing but fail with .error */
	KILL_AT_MEDDLE		/* .meddle is called before it */
};

struct kill_at_plan {
	enum kill_at_deed deed;
	/*
	 * From 1 on; 0 for none.  KILL_AT_TEAR and KILL_AT_SHORTEN count only
	 * what writes, KILL_AT_FAIL does not count exits.
	 */
	unsigned int call;
	/* What the victim sets, in shared memory, to be counted; or NULL. */
	const bool *has_begun;
	int error;		/* of KILL_AT_FAIL; no memory is ENOMEM */
	void (*meddle)(void *context);
	void *context;		/* for .meddle */
	long missing;		/* a call that fails with ENOSYS; 0: none */
};

struct kill_at_end {
	bool is_reached;	/* the chosen call was made */
	long number;		/* of that call, as SYS_write */
	int status;		/* of the process, as waitpid(2) has it */
};

/*
 * Run 'victim' in a child that exits with what it returns, and do to it what
 * 'plan' says.  The victim may not use assertions of cmocka, which would go on
 * with all other tests in the child.
 *
 * Returns 0, or -1 with errno: EPERM if processes can't be traced here, ENOTSUP
 * if calls can be counted here but not changed.
 */
int kill_at(const struct kill_at_plan *plan, int (*victim)(void *context),
	void *context, struct kill_at_end *end);

#endif
