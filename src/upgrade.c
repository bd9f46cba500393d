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
#include <limits.h>
#include <poll.h>
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

/* The descriptor that ends when the program before us does. */
#define OLD_FD "POSTERN_OLD_FD"

static struct {
	char **argv;
	char *path;
	int old_fd;			/* -1: there was none */
} start = { .old_fd = -1 };

static void note_old(void)
{
	const char *number = getenv(OLD_FD);
	long fd = number == NULL ? -1 : strtol(number, NULL, 10);

	if (fd > STDERR_FILENO && fd <= INT_MAX &&
			fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0)
		start.old_fd = (int)fd;
	(void)unsetenv(OLD_FD);
}

/* A program found in $PATH is where it was found then. */
void upgrade_note_start(char **argv)
{
	static char found[4096];
	ssize_t count;

	note_old();
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

/* The ends of two pipes that the new program is given. */
struct ends {
	int ready_fd;			/* it writes when it serves */
	int old_fd;			/* it reads the end when we have gone */
};

/*
 * Put the sockets, and behind them the two ends, where the new program looks
 * for them.  Returns where the first end is now, or -1 with errno.
 */
static int place(const struct listeners *listeners, const struct ends *ends)
{
	int count = (int)listeners->count, first = INHERIT_FIRST_FD;
	int fds[INHERIT_MOST + 2];

	if (count > INHERIT_MOST) {
		errno = E2BIG;
		return -1;
	}
	for (int i = 0; i < count; i++)
		fds[i] = listeners->all[i].fd;
	fds[count] = ends->ready_fd;
	fds[count + 1] = ends->old_fd;
	/* First out of the way, or one would be put on top of another. */
	for (int i = 0; i < count + 2; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, first + count + 2);
		if (fds[i] < 0)
			return -1;
	}
	for (int i = 0; i < count + 2; i++) {
		if (dup2(fds[i], first + i) < 0)
			return -1;
		fds[i] = first + i;
	}
	confine_close_fds(fds, (size_t)count + 2);
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
	const struct ends *ends)
{
	char names[NAMES_BYTES], number[16];
	bool is_inherited = listeners->count > 0 &&
		listeners->all[0].is_inherited;

	reset_signals();
	write_names(listeners, names);
	int ready_fd = place(listeners, ends);
	if (ready_fd >= 0) {
		snprintf(number, sizeof(number), "%d", ready_fd + 1);
		(void)setenv(OLD_FD, number, 1);
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
	close(upgrade->alive_fd);
	*upgrade = (struct upgrade){ .pid = 0 };
}

static int make_pipes(int ready[2], int alive[2])
{
	if (pipe2(ready, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	if (pipe2(alive, O_CLOEXEC) == 0)
		return 0;
	int error = errno;
	close(ready[0]);
	close(ready[1]);
	errno = error;
	return -1;
}

void upgrade_begin(struct upgrade *upgrade, const struct listeners *listeners)
{
	int ready[2], alive[2];

	if (upgrade->pid != 0) {
		log_warning("process %d is about to take over already",
			(int)upgrade->pid);
		return;
	}
	if (make_pipes(ready, alive) < 0) {
		log_error("can't upgrade: %s", strerror(errno));
		return;
	}
	pid_t pid = fork();
	if (pid == 0)
		become_new(listeners, &(struct ends){ ready[1], alive[0] });
	int error = errno;
	close(ready[1]);
	close(alive[0]);
	if (pid < 0) {
		log_error("can't upgrade: %s", strerror(error));
		close(ready[0]);
		close(alive[1]);
		return;
	}
	log_info("upgrade: %s is started as process %d", start.path, (int)pid);
	*upgrade = (struct upgrade){
		.pid = pid, .ready_fd = ready[0], .alive_fd = alive[1],
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
		close(upgrade->ready_fd);
		/* The other end stays open as long as we live. */
		*upgrade = (struct upgrade){ .is_done = true };
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

void upgrade_wait_for_old(const sigset_t *unblocked)
{
	static const int others[] = { SIGCHLD, SIGHUP, SIGUSR2 };
	struct pollfd old = { .fd = start.old_fd };
	sigset_t blocked = *unblocked;

	if (start.old_fd < 0)
		return;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		sigaddset(&blocked, others[i]);
	/* Only the end can come, for nobody writes; or we are told twice. */
	(void)ppoll(&old, 1, NULL, &blocked);
	close(start.old_fd);
}

void upgrade_stop(struct upgrade *upgrade)
{
	if (upgrade->pid == 0)
		return;
	(void)kill(upgrade->pid, SIGTERM);
	forget(upgrade);
}
