/*
 * notify.c - tell the service manager how we are: sd_notify(3), by itself
 *
 * Runs in: the master.  Owns: who wants to hear it.  That nobody listens is no
 * error.
 */
#include "config.h"

#include "notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"

/* How many sessions there are is told no more often than this. */
#define STATUS_MS 10000

#define TEXT_BYTES 256
#define NUMBER_BYTES 24

static struct {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];	/* "": none */
	int64_t watchdog_ms;		/* how often we must tell; 0: never */
	int64_t alive_ms, status_ms;	/* when the next of each is due */
	uint32_t sessions;		/* that were told */
	bool is_told;
	int ready_fd;			/* -1: no predecessor waits */
} manager = { .ready_fd = -1 };

/* A positive number, or 0. */
static int64_t number_of(const char *name)
{
	const char *text = getenv(name);
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' ? (int64_t)number : 0;
}

static void take_path(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	/* What is neither a path nor abstract is for other means. */
	if (path != NULL && (*path == '/' || *path == '@') &&
			strlen(path) < sizeof(manager.path))
		snprintf(manager.path, sizeof(manager.path), "%s", path);
}

static void take_watchdog(void)
{
	int64_t pid = number_of("WATCHDOG_PID");

	if (pid == 0 || pid == (int64_t)getpid())
		manager.watchdog_ms = number_of("WATCHDOG_USEC") / 1000;
}

static void take_predecessor(void)
{
	int64_t fd = number_of("POSTERN_READY_FD");

	if (fd > STDERR_FILENO && fd < 1024 &&
			fcntl((int)fd, F_SETFD, FD_CLOEXEC) == 0)
		manager.ready_fd = (int)fd;
}

static bool is_heard(void)
{
	return manager.path[0] != '\0';
}

/* One datagram; an abstract address begins with NUL and has no end. */
static void tell(const char *format, ...)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t count = strlen(manager.path);
	char text[TEXT_BYTES];
	va_list arguments;

	if (!is_heard())
		return;
	va_start(arguments, format);
	int bytes = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	memcpy(address.sun_path, manager.path, count);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';
	(void)sendto(fd, text, (size_t)bytes, MSG_NOSIGNAL,
		(const struct sockaddr *)(const void *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + count));
	close(fd);
}

static void note_told(uint32_t sessions)
{
	manager.sessions = sessions;
	manager.is_told = true;
	manager.status_ms = deadline_now_ms() + STATUS_MS;
}

static int64_t earlier_ms(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

void notify_begin(void)
{
	take_path();
	take_watchdog();
	take_predecessor();
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("POSTERN_READY_FD");
}

void notify_ready(uint32_t sessions)
{
	tell("READY=1\nSTATUS=postern " PACKAGE_VERSION ", %u sessions",
		sessions);
	note_told(sessions);
	if (manager.ready_fd < 0)
		return;
	/* A predecessor that is gone waits for nothing. */
	(void)!write(manager.ready_fd, "1", 1);
	close(manager.ready_fd);
	manager.ready_fd = -1;
}

/* One datagram, or systemd would take the reload for over at once. */
void notify_reloading(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	tell("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reading the settings",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void notify_stopping(uint32_t sessions)
{
	tell("STOPPING=1\nSTATUS=stopping: %u sessions go on", sessions);
	note_told(sessions);
}

void notify_successor(pid_t pid)
{
	/* What the new one has told until now was not heard. */
	tell("MAINPID=%d\nREADY=1\nWATCHDOG=1", (int)pid);
	/* From now on nobody listens to us. */
	manager.path[0] = '\0';
}

void notify_pass_on(int ready_fd)
{
	char number[NUMBER_BYTES];

	snprintf(number, sizeof(number), "%d", ready_fd);
	(void)setenv("POSTERN_READY_FD", number, 1);
	if (!is_heard())
		return;
	(void)setenv("NOTIFY_SOCKET", manager.path, 1);
	snprintf(number, sizeof(number), "%d", (int)getpid());
	(void)setenv("WATCHDOG_PID", number, 1);
	snprintf(number, sizeof(number), "%lld",
		(long long)manager.watchdog_ms * 1000);
	(void)setenv("WATCHDOG_USEC", number, 1);
}

int64_t notify_due_ms(void)
{
	int64_t due_ms = DEADLINE_NEVER;

	if (is_heard() && manager.watchdog_ms > 0)
		due_ms = manager.alive_ms;
	if (is_heard() && !manager.is_told)
		due_ms = earlier_ms(due_ms, manager.status_ms);
	return due_ms;
}

void notify_serve(uint32_t sessions)
{
	int64_t now_ms = deadline_now_ms();

	if (!is_heard())
		return;
	if (manager.watchdog_ms > 0 && now_ms >= manager.alive_ms) {
		tell("WATCHDOG=1");
		manager.alive_ms = now_ms + manager.watchdog_ms / 2;
	}
	manager.is_told = sessions == manager.sessions;
	if (!manager.is_told && now_ms >= manager.status_ms) {
		tell("STATUS=postern " PACKAGE_VERSION ", %u sessions",
			sessions);
		note_told(sessions);
	}
}
