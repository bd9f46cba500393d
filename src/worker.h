/*
 * worker.h - the process that talks to a client
 */
#ifndef POSTERN_WORKER_H
#define POSTERN_WORKER_H

#include "confine.h"
#include "sandbox.h"
#include "settings.h"
#include "tls.h"

/* What a worker is given by the master that forks it. */
struct worker {
	const struct settings *settings;
	struct tls_context *tls_context;	/* NULL: no TLS anywhere */
	int master_fd;
	int signer_fd;				/* -1: no TLS anywhere */
	int root_fd;				/* an empty directory */
	const struct confine_identity *identity; /* NULL: not root */
	const struct sandbox *sandbox;		/* NULL: none */
	uint32_t abilities;			/* of the back ends */
};

/* How a worker exits. */
enum worker_exit {
	WORKER_EXIT_OK = 0,
	WORKER_EXIT_NOT_CONFINED = 20,
	WORKER_EXIT_BAD_RECORD = 21
};

/*
 * Confine this process, then serve one connection after the other that the
 * master passes, up to pool.sessions-per-worker.  Never returns.
 */
_Noreturn void worker_run(const struct worker *worker);

#endif
