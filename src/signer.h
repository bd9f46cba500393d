/*
 * signer.h - the process that has the private keys, and uses them for others
 */
#ifndef POSTERN_SIGNER_H
#define POSTERN_SIGNER_H

#include "confine.h"
#include "sandbox.h"
#include "settings.h"
#include "tls.h"

/* What the signer is given by the master that forks it. */
struct signer {
	const struct settings *settings;
	const struct tls_context *tls_context;	/* whose keys they are */
	int master_fd;
	int root_fd;				/* an empty directory */
	uint32_t most_workers;
	const struct confine_identity *identity; /* NULL: not root */
	const struct sandbox *sandbox;		/* NULL: none */
};

/* How a signer exits.  What was wrong is in the log. */
enum signer_exit {
	SIGNER_EXIT_OK = 0,		/* master and workers are gone */
	SIGNER_EXIT_NO_KEY = 30,	/* unreadable,
	or not this certificate's */
	SIGNER_EXIT_NOT_CONFINED = 31,
	SIGNER_EXIT_FAILED = 32
};

/*
 * Load the keys, confine this process, tell the master READY, then sign for
 * each worker whose socket the master sends, until all are gone.  Never
 * returns.
 */
_Noreturn void signer_run(const struct signer *signer);

#endif
