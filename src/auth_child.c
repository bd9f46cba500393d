/*
 * auth_child.c - run one checkpassword program and hear what it became
 *
 * Owns: the program's descriptors, signals and life time.  Runs in: a keeper,
 * usually as root.  Distrusts: that a program ends, or says what it should.
 * Linux-only: SCM_CREDENTIALS, by which the kernel tells a sender's uid,
 * pidfds, and the death signal of the parent.
 */
#include "config.h"

#include "auth_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth_name.h"
#include "confine.h"
#include "deadline.h"

#define INPUT_FD 3
#define REPLY_FD 4
#define ABOVE_FD 10		/* out of the way of 0 to 4 */
#define WITHOUT_PID_FD_MS 10	/* how often to look where pidfds are missing */
#define EXIT_TEMPORARY 111

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Standard error may be a client's socket under inetd, so it is closed, too. */
static int place_descriptors(int input_fd, int reply_fd)
{
	int input = fcntl(input_fd, F_DUPFD, ABOVE_FD);
	int reply = fcntl(reply_fd, F_DUPFD, ABOVE_FD);
	int null = open("/dev/null", O_RDWR);
	static const int kept[] = { INPUT_FD, REPLY_FD };

	if (input < 0 || reply < 0 || null < 0)
		return -1;
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			return -1;
	if (dup2(input, INPUT_FD) < 0 || dup2(reply, REPLY_FD) < 0)
		return -1;
	confine_close_fds(kept, sizeof(kept) / sizeof(kept[0]));
	return 0;
}

/*
 * A session of its own, so that the program and its children die together; and
 * when the keeper is killed, the program is, unless it has become the user.
 */
static _Noreturn void become(char *const argv[], char *const envp[],
	int input_fd, int reply_fd)
{
	setsid();
	reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		_exit(EXIT_TEMPORARY);
	if (place_descriptors(input_fd, reply_fd) == 0 && chdir("/") == 0)
		execve(argv[0], argv, envp);
	_exit(EXIT_TEMPORARY);
}

/* Make the pair of which our end hears who is speaking. */
static int make_pair(int pair[2])
{
	const int on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on,
		sizeof(on)) == 0)
		return 0;
	close(pair[0]);
	close(pair[1]);
	return -1;
}

static bool find_credentials(struct msghdr *message, struct child_reply *reply)
{
	const struct cmsghdr *part = CMSG_FIRSTHDR(message);
	struct ucred sender;

	if (part == NULL || part->cmsg_level != SOL_SOCKET ||
		part->cmsg_type != SCM_CREDENTIALS ||
		part->cmsg_len != CMSG_LEN(sizeof(sender)))
		return false;
	memcpy(&sender, CMSG_DATA(part), sizeof(sender));
	reply->uid = sender.uid;
	reply->gid = sender.gid;
	return true;
}

/* Take "USER\0HOME\0" apart. */
static bool parse_reply(const char *text, size_t count,
	struct child_reply *reply)
{
	size_t user = strnlen(text, count), home;

	if (user >= count || user >= sizeof(reply->user))
		return false;
	home = strnlen(text + user + 1, count - user - 1);
	if (user + 1 + home + 1 != count || home >= sizeof(reply->home))
		return false;
	memcpy(reply->user, text, user + 1);
	memcpy(reply->home, text + user + 1, home + 1);
	if (home > 0 && *reply->home != '/')
		return false;
	return user == 0 || auth_name_is_usable(reply->user);
}

static bool receive(int fd, struct child_reply *reply)
{
	char text[sizeof(reply->user) + sizeof(reply->home)];
	union {
		struct cmsghdr aligned;
		char octets[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { text, sizeof(text) };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (got <= 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		return false;
	return find_credentials(&message, reply) &&
		parse_reply(text, (size_t)got, reply);
}

/* Sleep until the program ends, or for a moment where that cannot be seen. */
static void wait_a_while(const struct child *child, int64_t deadline_ms)
{
	struct pollfd end = { .fd = child->pid_fd, .events = POLLIN };
	int wait_ms = deadline_poll_ms(deadline_ms);

	if (child->pid_fd < 0 && (wait_ms < 0 || wait_ms > WITHOUT_PID_FD_MS))
		wait_ms = WITHOUT_PID_FD_MS;
	if (poll(&end, 1, wait_ms) < 0 && errno != EINTR)
		bug("poll");
}

static int wait_for_end(const struct child *child, int64_t deadline_ms)
{
	int status = -1;

	while (waitpid(child->pid, &status, WNOHANG) == 0) {
		if (deadline_has_passed(deadline_ms)) {
			kill(-child->pid, SIGKILL);
			kill(child->pid, SIGKILL);
			waitpid(child->pid, &status, 0);
			return -1;
		}
		wait_a_while(child, deadline_ms);
	}
	return status;
}

/* Wait for a reply, or for the end.  Returns whether there is one. */
static bool wait_for_reply(const struct child *child, int64_t deadline_ms)
{
	struct pollfd both[2] = {
		{ .fd = child->reply_fd, .events = POLLIN },
		{ .fd = child->pid_fd, .events = POLLIN },
	};
	int ready;

	do {
		ready = poll(both, 2, deadline_poll_ms(deadline_ms));
	} while (ready < 0 && errno == EINTR);
	return ready > 0 && both[0].revents != 0;
}

int child_start(struct child *child, char *const argv[], char *const envp[],
	int input_fd)
{
	int pair[2];
	int saved_errno;

	if (make_pair(pair) != 0)
		return -1;
	/* Where SIGCHLD is ignored, nobody learns how a child ended. */
	signal(SIGCHLD, SIG_DFL);
	child->pid = fork();
	if (child->pid == 0)
		become(argv, envp, input_fd, pair[1]);
	saved_errno = errno;
	close(input_fd);
	close(pair[1]);
	child->reply_fd = pair[0];
	child->pid_fd = -1;
	if (child->pid > 0)
		child->pid_fd = (int)syscall(SYS_pidfd_open, child->pid, 0);
	else
		close(pair[0]);
	errno = saved_errno;
	return child->pid > 0 ? 0 : -1;
}

bool child_reply(const struct child *child, int64_t deadline_ms,
	struct child_reply *reply)
{
	return wait_for_reply(child, deadline_ms) &&
		receive(child->reply_fd, reply);
}

bool child_name(const struct child *child, int64_t deadline_ms,
	char name[AUTH_NAME_OCTETS + 1])
{
	char text[AUTH_NAME_OCTETS + 2];

	if (!wait_for_reply(child, deadline_ms))
		return false;
	ssize_t got = recv(child->reply_fd, text, sizeof(text),
		MSG_DONTWAIT | MSG_TRUNC);
	if (got > 0 && (size_t)got <= sizeof(text) && text[got - 1] == '\n')
		got--;
	if (got <= 0 || got > AUTH_NAME_OCTETS ||
			memchr(text, '\0', (size_t)got) != NULL)
		return false;
	memcpy(name, text, (size_t)got);
	name[got] = '\0';
	return auth_name_is_usable(name);
}

int child_wait(struct child *child, int64_t deadline_ms)
{
	int status = wait_for_end(child, deadline_ms);

	close(child->reply_fd);
	if (child->pid_fd >= 0)
		close(child->pid_fd);
	return status;
}
