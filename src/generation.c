/*
 * generation.c - settings, certificates and the signer that belong together
 *
 * Runs in: the master.
 */
#include "config.h"

#include "generation.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth.h"
#include "auth_account.h"
#include "child.h"
#include "deadline.h"
#include "log.h"
#include "maildrop.h"
#include "mechanism.h"
#include "signer.h"
#include "stamp.h"
#include "trial.h"
#include "wire.h"

/* How long the signer may take to load its keys. */
#define SIGNER_READY_S 10

/* How long the back ends may take to say what they can do. */
#define ABILITIES_S 5

static const char *user_hint =
	"create it: useradd --system --home-dir /nonexistent "
	"--shell /usr/sbin/nologin";

/* A name, or the number of a user that needs no name. */
static int find_user(const char *file, const char *setting,
	const char *name, struct confine_identity *identity)
{
	const struct passwd *user = getpwnam(name);

	if (user != NULL) {
		identity->uid = user->pw_uid;
		identity->gid = user->pw_gid;
	} else if (*name != '\0' && strspn(name, "0123456789") ==
			strlen(name)) {
		identity->uid = (uid_t)strtoul(name, NULL, 10);
		identity->gid = (gid_t)identity->uid;
	} else {
		log_error("%s: %s = \"%s\": no such user; %s %s", file,
			setting, name, user_hint, name);
		return -1;
	}
	identity->groups_of = NULL;
	if (identity->uid != 0 && identity->gid != 0)
		return 0;
	log_error("%s: %s = \"%s\": must not be root", file, setting, name);
	return -1;
}

/* An owner of mail that a back end names. */
static int check_owner(const struct backend_settings *backend)
{
	uid_t uid = 1;
	gid_t gid = 1;

	if (*backend->uid != '\0' && (!account_find_uid(backend->uid, &uid) ||
			uid == 0)) {
		log_error("%s: uid = \"%s\" must be a user or number other "
			"than root", backend->place, backend->uid);
		return -1;
	}
	if (*backend->gid != '\0' && (!account_find_gid(backend->gid, &gid) ||
			gid == 0)) {
		log_error("%s: gid = \"%s\" must be a group or number other "
			"than root's", backend->place, backend->gid);
		return -1;
	}
	return 0;
}

/* A file, program or server that is missing may still come. */
static void look_for(const struct backend_settings *backend, const char *path,
	int mode)
{
	if (*path != '\0' && access(path, mode) < 0)
		log_warning("%s: backend \"%s\": %s: %s", backend->place,
			backend->name, path, strerror(errno));
}

static int check_backends(const struct auth_settings *auth)
{
	for (size_t i = 0; i < auth->backend_count; i++) {
		const struct backend_settings *backend = &auth->backends[i];
		bool is_program = backend->type == BACKEND_PROGRAM;

		if (check_owner(backend) < 0)
			return -1;
		look_for(backend, is_program ? backend->command[0] :
			backend->path, is_program ? X_OK : R_OK);
		look_for(backend, backend->userdb, R_OK | W_OK);
	}
	return 0;
}

static int find_users(struct generation *generation)
{
	const struct settings *settings = generation->settings;

	if (geteuid() != 0)
		return 0;
	if (find_user(settings->file, "user", settings->user,
			&generation->worker_identity) < 0 ||
			find_user(settings->file, "signer-user",
				settings->signer_user,
				&generation->signer_identity) < 0)
		return -1;
	if (generation->worker_identity.uid == generation->signer_identity.uid)
		log_warning("user and signer-user are the same: a worker that "
			"is broken into could get at the signer");
	return check_backends(&settings->auth);
}

static int make_sandbox(struct generation *generation)
{
	generation->sandbox = sandbox_new(generation->settings->sandbox);
	return generation->sandbox != NULL ? 0 : -1;
}

static int load_certificates(struct generation *generation)
{
	const struct settings *settings = generation->settings;
	char *text = NULL;
	size_t bytes;

	if (settings->key_count == 0)
		return 0;
	FILE *errors = open_memstream(&text, &bytes);
	if (errors == NULL) {
		log_error("out of memory");
		return -1;
	}
	generation->tls_context = tls_context_new(settings, errors);
	if (fclose(errors) == 0)
		log_error_lines(text);
	free(text);
	return generation->tls_context != NULL ? 0 : -1;
}

static _Noreturn void become_signer(const struct generation *generation,
	int master_fd, int root_fd)
{
	struct signer signer = {
		.settings = generation->settings,
		.tls_context = generation->tls_context,
		.master_fd = master_fd,
		.root_fd = root_fd,
		.most_workers = generation->settings->pool.max,
		.identity = geteuid() == 0 ?
			&generation->signer_identity : NULL,
		.sandbox = generation->sandbox,
	};

	tls_context_wipe(generation->tls_context);
	signer_run(&signer);
}

