/*
 * keeper.h - one login attempt, and on success one Maildir
 */
#ifndef POSTERN_KEEPER_H
#define POSTERN_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "penalty.h"
#include "sandbox.h"
#include "settings.h"
#include "tls.h"

/* What a keeper is given by the master that forks it. */
struct keeper {
	const struct settings *settings;
	struct session_rules rules;	/* for this client */
	const char *listener;		/* its name, for the log */
	bool asks_certificate;		/* that listener of its clients */
	char address[64];		/* of the client, numeric */
	char local_address[64];		/* ours, that it has connected to */
	uint16_t port, local_port;	/* 0: not known */
	struct penalty penalty;		/* if the login fails */
	int worker_fd;
	int gate_fd;			/* see gate.h */
	const struct sandbox *sandbox;	/* NULL: none */
	uint32_t number;		/* of this attempt, in all */
};

/* How a keeper exits: the only thing the master hears of it. */
enum keeper_exit {
	KEEPER_EXIT_SERVED = 0,		/* a session, to whatever end */
	KEEPER_EXIT_DENIED = 10,	/* the master raises the penalty */
	KEEPER_EXIT_NOT_OPENED = 11,	/* right password, no maildrop */
	KEEPER_EXIT_ABANDONED = 12,	/* no attempt came */
	KEEPER_EXIT_BAD_RECORD = 13	/* the worker lies */
};

/*
 * Check one login; on success become that user, lock and list the Maildir, and
 * serve the worker until it goes.  Never returns.
 */
_Noreturn void keeper_run(struct keeper *keeper);

#endif
