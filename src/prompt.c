/*
 * prompt.c - ask for a new password
 *
 * Owns: the terminal, while it asks.  Runs in: posternctl.
 * Distrusts: what is typed.
 */
#include "config.h"

#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

/* How signals were handled before. */
struct handling {
	struct sigaction actions[SIGNAL_COUNT];
	struct sigaction stop;
	sigset_t blocked;
};

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

/*
 * Read an octet as read() does.  Signals that are blocked come in while it
 * waits, by the mask 'blocked', and only then: so one that comes just before
 * ends the wait, too.  NULL: they are not blocked.
 */
static ssize_t read_octet(int fd, char *octet, const sigset_t *blocked)
{
	struct pollfd waiting = { .fd = fd, .events = POLLIN };

	if (blocked != NULL && ppoll(&waiting, 1, NULL, blocked) < 0)
		return -1;
	return read(fd, octet, 1);
}

/* Read a line without its end.  Returns NULL, or what is wrong. */
static const char *read_line(int fd, char *line, size_t room,
	const sigset_t *blocked)
{
	size_t count = 0;
	ssize_t got;
	char octet;

	while ((got = read_octet(fd, &octet, blocked)) == 1
		&& octet != '\n') {
		if (count + 1 >= room)
			return "the password is too long";
		if ((unsigned char)octet < 0x20 || octet == 0x7f)
			return "a password may have no control character";
		line[count++] = octet;
	}
	line[count] = '\0';
	if (got < 0)
		return strerror(errno);
	return count == 0 ? "an empty password fits nobody" : NULL;
}

/* Catch what would end the program, but for now in read_octet() only. */
static void catch_signals(struct handling *before)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		(void)sigaddset(&set, signals[i]);
	(void)sigprocmask(SIG_BLOCK, &set, &before->blocked);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		(void)sigaction(signals[i], &action, &before->actions[i]);
	(void)sigaction(SIGTSTP, &ignore, &before->stop);
}

static void release_signals(const struct handling *before)
{
	(void)sigprocmask(SIG_SETMASK, &before->blocked, NULL);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		(void)sigaction(signals[i], &before->actions[i], NULL);
	(void)sigaction(SIGTSTP, &before->stop, NULL);
	if (caught != 0)
		(void)raise(caught);
}

static const char *ask(int terminal_fd, const char *question,
	const char *user, char *password, size_t room,
	const sigset_t *blocked)
{
	const char *wrong;

	if (dprintf(terminal_fd, "%s%s: ", question, user) < 0)
		return strerror(errno);
	wrong = read_line(terminal_fd, password, room, blocked);
	(void)dprintf(terminal_fd, "\n");	/* only looks */
	return wrong;
}

static const char *ask_twice(int terminal_fd, const char *user,
	char *password, size_t room, const sigset_t *blocked)
{
	char again[1024];
	const char *wrong = ask(terminal_fd, "New password of ", user,
		password, room, blocked);

	if (wrong == NULL)
		wrong = ask(terminal_fd, "The same again for ", user, again,
			sizeof(again), blocked);
	if (wrong == NULL && strcmp(password, again) != 0)
		wrong = "these were two different passwords";
	explicit_bzero(again, sizeof(again));
	return wrong;
}

static const char *ask_unseen(int terminal_fd, const char *user,
	char *password, size_t room)
{
	struct handling before;
	struct termios seen, unseen;
	const char *wrong;

	if (tcgetattr(terminal_fd, &seen) < 0)
		return strerror(errno);
	unseen = seen;
	unseen.c_lflag &= (tcflag_t)~(ECHO | ECHONL);
	catch_signals(&before);
	if (tcsetattr(terminal_fd, TCSAFLUSH, &unseen) < 0)
		wrong = strerror(errno);
	else
		wrong = ask_twice(terminal_fd, user, password, room,
			&before.blocked);
	/* There is nothing more to try if it fails. */
	(void)tcsetattr(terminal_fd, TCSAFLUSH, &seen);
	release_signals(&before);
	return wrong;
}

const char *prompt_password(const char *user, char *password, size_t room)
{
	const char *wrong;
	int terminal_fd;

	if (!isatty(STDIN_FILENO))
		return read_line(STDIN_FILENO, password, room, NULL);
	terminal_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal_fd < 0)
		return "can't open /dev/tty";
	wrong = ask_unseen(terminal_fd, user, password, room);
	close(terminal_fd);
	return wrong;
}
