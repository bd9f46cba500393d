/*
 * trial.c - try what may go wrong in a child process
 *
 * Runs in: the master, and a child of it.
 */
#include "config.h"

#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"
#include "log.h"

/* A log line for what the libraries' functions print on a FILE. */
#define MESSAGE_BYTES 2048

/* Log what the child says, and wait for its end. */
static int hear(pid_t pid, int said_fd)
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

int trial_run(bool (*attempt)(const void *what), const void *what)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = child_fork(&fds[1], 1);
	if (pid == 0) {
		(void)dup2(fds[1], STDERR_FILENO);
		_exit(attempt(what) ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	close(fds[1]);
	if (pid > 0)
		return hear(pid, fds[0]);
	close(fds[0]);
	return -1;
}
