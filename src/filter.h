/*
 * filter.h - which system calls a process may make from now on
 */
#ifndef POSTERN_FILTER_H
#define POSTERN_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Processes, each as it is once it has all that it needs; a bit for each. */
enum filter_phase {
	FILTER_WORKER = 1 << 0,
	FILTER_SIGNER = 1 << 1,
	FILTER_KEEPER = 1 << 2,		/* after the login */
};
#define FILTER_ALL (FILTER_WORKER | FILTER_SIGNER | FILTER_KEEPER)

enum filter_action {
	FILTER_PERMIT,
	FILTER_REFUSE,		/* EPERM: a library can do without it */
	FILTER_KILL		/* nobody but an attacker does this */
};

/*
 * A call, by the name that libseccomp has for it; a name that it, or this
 * processor, does not know is no mistake.  With a mask: only where argument
 * 'argument', masked, is 'value'.
 */
struct filter_call {
	const char *name;
	unsigned int phases;
	enum filter_action action;
	const char *reason;
	unsigned int argument;
	uint64_t mask, value;		/* mask 0: whatever its arguments are */
};

extern const struct filter_call filter_calls[];
extern const size_t filter_call_count;

/* A program for the kernel. */
struct filter {
	void *code;
	size_t bytes;
};

/*
 * Make the filter for 'phase' out of the table above.  What the table does not
 * have is answered by ENOSYS, so that a newer C library falls back on something
 * older instead of being killed.
 *
 * The caller frees filter->code.  Returns 0, or -1 with errno: ENOSYS if we
 * were built without libseccomp.
 */
int filter_build(struct filter *filter, enum filter_phase phase);

/*
 * Put 'filter' on this process, for good; it must have given up gaining
 * privileges (no_new_privs).  Returns 0, or -1 with errno.
 */
int filter_load(const struct filter *filter);

/* Whether we were built with libseccomp. */
bool filter_is_built_in(void);

#endif
