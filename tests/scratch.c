/*
 * scratch.c - a temporary directory for each test case, and what was logged
 */
#include "config.h"

#include "scratch.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS 8

static char root[SCRATCH_PATH_BYTES / 2];
static int saved_stderr = -1;

static int remove_one(const char *path, const struct stat *status, int kind,
	struct FTW *walk)
{
	(void)status, (void)kind, (void)walk;
	return remove(path);
}

int scratch_setup(void **state)
{
	const char *parent = getenv("TMPDIR");
	int log_fd;

	(void)state;
	snprintf(root, sizeof(root), "%s/postern.XXXXXX",
		parent == NULL ? "/tmp" : parent);
	assert_non_null(mkdtemp(root));
	assert_int_equal(chmod(root, 0777), 0);
	log_fd = open(scratch_path("errors"), O_RDWR | O_CREAT | O_APPEND |
		O_CLOEXEC, 0600);
	assert_true(log_fd >= 0);
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(dup2(log_fd, STDERR_FILENO) >= 0);
	close(log_fd);
	return 0;
}

int scratch_teardown(void **state)
{
	(void)state;
	fflush(stderr);
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const char *name)
{
	static char paths[PATHS][SCRATCH_PATH_BYTES];
	static unsigned next;
	char *path = paths[next++ % PATHS];

	snprintf(path, SCRATCH_PATH_BYTES, "%s/%s", root, name);
	return path;
}

void scratch_write_octets(const char *name, const char *octets, size_t count)
{
	FILE *file = fopen(scratch_path(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(octets, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
}

void scratch_write(const char *name, mode_t mode, const char *text)
{
	scratch_write_octets(name, text, strlen(text));
	assert_int_equal(chmod(scratch_path(name), mode), 0);
}

void scratch_make_directory(const char *name)
{
	assert_int_equal(mkdir(scratch_path(name), 0777), 0);
}

const char *scratch_errors(void)
{
	static char errors[16384];
	size_t count;
	FILE *file;

	fflush(stderr);
	file = fopen(scratch_path("errors"), "r");
	assert_non_null(file);
	count = fread(errors, 1, sizeof(errors) - 1, file);
	errors[count] = '\0';
	fclose(file);
	return errors;
}
