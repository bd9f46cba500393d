/*
 * filter.c - which system calls a process may make from now on
 *
 * Runs in: the master, which makes the filters by libseccomp, and in each
 * confined process, which only loads what it has inherited.  Linux-only:
 * seccomp.
 */
#include "config.h"

#include "filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_SECCOMP

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

/* No filter of ours comes near; a pipe holds as much without a reader. */
#define MOST_BYTES 65536

/* Kernels before 4.14 kill the thread only: but for keepers, all there is. */
static uint32_t kill_action(void)
{
	return seccomp_api_get() >= 3 ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_KILL;
}

static uint32_t action_of(const struct filter_call *call)
{
	switch (call->action) {
	case FILTER_PERMIT:
		return SCMP_ACT_ALLOW;
	case FILTER_REFUSE:
		return SCMP_ACT_ERRNO(EPERM);
	default:
		return kill_action();
	}
}

/* Returns 0 or a negative errno. */
static int add_call(scmp_filter_ctx context, const struct filter_call *call)
{
	int number = seccomp_syscall_resolve_name(call->name);

	if (number == __NR_SCMP_ERROR)
		return 0;
	if (call->mask == 0)
		return seccomp_rule_add(context, action_of(call), number, 0);
	return seccomp_rule_add(context, action_of(call), number, 1,
		SCMP_CMP64(call->argument, SCMP_CMP_MASKED_EQ, call->mask,
			call->value));
}

static int add_calls(scmp_filter_ctx context, enum filter_phase phase)
{
	int status = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH,
		kill_action());

	for (size_t i = 0; i < filter_call_count && status == 0; i++)
		if ((filter_calls[i].phases & phase) != 0)
			status = add_call(context, &filter_calls[i]);
	return status;
}

static int keep(struct filter *filter, const void *code, size_t bytes)
{
	filter->code = malloc(bytes);
	if (filter->code == NULL)
		return -ENOMEM;
	memcpy(filter->code, code, bytes);
	filter->bytes = bytes;
	return 0;
}

static int export(struct filter *filter, scmp_filter_ctx context)
{
	char code[MOST_BYTES];
	int fd = memfd_create("postern-filter", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	int status = seccomp_export_bpf(context, fd);
	ssize_t bytes = status < 0 ? 0 : pread(fd, code, sizeof(code), 0);
	close(fd);
	if (status == 0 && bytes <= 0)
		status = -EIO;
	return status < 0 ? status : keep(filter, code, (size_t)bytes);
}

int filter_build(struct filter *filter, enum filter_phase phase)
{
	scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

	*filter = (struct filter){ .bytes = 0 };
	if (context == NULL) {
		errno = ENOMEM;
		return -1;
	}
	int status = add_calls(context, phase);
	if (status == 0)
		status = export(filter, context);
	seccomp_release(context);
	errno = -status;
	return status < 0 ? -1 : 0;
}

int filter_load(const struct filter *filter)
{
	struct sock_fprog program = {
		.len = (unsigned short)(filter->bytes /
			sizeof(struct sock_filter)),
		.filter = filter->code,
	};

	/* Older than seccomp(2), and does the same for one thread. */
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

bool filter_is_built_in(void)
{
	return true;
}

#else

int filter_build(struct filter *filter, enum filter_phase phase)
{
	(void)phase;
	*filter = (struct filter){ .bytes = 0 };
	errno = ENOSYS;
	return -1;
}

int filter_load(const struct filter *filter)
{
	(void)filter;
	errno = ENOSYS;
	return -1;
}

bool filter_is_built_in(void)
{
	return false;
}

#endif
