/*
 * auth_program.c - back end: a program with the checkpassword interface
 *
 * Owns: the request to the program, and what its answer means.  Runs in: a
 * keeper, usually as root.  Distrusts: name and password, and a program that
 * became root or nobody.
 */
#include "config.h"

#include "auth_program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "auth_account.h"
#include "auth_child.h"
#include "deadline.h"
#include "log.h"

#define REPLY_PROGRAM "/postern-reply"
#define EXIT_DENIED 1

/* A name, a token as WIRE_RESPONSE_BYTES of base64 hold it, the time. */
#define TOKEN_REQUEST_OCTETS 10240

/* Write "login\0password\0timestamp\0"; returns its octets, 0 if too many. */
static size_t make_request(const struct auth_attempt *attempt, char *request,
	size_t room)
{
	int count = snprintf(request, room, "%s%c%s%c%jd",
		attempt->name, '\0', attempt->password, '\0',
		(intmax_t)time(NULL));

	if (count < 0 || (size_t)count + 1 > room)
		return 0;
	return (size_t)count + 1;
}

/* An empty pipe takes any request without a reader: it holds 64 KiB. */
static int put_into_pipe(const char *request, size_t count)
{
	int ends[2];
	ssize_t written;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	written = write(ends[1], request, count);
	close(ends[1]);
	if (written == (ssize_t)count)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* Run uninstalled, the program lies beside us; installed, it does not. */
static void find_reply_program(char path[AUTH_PATH_BYTES])
{
	ssize_t count = readlink("/proc/self/exe", path,
		AUTH_PATH_BYTES - sizeof(REPLY_PROGRAM));
	char *slash;

	path[count < 0 ? 0 : count] = '\0';
	slash = strrchr(path, '/');
	if (slash != NULL) {
		memcpy(slash, REPLY_PROGRAM, sizeof(REPLY_PROGRAM));
		if (access(path, X_OK) == 0)
			return;
	}
	snprintf(path, AUTH_PATH_BYTES, "%s", LIBEXECDIR REPLY_PROGRAM);
}

/* reply_program: the last argument, or NULL. */
static char **make_argv(char *const command[], char *reply_program)
{
	size_t count = 0;
	char **argv;

	while (command[count] != NULL)
		count++;
	argv = calloc(count + 2, sizeof(*argv));
	if (argv == NULL)
		return NULL;
	memcpy(argv, command, count * sizeof(*argv));
	argv[count] = reply_program;
	return argv;
}

static int start(const struct backend_settings *backend, const char *address,
	int input_fd, struct child *child)
{
	char search[] = "PATH=/usr/bin:/bin:/usr/sbin:/sbin";
	char protocol[] = "PROTO=TCP", service[] = "SERVICE=pop3";
	char client[64], reply_program[AUTH_PATH_BYTES];
	char *const environment[] = { search, protocol, service, client, NULL };
	char **argv;
	int result = -1;

	snprintf(client, sizeof(client), "TCPREMOTEIP=%s", address);
	find_reply_program(reply_program);
	argv = make_argv(backend->command,
		backend->type == BACKEND_PROGRAM ? reply_program : NULL);
	if (argv != NULL)
		result = child_start(child, argv, environment, input_fd);
	else
		close(input_fd);
	free(argv);
	return result;
}

/* Put the request where the program finds it, and forget it. */
static int start_with_request(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct child *child)
{
	char request[TOKEN_REQUEST_OCTETS];
	size_t count = make_request(attempt, request,
		backend->type == BACKEND_PROGRAM ? CHILD_REQUEST_OCTETS :
		sizeof(request));
	int input_fd = -1;

	/* Told apart here from a program that runs and then fails. */
	if (access(backend->command[0], X_OK) != 0)
		count = 0;
	else if (count == 0)
		errno = EMSGSIZE;
	if (count > 0)
		input_fd = put_into_pipe(request, count);
	explicit_bzero(request, sizeof(request));
	if (input_fd < 0)
		return -1;
	return start(backend, attempt->address, input_fd, child);
}

static enum auth_result judge_end(const struct backend_settings *backend,
	int status)
{
	if (status == -1)
		log_error("backend %s: %s took longer than %" PRIu32 " s: "
			"killed", backend->name, backend->command[0],
			backend->timeout_s);
	else if (WIFSIGNALED(status))
		log_error("backend %s: %s died of signal %d", backend->name,
			backend->command[0], WTERMSIG(status));
	else if (WEXITSTATUS(status) == EXIT_DENIED)
		return AUTH_DENIED;
	else if (WEXITSTATUS(status) != 0)
		log_error("backend %s: %s could not check: exit code %d",
			backend->name, backend->command[0],
			WEXITSTATUS(status));
	else
		return AUTH_GRANTED;
	return AUTH_TEMPORARY;
}

static enum auth_result identify(const struct backend_settings *backend,
	const struct child_reply *reply, struct auth_identity *identity)
{
	if (reply->uid == 0 || reply->gid == 0) {
		log_error("backend %s: %s made the user uid %ju, gid %ju; "
			"0 never gets a mailbox", backend->name,
			backend->command[0], (uintmax_t)reply->uid,
			(uintmax_t)reply->gid);
		return AUTH_PERMANENT;
	}
	identity->uid = reply->uid;
	identity->gid = reply->gid;
	if (*reply->user != '\0')
		memcpy(identity->name, reply->user, sizeof(reply->user));
	memcpy(identity->home, reply->home, sizeof(reply->home));
	identity->has_groups = account_is_system_user(identity->name,
		identity->uid);
	return AUTH_GRANTED;
}

static enum auth_result log_not_run(const struct backend_settings *backend)
{
	log_error("backend %s: cannot run %s: %s", backend->name,
		backend->command[0], strerror(errno));
	return errno == EMSGSIZE ? AUTH_DENIED : AUTH_TEMPORARY;
}

enum auth_result auth_program_check(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	int64_t deadline_ms = deadline_in_s(backend->timeout_s);
	struct child child;
	struct child_reply reply = { 0 };
	enum auth_result result;
	bool has_reply;

	if (start_with_request(backend, attempt, &child) != 0)
		return log_not_run(backend);
	has_reply = child_reply(&child, deadline_ms, &reply);
	result = judge_end(backend, child_wait(&child, deadline_ms));
	if (result != AUTH_GRANTED)
		return result;
	if (has_reply)
		return identify(backend, &reply, identity);
	log_error("backend %s: %s succeeded, but its last argument sent no "
		"right reply", backend->name, backend->command[0]);
	return AUTH_STUCK;
}

enum auth_result auth_program_token(const struct backend_settings *backend,
	const struct auth_attempt *attempt, char name[AUTH_NAME_OCTETS + 1])
{
	int64_t deadline_ms = deadline_in_s(backend->timeout_s);
	struct child child;

	if (start_with_request(backend, attempt, &child) != 0)
		return log_not_run(backend);
	bool has_name = child_name(&child, deadline_ms, name);
	enum auth_result result = judge_end(backend,
		child_wait(&child, deadline_ms));
	if (result != AUTH_GRANTED || has_name)
		return result;
	log_error("backend %s: %s succeeded, but wrote no usable user name to "
		"descriptor 4", backend->name, backend->command[0]);
	return AUTH_TEMPORARY;
}
