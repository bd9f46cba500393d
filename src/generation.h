/*
 * generation.h - settings, certificates and the signer that belong together
 *
 * A reload makes a new generation.  Workers of the old one finish their
 * sessions with what they inherited, and with the signer they know.
 */
#ifndef POSTERN_GENERATION_H
#define POSTERN_GENERATION_H

#include <stdbool.h>
#include <sys/types.h>

#include "confine.h"
#include "sandbox.h"
#include "settings.h"
#include "tls.h"

struct generation {
	struct settings *settings;
	struct tls_context *tls_context;	/* NULL: no TLS anywhere */
	struct sandbox *sandbox;
	struct confine_identity worker_identity;
	struct confine_identity signer_identity;
	pid_t signer_pid;			/* -1: no signer */
	int signer_fd;				/* -1: no signer */
	uint32_t abilities;			/* enum ability: back ends' */
	uint64_t users_stamp;			/* of the passwd-files then */
	uint64_t file_stamp;			/* see stamp_files() */
};

/*
 * Make a generation of 'settings', which it takes over in any case: look up
 * the users, find out how processes can be confined, load the certificates,
 * start the signer and wait until it has the keys.  root_fd: an empty directory
 * for the signer.
 *
 * What is wrong is logged.  Returns 0 or -1; generation_end() ends it.
 */
int generation_begin(struct generation *generation, struct settings *settings,
	int root_fd);

/* The signer has ended. */
void generation_forget_signer(struct generation *generation);

/* Whether there is no signer where one is needed. */
bool generation_lacks_signer(const struct generation *generation);

/* Start the signer, for the first time or once more.  Returns 0, or -1. */
int generation_start_signer(struct generation *generation, int root_fd);

/*
 * Read the configuration file 'path' (NULL: the defaults) in a child process:
 * whatever happens to that, the caller goes on.  Returns 0 if the settings are
 * good, else -1, logged.
 */
int generation_check_settings(const char *path);

/*
 * If a passwd-file has changed, find out again what the back ends can do, in a
 * child process: their files hold secrets.  Returns whether that has changed.
 */
bool generation_renew_abilities(struct generation *generation);

/*
 * Make a generation of the settings of 'current', but of the files that are on
 * disk now, and take the settings and the sandbox over from it.
 *
 * Files with flaws that a start would only warn of are refused here: what is
 * loaded is better.  Returns 0; or -1, logged, and 'current' is as it was.
 */
int generation_renew(struct generation *next, struct generation *current,
	int root_fd);

/* Log what is wrong with the certificates, or will be soon, as warnings. */
void generation_warn(const struct generation *generation);

/* Forget it; its signer ends after the last of its workers. */
void generation_end(struct generation *generation);

/* The identities, or NULL when the master is not root. */
const struct confine_identity *generation_worker_identity(
	const struct generation *generation);

#endif
