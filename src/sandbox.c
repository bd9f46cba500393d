/*
 * sandbox.c - system calls and files, as far as this kernel can forbid them
 *
 * Owns: the filters, and the knowledge which layers work here.  Made in the
 * master, entered in workers, the signer and keepers.  A layer that works here
 * and fails later is an error: nobody goes on with less than was logged.
 * Linux-only: prctl.
 */
#include "config.h"

#include "sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fence.h"
#include "log.h"

/* How the child exits that tries a layer. */
enum trial { TRIAL_GOOD, TRIAL_BAD, TRIAL_SHORTAGE };

static const enum filter_phase phases[] = {
	FILTER_WORKER, FILTER_SIGNER, FILTER_KEEPER,
};
#define PHASES (sizeof(phases) / sizeof(phases[0]))

struct sandbox {
	enum sandbox_mode mode;
	bool has_filters;
	int filter_error;		/* why not */
	int fence_version;		/* 0: Landlock does not work */
	struct filter filters[PHASES];
};

/* What may be there again in a moment. */
static bool is_shortage(int error)
{
	return error == ENOMEM || error == ENFILE || error == EMFILE;
}

static bool enter_fence(const struct sandbox *sandbox)
{
	return fence_enter(sandbox->fence_version, -1, -1) == 0;
}

static bool enter_filter(const struct sandbox *sandbox)
{
	return filter_load(&sandbox->filters[0]) == 0;
}

/*
 * In a child, because nothing of it can be undone.  Returns TRIAL_GOOD or
 * TRIAL_BAD; or -1, which says nothing about this kernel.
 */
static int try(bool (*enter)(const struct sandbox *sandbox),
	const struct sandbox *sandbox)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
				enter(sandbox))
			_exit(TRIAL_GOOD);
		_exit(is_shortage(errno) ? TRIAL_SHORTAGE : TRIAL_BAD);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return pid > 0 && WIFEXITED(status) &&
		WEXITSTATUS(status) != TRIAL_SHORTAGE ?
		WEXITSTATUS(status) : -1;
}

static int find_filters(struct sandbox *sandbox)
{
	for (size_t i = 0; i < PHASES; i++)
		if (filter_build(&sandbox->filters[i], phases[i]) < 0) {
			sandbox->filter_error = errno;
			return is_shortage(errno) ? -1 : 0;
		}
	int trial = try(enter_filter, sandbox);
	sandbox->has_filters = trial == TRIAL_GOOD;
	sandbox->filter_error = ENOSYS;
	return trial < 0 ? -1 : 0;
}

static int find_fence(struct sandbox *sandbox)
{
	sandbox->fence_version = fence_version();
	int trial = sandbox->fence_version > 0 ?
		try(enter_fence, sandbox) : TRIAL_BAD;
	if (trial != TRIAL_GOOD)
		sandbox->fence_version = 0;
	return trial < 0 ? -1 : 0;
}

static const char *filter_flaw(const struct sandbox *sandbox)
{
	if (sandbox->has_filters)
		return NULL;
	if (!filter_is_built_in())
		return "system-call filters (built without libseccomp)";
	if (sandbox->filter_error != ENOSYS)
		return "system-call filters (libseccomp failed)";
	return "system-call filters (this kernel has no seccomp)";
}

static const char *fence_flaw(const struct sandbox *sandbox)
{
	if (sandbox->fence_version >= FENCE_REFER_VERSION)
		return NULL;
	return sandbox->fence_version > 0 ?
		"Landlock for keepers (needs Linux 5.19)" :
		"Landlock (this kernel has none, or it is switched off)";
}

/* What is missing, or "" if nothing is. */
static void tell_flaws(const struct sandbox *sandbox, char *text, size_t bytes)
{
	const char *filter = filter_flaw(sandbox);
	const char *fence = fence_flaw(sandbox);

	snprintf(text, bytes, "%s%s%s", filter != NULL ? filter : "",
		filter != NULL && fence != NULL ? " and " : "",
		fence != NULL ? fence : "");
}

struct sandbox *sandbox_new(enum sandbox_mode mode)
{
	struct sandbox *sandbox = calloc(1, sizeof(*sandbox));
	char flaws[LOG_TEXT_BYTES];

	if (sandbox == NULL) {
		log_error("out of memory");
		return NULL;
	}
	sandbox->mode = mode;
	if (mode == SANDBOX_OFF)
		return sandbox;
	/* Short of anything for a moment, nobody may stay with less. */
	if (find_filters(sandbox) < 0 || find_fence(sandbox) < 0) {
		log_error("can't try how processes can be confined");
		sandbox_free(sandbox);
		return NULL;
	}
	tell_flaws(sandbox, flaws, sizeof(flaws));
	if (mode == SANDBOX_AUTO || flaws[0] == '\0')
		return sandbox;
	log_error("sandbox = require, but there are no %s", flaws);
	sandbox_free(sandbox);
	return NULL;
}

void sandbox_log(const struct sandbox *sandbox)
{
	const char *own = geteuid() == 0 ? "users and root directories of "
		"their own, " : "";
	char flaws[LOG_TEXT_BYTES], fence[32] = "";

	if (sandbox->mode == SANDBOX_OFF) {
		log_warning("sandbox = off: processes are not confined by "
			"system-call filters and Landlock");
		return;
	}
	if (sandbox->fence_version > 0)
		snprintf(fence, sizeof(fence), ", Landlock %d",
			sandbox->fence_version);
	tell_flaws(sandbox, flaws, sizeof(flaws));
	if (flaws[0] == '\0')
		log_info("confined by: %slimits, system-call filters%s", own,
			fence);
	else
		log_warning("confined by: %slimits%s%s; missing: %s", own,
			sandbox->has_filters ? ", system-call filters" : "",
			fence, flaws);
}

static const struct filter *filter_of(const struct sandbox *sandbox,
	enum filter_phase phase)
{
	for (size_t i = 0; i < PHASES; i++)
		if (phases[i] == phase)
			return &sandbox->filters[i];
	bug("a phase without a filter");
}

int sandbox_enter(const struct sandbox *sandbox, enum filter_phase phase,
	int directory_fd, int file_fd)
{
	int version = sandbox != NULL ? sandbox->fence_version : 0;
	bool has_files = directory_fd >= 0 || file_fd >= 0;

	/* The first version would forbid to move a message. */
	if (version > 0 && (!has_files || version >= FENCE_REFER_VERSION) &&
			fence_enter(version, directory_fd, file_fd) < 0)
		return -1;
	if (sandbox == NULL || !sandbox->has_filters)
		return 0;
	return filter_load(filter_of(sandbox, phase));
}

void sandbox_free(struct sandbox *sandbox)
{
	if (sandbox == NULL)
		return;
	for (size_t i = 0; i < PHASES; i++)
		free(sandbox->filters[i].code);
	free(sandbox);
}
