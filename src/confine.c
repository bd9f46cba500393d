/*
 * confine.c - give up for good what a process does not need
 *
 * Runs in: workers, the signer, keepers.  Linux-only: prctl and close_range;
 * both have no portable form.
 */
#include "config.h"

#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Stdio, a socket, the log, a Maildir with its folders, a file per thread. */
#define KEEPER_FDS 64

/* What a worker and the signer may have of each resource. */
static const struct {
	int resource;
	rlim_t most;
} limits[] = {
	{ RLIMIT_CORE, 0 },	/* a core file would hold mail or keys */
	{ RLIMIT_NPROC, 0 },	/* no children */
	{ RLIMIT_FSIZE, 0 },	/* no file grows */
#ifndef KEEP_STDERR
	/* They have 3 MB; the listing, which is only read, is no part. */
	{ RLIMIT_DATA, 64 << 20 },
#endif
};

static int set_limit(int resource, rlim_t most)
{
	struct rlimit limit = { .rlim_cur = most, .rlim_max = most };

	return setrlimit(resource, &limit);
}

static int set_limits(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (set_limit(limits[i].resource, limits[i].most) < 0)
			return -1;
	/* RLIMIT_FSIZE would kill who logs to a file on standard error. */
	(void)signal(SIGXFSZ, SIG_IGN);
	return 0;
}

/* No privilege by exec, no ptrace by others of the same user, no core. */
static int harden(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int set_groups(const struct confine_identity *identity)
{
	if (identity->groups_of != NULL)
		return initgroups(identity->groups_of, identity->gid);
	return setgroups(1, &identity->gid);
}

/* All three ids are the new ones, and there is no way back. */
static bool has_become(const struct confine_identity *identity)
{
	uid_t uid, euid, suid;
	gid_t gid, egid, sgid;

	if (getresuid(&uid, &euid, &suid) < 0 ||
			getresgid(&gid, &egid, &sgid) < 0)
		return false;
	return uid == identity->uid && euid == uid && suid == uid &&
		gid == identity->gid && egid == gid && sgid == gid &&
		setresuid((uid_t)-1, 0, (uid_t)-1) < 0;
}

static int change_identity(const struct confine_identity *identity)
{
	if (identity->uid == 0 || identity->gid == 0) {
		errno = EPERM;
		return -1;
	}
	if (set_groups(identity) < 0 ||
			setresgid(identity->gid, identity->gid,
				identity->gid) < 0 ||
			setresuid(identity->uid, identity->uid,
				identity->uid) < 0)
		return -1;
	if (!has_become(identity)) {
		errno = EPERM;
		return -1;
	}
	return 0;
}

/* Close descriptors 'first' to 'last', where close_range(2) is missing, too. */
static void close_between(unsigned int first, unsigned int last)
{
	if (first > last)
		return;
#ifdef HAVE_CLOSE_RANGE
	if (close_range(first, last, 0) == 0)
		return;
#endif
	long most = sysconf(_SC_OPEN_MAX);
	if (most > 0 && last >= (unsigned long)most)
		last = (unsigned int)most - 1;
	for (unsigned int fd = first; fd <= last; fd++)
		close((int)fd);
}

int confine_empty_directory(void)
{
	char path[] = "/tmp/postern-empty-XXXXXX";

	if (mkdtemp(path) == NULL)
		return -1;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (rmdir(path) < 0 && fd >= 0) {
		close(fd);
		return -1;
	}
	return fd;
}

int confine_to(int root_fd, const struct confine_identity *identity,
	uint32_t most_fds)
{
	if (identity != NULL && (fchdir(root_fd) < 0 || chroot(".") < 0 ||
			change_identity(identity) < 0))
		return -1;
	if (set_limits() < 0 || set_limit(RLIMIT_NOFILE, most_fds) < 0)
		return -1;
	return harden();
}

int confine_become(const struct confine_identity *identity)
{
	if (geteuid() == 0 && change_identity(identity) < 0)
		return -1;
	if (geteuid() != identity->uid) {
		errno = EPERM;
		return -1;
	}
	if (set_limit(RLIMIT_CORE, 0) < 0 ||
			set_limit(RLIMIT_NOFILE, KEEPER_FDS) < 0)
		return -1;
	return harden();
}

void confine_close_fds(const int *kept, size_t count)
{
	unsigned int first = 3;

	for (size_t i = 0; i < count; i++) {
		close_between(first, (unsigned int)kept[i] - 1);
		first = (unsigned int)kept[i] + 1;
	}
	close_between(first, UINT_MAX);
}
