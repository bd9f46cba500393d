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
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

/* Read a line without its end.  Returns NULL, or what is wrong. */
static const char *read_line(int fd, char *line, size_t room)
{
	size_t count = 0;
	ssize_t got;
	char octet;

	while ((got = read(fd, &octet, 1)) == 1 && octet != '\n') {
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

/* Without SA_RESTART a signal ends the reading. */
static void catch_signals(struct sigaction before[SIGNAL_COUNT],
	struct sigaction *stop_before)
{
	const struct sigaction action = { .sa_handler = on_signal };
	const struct sigaction ignore = { .sa_handler = SIG_IGN };

	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		(void)sigaction(signals[i], &action, &before[i]);
	(void)sigaction(SIGTSTP, &ignore, stop_before);
}

static void release_signals(const struct sigaction before[SIGNAL_COUNT],
	const struct sigaction *stop_before)
{
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		(void)sigaction(signals[i], &before[i], NULL);
	(void)sigaction(SIGTSTP, stop_before, NULL);
	if (caught != 0)
		(void)raise(caught);
}

static const char *ask(int terminal_fd, const char *question,
	const char *user, char *password, size_t room)
{
	const char *wrong;

	if (dprintf(terminal_fd, "%s%s: ", question, user) < 0)
		return strerror(errno);
	wrong = read_line(terminal_fd, password, room);
	(void)dprintf(terminal_fd, "\n");	/* only looks */
	return wrong;
}

static const char *ask_twice(int terminal_fd, const char *user,
	char *password, size_t room)
{
	char again[1024];
	const char *wrong = ask(terminal_fd, "New password of ", user,
		password, room);

	if (wrong == NULL)
		wrong = ask(terminal_fd, "The same again for ", user, again,
			sizeof(again));
	if (wrong == NULL && strcmp(password, again) != 0)
		wrong = "these were two different passwords";
	explicit_bzero(again, sizeof(again));
	return wrong;
}

static const char *ask_unseen(int terminal_fd, const char *user,
	char *password, size_t room)
{
	struct sigaction before[SIGNAL_COUNT], stop_before;
	struct termios seen, unseen;
	const char *wrong;

	if (tcgetattr(terminal_fd, &seen) < 0)
		return strerror(errno);
	unseen = seen;
	unseen.c_lflag &= (tcflag_t)~(ECHO | ECHONL);
	catch_signals(before, &stop_before);
	if (tcsetattr(terminal_fd, TCSAFLUSH, &unseen) < 0)
		wrong = strerror(errno);
	else
		wrong = ask_twice(terminal_fd, user, password, room);
	/* There is nothing more to try if it fails. */
	(void)tcsetattr(terminal_fd, TCSAFLUSH, &seen);
	release_signals(before, &stop_before);
	return wrong;
}

const char *prompt_password(const char *user, char *password, size_t room)
{
	const char *wrong;
	int terminal_fd;

	if (!isatty(STDIN_FILENO))
		return read_line(STDIN_FILENO, password, room);
	terminal_fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal_fd < 0)
		return "can't open /dev/tty";
	wrong = ask_unseen(terminal_fd, user, password, room);
	close(terminal_fd);
	return wrong;
}
