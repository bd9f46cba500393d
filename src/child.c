/*
 * child.c - fork a process that starts with nothing but what it is given
 *
 * Runs in: the master, and in each child before anything else.
 */
#include "config.h"

#include "child.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"

/* Most descriptors that a child keeps. */
#define MOST_KEPT 8

static const struct {
	int number;
	void (*action)(int);
} signals[] = {
	{ SIGTERM, SIG_DFL },
	{ SIGCHLD, SIG_DFL },
	{ SIGINT, SIG_IGN },
	{ SIGHUP, SIG_IGN },
	{ SIGUSR2, SIG_IGN },
	{ SIGPIPE, SIG_IGN },
};

/* The handlers are replaced before the mask lets a pending signal in. */
static void reset_signals(void)
{
	sigset_t term;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		(void)signal(signals[i].number, signals[i].action);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	(void)sigprocmask(SIG_SETMASK, &term, NULL);
}

static int ascending(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void keep_only(const int *kept, size_t count)
{
	int sorted[MOST_KEPT];
	size_t sorted_count = 0;

	for (size_t i = 0; i < count && sorted_count < MOST_KEPT; i++)
		if (kept[i] >= 0)
			sorted[sorted_count++] = kept[i];
	qsort(sorted, sorted_count, sizeof(sorted[0]), ascending);
	confine_close_fds(sorted, sorted_count);
}

pid_t child_fork(const int *kept, size_t count)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	log_forked();
	reset_signals();
	keep_only(kept, count);
	return 0;
}

void child_take_term(void (*handler)(int number))
{
	sigset_t none;

	(void)signal(SIGTERM, handler);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void child_close_stdio(void)
{
#ifndef KEEP_STDERR
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < 3; i++)
		(void)dup2(fd, i);
	close(fd);
#endif
}
