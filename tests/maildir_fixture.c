/*
 * maildir_fixture.c - a real temporary Maildir for each test case
 */
#include "config.h"

#include "maildir_fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534

static void note_left_out(void *context, const char *name, const char *why)
{
	struct fixture *fixture = context;

	assert_non_null(why);
	fixture->left_out++;
	snprintf(fixture->left_out_name, sizeof(fixture->left_out_name), "%s",
		name);
}

static void note_corrected(void *context, const char *name, const char *why)
{
	struct fixture *fixture = context;

	assert_non_null(why);
	fixture->corrected++;
	snprintf(fixture->left_out_name, sizeof(fixture->left_out_name), "%s",
		name);
}

static void fnv(const uint8_t *octets, size_t count, uint64_t hash,
	uint8_t result[8])
{
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ octets[i]) * UINT64_C(1099511628211);
	for (int i = 0; i < 8; i++)
		result[i] = (uint8_t)(hash >> (56 - 8 * i));
}

void fixture_digest(const void *octets, size_t count, uint8_t digest[16])
{
	fnv(octets, count, UINT64_C(14695981039346656037), digest);
	fnv(octets, count, UINT64_C(88172645463325252), digest + 8);
}

int fixture_setup(void **state)
{
	const char *parent = getenv("TMPDIR");
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	if (fixture == NULL)
		return -1;
	snprintf(fixture->root, sizeof(fixture->root), "%s/postern-XXXXXX",
		parent != NULL ? parent : "/tmp");
	if (mkdtemp(fixture->root) == NULL)
		return -1;
	fixture->root_fd = open(fixture->root,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(fixture->root_fd, "new", 0700) < 0 ||
		mkdirat(fixture->root_fd, "cur", 0700) < 0)
		return -1;
	fixture->hooks.digest = fixture_digest;
	fixture->hooks.left_out = note_left_out;
	fixture->hooks.corrected = note_corrected;
	fixture->hooks.context = fixture;
	*state = fixture;
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind,
	struct FTW *place)
{
	(void)status;	/* not used */
	(void)kind;	/* remove() knows */
	(void)place;	/* not used */
	return remove(path);
}

int fixture_teardown(void **state)
{
	struct fixture *fixture = *state;

	(void)fchmod(fixture->root_fd, 0700);	/* if not, nftw says so */
	close(fixture->root_fd);
	if (nftw(fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
		return -1;
	free(fixture);
	return 0;
}

void fixture_write(struct fixture *fixture, const char *path, const char *text)
{
	int fd = openat(fixture->root_fd, path,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void fixture_rename(struct fixture *fixture, const char *from, const char *to)
{
	assert_int_equal(renameat(fixture->root_fd, from, fixture->root_fd,
		to), 0);
}

void fixture_remove(struct fixture *fixture, const char *path)
{
	assert_int_equal(unlinkat(fixture->root_fd, path, 0), 0);
}

bool fixture_has(struct fixture *fixture, const char *path)
{
	return faccessat(fixture->root_fd, path, F_OK, 0) == 0;
}

void fixture_date(struct fixture *fixture, const char *path, time_t time_s)
{
	struct timespec times[2] = { { time_s, 0 }, { time_s, 0 } };

	assert_int_equal(utimensat(fixture->root_fd, path, times, 0), 0);
}

void fixture_age(struct fixture *fixture)
{
	fixture_date(fixture, "new", time(NULL) - 3600);
	fixture_date(fixture, "cur", time(NULL) - 3600);
}

void fixture_scan(struct fixture *fixture, struct scan *scan)
{
	assert_int_equal(scan_maildir(scan, fixture->root_fd,
		&fixture->hooks), 0);
}

const char *fixture_uidl(const struct scan *scan, uint32_t idx)
{
	static char uidls[5][NAME_UIDL_OCTETS + 1];
	static unsigned next;
	char *uidl = uidls[next++ % 5];
	size_t octets;
	const char *from = scan_uidl(scan, idx, &octets);

	assert_true(octets <= NAME_UIDL_OCTETS);
	memcpy(uidl, from, octets);
	uidl[octets] = '\0';
	return uidl;
}

static int give(const char *path, const struct stat *status, int kind,
	struct FTW *place)
{
	(void)status;	/* not used */
	(void)kind;	/* not used */
	(void)place;	/* not used */
	return lchown(path, NOBODY, NOBODY);
}

static void run_as_nobody(struct fixture *fixture,
	int (*check)(struct fixture *))
{
	if (geteuid() == 0 && (setgroups(0, NULL) < 0 ||
		setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0))
		_exit(254);
	_exit(check(fixture));
}

int fixture_as_nobody(struct fixture *fixture, int (*check)(struct fixture *))
{
	int status;
	pid_t pid;

	if (geteuid() == 0)
		assert_int_equal(nftw(fixture->root, give, 16, FTW_PHYS), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run_as_nobody(fixture, check);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

int fixture_map_listing(struct drop *drop, struct listing *listing)
{
	int fd = drop_listing(drop), status;

	if (fd < 0)
		return -1;
	status = listing_map(listing, fd);
	close(fd);
	return status;
}
