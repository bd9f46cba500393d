/*
 * upgrade.c - let a new program take our listening sockets, and our place
 *
 * Runs in: the master, and in the child that becomes the new program.  Trusts:
 * the path that whoever started us has named.
 */
#include "config.h"

#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "confine.h"
#include "deadline.h"
#include "inherit.h"
#include "log.h"
#include "notify.h"

/* How long a new program may take until it serves. */
#define PATIENCE_MS 60000

/* How often we look meanwhile: it is seldom, and soon over. */
#define LOOK_MS 50

#define NAMES_BYTES 4096

static struct {
	char **argv;
	char *path;
} start;

/* A program found in $PATH is where it was found then. */
void upgrade_note_start(char **argv)
{
	static char found[4096];
	ssize_t count;

	start.argv = argv;
	start.path = argv[0];
	if (strchr(argv[0], '/') != NULL)
		return;
	count = readlink("/proc/self/exe", found, sizeof(found) - 1);
	if (count > 0)
		start.path = found;
}

/* The names as sd_listen_fds(3) has them: a colon can be in none. */
static void write_names(const struct listeners *listeners, char *names)
{
	size_t used = 0;

	names[0] = '\0';
	for (size_t i = 0; i < listeners->count && used < NAMES_BYTES; i++) {
		char name[sizeof(listeners->all[i].name)];

		snprintf(name, sizeof(name), "%s", listeners->all[i].name);
		for (char *colon = name; *colon != '\0'; colon++)
			if (*colon == ':')
				*colon = '_';
		used += (size_t)snprintf(names + used, NAMES_BYTES - used,
			"%s%s", i > 0 ? ":" : "", name);
	}
}

/*
 * Put the sockets, and behind them 'ready_fd', where the new program looks for
 * them.  Returns where 'ready_fd' is now, or -1 with errno.
 */
static int place(const struct listeners *listeners, int ready_fd)
{
	int count = (int)listeners->count, first = INHERIT_FIRST_FD;
	int high[INHERIT_MOST + 1];

	if (count > INHERIT_MOST) {
		errno = E2BIG;
		return -1;
	}
	/* First out of the way, or one would be put on top of another. */
	for (int i = 0; i <= count; i++) {
		high[i] = fcntl(i < count ? listeners->all[i].fd : ready_fd,
			F_DUPFD_CLOEXEC, first + count + 1);
		if (high[i] < 0)
			return -1;
	}
	for (int i = 0; i <= count; i++) {
		if (dup2(high[i], first + i) < 0)
			return -1;
		high[i] = first + i;
	}
	confine_close_fds(high, (size_t)count + 1);
	return first + count;
}

/* A new program begins with all signals as they are by default. */
static void reset_signals(void)
{
	static const int numbers[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT,
		SIGUSR2, SIGPIPE };
	sigset_t none;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)signal(numbers[i], SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_new(const struct listeners *listeners,
	int ready_fd)
{
	char names[NAMES_BYTES];
	bool is_inherited = listeners->count > 0 &&
		listeners->all[0].is_inherited;

	reset_signals();
	write_names(listeners, names);
	ready_fd = place(listeners, ready_fd);
	if (ready_fd >= 0) {
		inherit_pass_on((int)listeners->count, names, !is_inherited);
		notify_pass_on(ready_fd);
		(void)execv(start.path, start.argv);
	}
	log_error("can't start %s: %s", start.path, strerror(errno));
	_exit(EXIT_FAILURE);
}

static void forget(struct upgrade *upgrade)
{
	close(upgrade->ready_fd);
	*upgrade = (struct upgrade){ .pid = 0 };
}

void upgrade_begin(struct upgrade *upgrade, const struct listeners *listeners)
{
	int fds[2];

	if (upgrade->pid != 0) {
		log_warning("process %d is about to take over already",
			(int)upgrade->pid);
		return;
	}
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		log_error("can't upgrade: %s", strerror(errno));
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		become_new(listeners, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		log_error("can't upgrade: %s", strerror(errno));
		close(fds[0]);
		return;
	}
	log_info("upgrade: %s is started as process %d", start.path, (int)pid);
	*upgrade = (struct upgrade){
		.pid = pid, .ready_fd = fds[0],
		.give_up_ms = deadline_now_ms() + PATIENCE_MS,
	};
}

int64_t upgrade_due_ms(const struct upgrade *upgrade)
{
	return upgrade->pid == 0 ? DEADLINE_NEVER :
		deadline_now_ms() + LOOK_MS;
}

enum upgrade_event upgrade_look(struct upgrade *upgrade)
{
	char octet;

	if (upgrade->pid == 0)
		return UPGRADE_NOTHING;
	ssize_t got = read(upgrade->ready_fd, &octet, 1);
	if (got < 0 && errno == EAGAIN &&
			!deadline_has_passed(upgrade->give_up_ms))
		return UPGRADE_NOTHING;
	if (got == 1) {
		log_info("upgrade: process %d serves new connections",
			(int)upgrade->pid);
		notify_successor(upgrade->pid);
		forget(upgrade);
		upgrade->is_done = true;
		return UPGRADE_READY;
	}
	log_error("the new program %s: this one goes on", got == 0 ?
		"has ended before it served" : "does not serve: killed");
	/* At the end of the pipe it is gone; others may have its number. */
	if (got != 0)
		(void)kill(upgrade->pid, SIGKILL);
	forget(upgrade);
	return UPGRADE_FAILED;
}

void upgrade_stop(struct upgrade *upgrade)
{
	if (upgrade->pid == 0)
		return;
	(void)kill(upgrade->pid, SIGTERM);
	forget(upgrade);
}
