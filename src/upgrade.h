/*
 * upgrade.h - let a new program take our listening sockets, and our place
 *
 * The new one is a child of ours.  It is given the listening sockets as systemd
 * gives them (inherit.h) and says when it serves; then we take no more
 * connections and end with our last session.  If it ends before it serves, we
 * go on as if nothing had been.
 */
#ifndef POSTERN_UPGRADE_H
#define POSTERN_UPGRADE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "listen.h"

struct upgrade {
	pid_t pid;			/* 0: none is under way */
	int ready_fd;			/* the new one writes when it serves */
	int alive_fd;			/* our end of what it waits for */
	int64_t give_up_ms;
	bool is_done;			/* a child of ours outlives us */
};

enum upgrade_event { UPGRADE_NOTHING, UPGRADE_READY, UPGRADE_FAILED };

/*
 * Remember how this program was started, and whether by another one that makes
 * way for it; removes what says so from the environment.  'argv' must outlive
 * all upgrades; its first word is the program, looked for where that names it.
 */
void upgrade_note_start(char **argv);

/*
 * Start the program that is at our path now, if none is started yet.  What is
 * wrong is logged.
 */
void upgrade_begin(struct upgrade *upgrade, const struct listeners *listeners);

/* When upgrade_look() may have news. */
int64_t upgrade_due_ms(const struct upgrade *upgrade);

/*
 * See how the new program does.  UPGRADE_READY: it serves.  UPGRADE_FAILED: it
 * has ended, or was ended, logged.
 */
enum upgrade_event upgrade_look(struct upgrade *upgrade);

/*
 * Wait until the program before us has ended: a service manager would end its
 * sessions when we, the main process, go first.  Of the signals that
 * 'unblocked' lets in, SIGTERM and SIGINT end the wait.
 */
void upgrade_wait_for_old(const sigset_t *unblocked);

/* We stop: so must a new program that does not serve yet. */
void upgrade_stop(struct upgrade *upgrade);

#endif
