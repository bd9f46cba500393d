/*
 * confine.h - give up for good what a process does not need
 */
#ifndef POSTERN_CONFINE_H
#define POSTERN_CONFINE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Who a process becomes. */
struct confine_identity {
	uid_t uid;
	gid_t gid;
	const char *groups_of;	/* initgroups() for this user; NULL: none */
};

/*
 * Make a directory that is empty and has no name any more, so that nobody can
 * ever put anything into it.  Returns a descriptor for confine_to(), or -1 with
 * errno.  Linux keeps such a directory usable as a root.
 */
int confine_empty_directory(void);

/*
 * Become 'identity', with 'root_fd' as the root directory, no new privileges,
 * no core dump, no children, no writing of files, little memory, and not
 * traceable by others of that identity.  For workers and the signer.
 *
 * Without root privileges (identity NULL) only the limits apply.  most_fds: how
 * many descriptors it may have open.
 * Returns 0, or -1 with errno; then the process must exit.
 */
int confine_to(int root_fd, const struct confine_identity *identity,
	uint32_t most_fds);

/*
 * Become the mail user, for good: groups, then gid, then uid, verified.  Keeps
 * the file system.  For a keeper; does nothing but the limits when the process
 * is that user already and has no privileges.
 * Returns 0, or -1 with errno; then the process must exit.
 */
int confine_become(const struct confine_identity *identity);

/*
 * Close every descriptor from 3 on except the 'count' ones at 'kept', which are
 * in ascending order.
 */
void confine_close_fds(const int *kept, size_t count);

#endif
