/*
 * false_dovecot.c - what answers on Dovecot's sockets, and says what it is told
 */
#include "config.h"

#include "false_dovecot.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		abort();
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address,
			sizeof(address)) < 0 || listen(fd, 8) < 0)
		abort();
	return fd;
}

static _Noreturn void serve(int listener_fd, const char *octets, size_t count)
{
	char heard[4096];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = accept(listener_fd, NULL, NULL);

		if (fd < 0)
			_exit(EXIT_FAILURE);
		/* Who has had enough need not listen to the end. */
		(void)send(fd, octets, count, MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
		while (read(fd, heard, sizeof(heard)) > 0)
			;
		close(fd);
	}
}

pid_t false_dovecot_start(const char *path, const char *octets, size_t count)
{
	int fd = listen_on(path);
	pid_t pid = fork();

	if (pid < 0)
		abort();
	if (pid == 0)
		serve(fd, octets, count);
	close(fd);
	return pid;
}

void false_dovecot_stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