static int wait_ready(const struct generation *generation)
{
	struct wire_plain ready;

	if (wire_wait(generation->signer_fd,
			deadline_in_s(SIGNER_READY_S)) < 0 ||
			wire_receive(generation->signer_fd, WIRE_READY,
				&ready, sizeof(ready), NULL) < 0)
		return -1;
	return fcntl(generation->signer_fd, F_SETFL, O_NONBLOCK);
}

void generation_warn(const struct generation *generation)
{
	char *text = NULL, *rest = NULL;
	size_t bytes;
	FILE *out;

	if (generation->tls_context == NULL)
		return;
	out = open_memstream(&text, &bytes);
	if (out == NULL)
		return;
	(void)tls_context_tell_flaws(generation->tls_context, out);
	(void)tls_context_tell_expiry(generation->tls_context, out);
	if (fclose(out) == 0)
		for (char *line = strtok_r(text, "\n", &rest); line != NULL;
				line = strtok_r(NULL, "\n", &rest))
			log_warning("%s", line);
	free(text);
}

static void ask_abilities(struct generation *generation)
{
	int status = 0;
	pid_t pid = child_fork(NULL, 0);

	if (pid == 0) {
		(void)alarm(ABILITIES_S);
		_exit((int)auth_abilities(&generation->settings->auth));
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return;
	if (pid > 0 && WIFEXITED(status))
		generation->abilities = (uint32_t)WEXITSTATUS(status);
	else
		log_error("can't find out what the backends can do");
}

int generation_begin(struct generation *generation, struct settings *settings,
	int root_fd)
{
	*generation = (struct generation){
		.settings = settings, .signer_pid = -1, .signer_fd = -1,
		.abilities = ABILITY_PASSWORD,
	};
	const char *strange;

	/* Before they are read: what is written meanwhile is seen later. */
	generation->file_stamp = stamp_files(settings, &strange);
	if (maildrop_check(&settings->mailbox) == 0 &&
			find_users(generation) == 0 &&
			make_sandbox(generation) == 0 &&
			load_certificates(generation) == 0 &&
			generation_start_signer(generation, root_fd) == 0) {
		(void)generation_renew_abilities(generation);
		generation_warn(generation);
		return 0;
	}
	generation_end(generation);
	return -1;
}

void generation_forget_signer(struct generation *generation)
{
	if (generation->signer_fd >= 0)
		close(generation->signer_fd);
	generation->signer_fd = -1;
	generation->signer_pid = -1;
}

bool generation_lacks_signer(const struct generation *generation)
{
	return generation->tls_context != NULL && generation->signer_fd < 0;
}

int generation_start_signer(struct generation *generation, int root_fd)
{
	int fds[2];

	generation_forget_signer(generation);
	if (generation->tls_context == NULL)
		return 0;
	if (wire_pair(fds) < 0) {
		log_error("can't make a socket pair: %s", strerror(errno));
		return -1;
	}
	int kept[] = { fds[1], root_fd };
	pid_t pid = child_fork(kept, 2);
	if (pid == 0)
		become_signer(generation, fds[1], root_fd);
	close(fds[1]);
	generation->signer_fd = fds[0];
	generation->signer_pid = pid;
	if (pid > 0 && wait_ready(generation) == 0)
		return 0;

	log_error("the signer could not start");
	generation_forget_signer(generation);
	return -1;
}

static bool loads(const void *path)
{
	return settings_load(path, stderr) != NULL;
}

int generation_check_settings(const char *path)
{
	return trial_run(loads, path);
}

/* In a child: whether the files on disk may replace what is loaded. */
static bool has_good_files(const void *settings)
{
	const struct tls_context *context = tls_context_new(settings, stderr);

	return context != NULL && tls_context_tell_flaws(context, stderr) == 0;
}

int generation_renew(struct generation *next, struct generation *current,
	int root_fd)
{
	const char *strange;

	*next = *current;
	next->tls_context = NULL;
	next->signer_pid = next->signer_fd = -1;
	next->file_stamp = stamp_files(current->settings, &strange);
	if (strange != NULL)
		log_error("%s: missing, or no regular file", strange);
	else if (trial_run(has_good_files, next->settings) == 0 &&
			load_certificates(next) == 0 &&
			generation_start_signer(next, root_fd) == 0) {
		current->settings = NULL;
		current->sandbox = NULL;
		return 0;
	}
	next->settings = NULL;
	next->sandbox = NULL;
	generation_end(next);
	return -1;
}

bool generation_renew_abilities(struct generation *generation)
{
	uint64_t stamp = stamp_users(generation->settings);
	uint32_t before = generation->abilities;

	if (stamp == generation->users_stamp)
		return false;
	generation->users_stamp = stamp;
	ask_abilities(generation);
	return generation->abilities != before;
}

void generation_end(struct generation *generation)
{
	generation_forget_signer(generation);
	tls_context_free(generation->tls_context);
	settings_free(generation->settings);
	sandbox_free(generation->sandbox);
	generation->sandbox = NULL;
	generation->tls_context = NULL;
	generation->settings = NULL;
}

const struct confine_identity *generation_worker_identity(
	const struct generation *generation)
{
	return geteuid() == 0 ? &generation->worker_identity : NULL;
}
