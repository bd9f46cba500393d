/*
 * inherit.c - sockets that a supervisor passed: systemd, inetd and their like
 *
 * Runs in: the master, before anything else.
 */
#include "config.h"

#include "inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

#define NUMBER_BYTES 16

/* The sockets are not a supervisor's, but those of a process before us. */
static bool is_own;

/* Take the next of the colon-separated 'names'; "unknown" if there is none. */
static void take_name(const char **names, char *name, size_t bytes)
{
	size_t octets = *names == NULL ? 0 : strcspn(*names, ":");

	if (octets == 0)
		snprintf(name, bytes, "unknown");
	else
		snprintf(name, bytes, "%.*s", (int)octets, *names);
	if (*names != NULL)
		*names += octets + ((*names)[octets] == ':');
}

static bool is_listening(int fd)
{
	int value = 0;
	socklen_t bytes = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &bytes) == 0
		&& value != 0;
}

static bool is_stream(int fd)
{
	int value = 0;
	socklen_t bytes = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &bytes) == 0 &&
		value == SOCK_STREAM;
}

static int adopt(struct listener *listener, const struct settings *settings,
	int fd, const char *name)
{
	*listener = (struct listener){ .fd = fd, .is_inherited = true };
	snprintf(listener->name, sizeof(listener->name), "%s", name);
	listener->section = listen_section(settings, name, fd);
	listen_look(listener);
	return fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* Let 'fd' lead nowhere. */
static int lead_nowhere(int fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return -1;
	int status = dup2(null_fd, fd);
	if (null_fd != fd)
		close(null_fd);
	return status < 0 ? -1 : 0;
}

static bool is_same_file(int a, int b)
{
	struct stat a_status, b_status;

	return fstat(a, &a_status) == 0 && fstat(b, &b_status) == 0 &&
		a_status.st_dev == b_status.st_dev &&
		a_status.st_ino == b_status.st_ino;
}

int inherit_count(char **names)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	const char *passed_names = getenv("LISTEN_FDNAMES");
	long result = 0;

	*names = NULL;
	if (pid != NULL && count != NULL &&
			strtol(pid, NULL, 10) == (long)getpid())
		result = strtol(count, NULL, 10);
	if (result < 0 || result > INHERIT_MOST)
		result = 0;
	if (result > 0 && passed_names != NULL)
		*names = strdup(passed_names);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	is_own = getenv("POSTERN_SOCKETS") != NULL;
	(void)unsetenv("LISTEN_FDNAMES");
	(void)unsetenv("POSTERN_SOCKETS");
	return (int)result;
}

int inherit_listeners(struct listeners *listeners,
	const struct settings *settings, int count, const char *names,
	int *connection_fd)
{
	char name[64];

	*listeners = (struct listeners){
		.all = calloc((size_t)count, sizeof(*listeners->all)),
	};
	if (listeners->all == NULL)
		return -1;
	for (int fd = INHERIT_FIRST_FD; fd < INHERIT_FIRST_FD + count; fd++) {
		take_name(&names, name, sizeof(name));
		if (!is_stream(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
			log_error("descriptor %d is no stream socket", fd);
			return -1;
		}
		if (!is_listening(fd)) {
			*connection_fd = fd;
			return 0;
		}
		if (adopt(&listeners->all[listeners->count++], settings, fd,
				name) < 0)
			return -1;
		if (is_own)
			listen_claim(&listeners->all[listeners->count - 1],
				settings);
	}
	return 0;
}

void inherit_pass_on(int count, const char *names, bool is_ours)
{
	char number[NUMBER_BYTES];

	snprintf(number, sizeof(number), "%d", count);
	(void)setenv("LISTEN_FDS", number, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", number, 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	if (is_ours)
		(void)setenv("POSTERN_SOCKETS", "own", 1);
}

bool inherit_is_inetd(void)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(address);

	return is_stream(STDIN_FILENO) && getpeername(STDIN_FILENO,
			(struct sockaddr *)&address, &bytes) == 0 &&
		(address.ss_family == AF_INET ||
		address.ss_family == AF_INET6);
}

int inherit_connection(void)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, INHERIT_FIRST_FD);

	if (fd < 0)
		return -1;
	if (is_same_file(fd, STDERR_FILENO) && lead_nowhere(STDERR_FILENO) < 0)
		return -1;
	if (lead_nowhere(STDIN_FILENO) < 0 || lead_nowhere(STDOUT_FILENO) < 0)
		return -1;
	return fd;
}
