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

#include "auth_account.h"
#include "child.h"
#include "deadline.h"
#include "log.h"
#include "maildrop.h"
#include "signer.h"
#include "wire.h"

/* How long the signer may take to load its keys. */
#define SIGNER_READY_S 10

/* A log line for what the libraries' functions print on a FILE. */
#define MESSAGE_BYTES 2048

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

/* A file or program that is missing may still come. */
static int check_backends(const struct auth_settings *auth)
{
	for (size_t i = 0; i < auth->backend_count; i++) {
		const struct backend_settings *backend = &auth->backends[i];
		bool is_file = backend->type == BACKEND_PASSWD_FILE;
		const char *path = is_file ? backend->path :
			backend->command[0];

		if (is_file && check_owner(backend) < 0)
			return -1;
		if (access(path, is_file ? R_OK : X_OK) < 0)
			log_warning("%s: backend \"%s\": %s: %s",
				backend->place, backend->name, path,
				strerror(errno));
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
		.master_fd = master_fd,
		.root_fd = root_fd,
		.most_workers = generation->settings->pool.max,
		.identity = geteuid() == 0 ?
			&generation->signer_identity : NULL,
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

/* Log what the child says, and wait for its end. */
static int hear_check(pid_t pid, int said_fd)
{
	FILE *said = fdopen(said_fd, "r");
	char line[MESSAGE_BYTES];
	int status;

	while (said != NULL && fgets(line, sizeof(line), said) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		log_error("%s", line);
	}
	if (said != NULL)
		fclose(said);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int generation_begin(struct generation *generation, struct settings *settings,
	int root_fd)
{
	*generation = (struct generation){
		.settings = settings, .signer_pid = -1, .signer_fd = -1,
	};
	if (maildrop_check(&settings->mailbox) == 0 &&
			find_users(generation) == 0 &&
			load_certificates(generation) == 0 &&
			generation_start_signer(generation, root_fd) == 0)
		return 0;
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

int generation_check_settings(const char *path)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = child_fork(&fds[1], 1);
	if (pid == 0) {
		(void)dup2(fds[1], STDERR_FILENO);
		_exit(settings_load(path, stderr) != NULL ? EXIT_SUCCESS :
			EXIT_FAILURE);
	}
	close(fds[1]);
	if (pid > 0)
		return hear_check(pid, fds[0]);
	close(fds[0]);
	return -1;
}

void generation_end(struct generation *generation)
{
	generation_forget_signer(generation);
	tls_context_free(generation->tls_context);
	settings_free(generation->settings);
	generation->tls_context = NULL;
	generation->settings = NULL;
}

const struct confine_identity *generation_worker_identity(
	const struct generation *generation)
{
	return geteuid() == 0 ? &generation->worker_identity : NULL;
}
