/*
 * fence.c - which files a process may reach from now on
 *
 * Runs in: workers, the signer, keepers after the login.  Linux-only: Landlock,
 * by its system calls, because the C library has no functions for them and most
 * headers are older than what kernels can do.
 */
#include "config.h"

#include "fence.h"

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same on all processors that have no numbers of their own. */
#if defined(SYS_landlock_create_ruleset)
#define CREATE_RULESET SYS_landlock_create_ruleset
#define ADD_RULE SYS_landlock_add_rule
#define RESTRICT_SELF SYS_landlock_restrict_self
#elif defined(__linux__) && !defined(__alpha__) && !defined(__mips__)
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446
#endif

#ifdef CREATE_RULESET

#define GET_VERSION 1
#define RULE_PATH_BENEATH 1

/* linux/landlock.h */
enum {
	EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2,
	READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4, REMOVE_FILE = 1 << 5,
	MAKE_CHAR = 1 << 6, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8,
	MAKE_SOCK = 1 << 9, MAKE_FIFO = 1 << 10, MAKE_BLOCK = 1 << 11,
	MAKE_SYM = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14,
	IOCTL_DEV = 1 << 15,
	BIND_TCP = 1 << 0, CONNECT_TCP = 1 << 1,
	SCOPE_ABSTRACT = 1 << 0, SCOPE_SIGNAL = 1 << 1
};

/* What a keeper does with files: no link, device, socket or pipe is made. */
#define IN_MAILDIR (READ_FILE | READ_DIR | WRITE_FILE | TRUNCATE | MAKE_REG \
	| MAKE_DIR | REMOVE_FILE | REFER)
#define WITH_FILE (READ_FILE | WRITE_FILE | TRUNCATE)

struct ruleset {
	uint64_t files, network, scopes;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

/* What each version has learned, and how much of the struct it takes. */
static const struct {
	uint64_t files, network, scopes;
	size_t bytes;
} versions[] = {
	[1] = { REFER - 1, 0, 0, 8 },
	[2] = { REFER, 0, 0, 8 },
	[3] = { TRUNCATE, 0, 0, 8 },
	[4] = { 0, BIND_TCP | CONNECT_TCP, 0, 16 },
	[5] = { IOCTL_DEV, 0, 0, 16 },
	[6] = { 0, 0, SCOPE_ABSTRACT | SCOPE_SIGNAL, 24 },
};
#define VERSIONS ((int)(sizeof(versions) / sizeof(versions[0])))

/* All that 'version' can forbid.  Returns how many bytes it takes of that. */
static size_t gather(int version, struct ruleset *ruleset)
{
	size_t bytes = 0;

	*ruleset = (struct ruleset){ .files = 0 };
	for (int i = 1; i <= version && i < VERSIONS; i++) {
		ruleset->files |= versions[i].files;
		ruleset->network |= versions[i].network;
		ruleset->scopes |= versions[i].scopes;
		bytes = versions[i].bytes;
	}
	return bytes;
}

static int allow(int ruleset_fd, int fd, uint64_t what)
{
	struct path_rule rule = { .allowed = what, .parent_fd = fd };

	if (fd < 0)
		return 0;
	return (int)syscall(ADD_RULE, ruleset_fd, RULE_PATH_BENEATH, &rule, 0);
}

int fence_version(void)
{
	long version = syscall(CREATE_RULESET, NULL, 0, GET_VERSION);

	return version < 0 ? 0 : (int)version;
}

int fence_enter(int version, int directory_fd, int file_fd)
{
	struct ruleset ruleset;
	size_t bytes = gather(version, &ruleset);
	int fd = (int)syscall(CREATE_RULESET, &ruleset, bytes, 0);

	if (fd < 0)
		return -1;
	int status = allow(fd, directory_fd, IN_MAILDIR & ruleset.files);
	if (status == 0)
		status = allow(fd, file_fd, WITH_FILE & ruleset.files);
	if (status == 0)
		status = (int)syscall(RESTRICT_SELF, fd, 0);
	int error = errno;
	close(fd);
	errno = error;
	return status;
}

#else

int fence_version(void)
{
	return 0;
}

int fence_enter(int version, int directory_fd, int file_fd)
{
	(void)version, (void)directory_fd, (void)file_fd;
	errno = ENOSYS;
	return -1;
}

#endif
