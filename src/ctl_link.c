/*
 * ctl_link.c - how posternctl asks the server
 *
 * Runs in: posternctl, as root or a member of the server's group.  Distrusts:
 * records that do not look like a server's of the same version.
 */
#include "config.h"

#include "ctl_link.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "ctl.h"
#include "settings.h"

/* How long to wait for a server that is reloading. */
#define PATIENCE_S 60

/* Sessions that a server can have, by far. */
#define MOST_SESSIONS 1000000

int link_take(struct link_options *options, int letter, const char *argument,
	const char *usage)
{
	switch (letter) {
	case 'c':
		options->config_path = argument;
		return -1;
	case 's':
		options->socket_path = argument;
		return -1;
	case 'j':
		options->is_json = true;
		return -1;
	case 'h':
		return fputs(usage, stdout) < 0 ? CTL_FAILED :
			link_finish(CTL_DONE);
	default:
		return ctl_misused(usage);
	}
}

int link_take_all(struct link_options *options, int argc, char *argv[],
	const char *usage)
{
	static const struct option long_options[] = {
		LINK_LONG_OPTIONS, { NULL, 0, NULL, 0 },
	};
	int letter, code;

	while ((letter = getopt_long(argc, argv, LINK_LETTERS, long_options,
			NULL)) != -1) {
		code = link_take(options, letter, optarg, usage);
		if (code >= 0)
			return code;
	}
	return optind == argc ? -1 : ctl_misused(usage);
}

/* The path of the socket, which the caller frees.  NULL, and said why. */
static char *find_socket(const struct link_options *options)
{
	const char *path = options->config_path;
	char *found;

	if (options->socket_path != NULL)
		return strdup(options->socket_path);
	/* Members of the group need not be able to read the settings. */
	if (path == NULL && access(CTL_CONFIG, R_OK) < 0)
		return strdup(SETTINGS_CONTROL_PATH);
	/* Where the server's credentials are does not matter here. */
	(void)setenv("CREDENTIALS_DIRECTORY", "/run/credentials", 0);
	struct settings *settings = settings_load(path != NULL ? path :
		CTL_CONFIG, stderr);
	if (settings == NULL)
		return NULL;
	found = strdup(settings->control.path);
	settings_free(settings);
	if (found != NULL && *found == '\0') {
		ctl_say("the settings want no control socket: "
			"control { path = \"\" }");
		free(found);
		return NULL;
	}
	return found;
}

/* Returns a socket; or -1 with errno. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd, error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		sizeof(patience));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience,
		sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Whatever the server may send. */
union record {
	struct {
		uint32_t version, kind;
	} head;
	struct control_session session;
	struct control_stats stats;
	struct control_end end;
};

static int keep_session(struct link_answer *answer,
	const struct control_session *session)
{
	size_t count = answer->session_count;

	/* Room for twice as many, each time that they are a power of two. */
	if ((count & (count - 1)) == 0) {
		struct control_session *all = count >= MOST_SESSIONS ? NULL :
			realloc(answer->sessions,
				(count == 0 ? 1 : count * 2) * sizeof(*all));
		if (all == NULL)
			return -1;
		answer->sessions = all;
	}
	struct control_session *place = &answer->sessions[count];
	*place = *session;
	place->address[sizeof(place->address) - 1] = '\0';
	place->listener[sizeof(place->listener) - 1] = '\0';
	place->user[sizeof(place->user) - 1] = '\0';
	place->tls[sizeof(place->tls) - 1] = '\0';
	place->cipher[sizeof(place->cipher) - 1] = '\0';
	answer->session_count++;
	return 0;
}

/* Returns 1 after the last record, 0 to go on, -1: that is no answer. */
static int keep(struct link_answer *answer, union record *record,
	ssize_t bytes)
{
	if (bytes == sizeof(record->end) &&
			record->head.kind == CONTROL_END) {
		answer->end = record->end;
		answer->end.text[CONTROL_TEXT_BYTES - 1] = '\0';
		return 1;
	}
	if (bytes < (ssize_t)sizeof(record->head) ||
			record->head.version != CONTROL_VERSION)
		return -1;
	if (bytes == sizeof(record->session) &&
			record->head.kind == CONTROL_SESSION)
		return keep_session(answer, &record->session);
	if (bytes != sizeof(record->stats) ||
			record->head.kind != CONTROL_STATS)
		return -1;
	answer->stats = record->stats;
	answer->stats.server[sizeof(answer->stats.server) - 1] = '\0';
	answer->has_stats = true;
	return 0;
}

static int receive(int fd, struct link_answer *answer)
{
	union record record;
	int status = 0;

	while (status == 0) {
		ssize_t bytes = recv(fd, &record, sizeof(record), 0);
		if (bytes < 0 && errno == EINTR)
			continue;
		if (bytes <= 0) {
			ctl_say(bytes < 0 && errno == EAGAIN ? "the server "
				"does not answer" : "the server ended the "
				"connection: only root and the group of the "
				"settings may ask it");
			return CTL_FAILED;
		}
		status = keep(answer, &record, bytes);
	}
	if (status == 1 && answer->end.version == CONTROL_VERSION &&
			answer->end.error != EPROTO)
		return answer->end.error == 0 ? CTL_DONE : CTL_FAILED;
	answer->end.kind = 0;
	ctl_say("the server is of another version than posternctl "
		PACKAGE_VERSION);
	return CTL_FAILED;
}

static int fail_to_connect(const char *path, bool is_quiet)
{
	bool is_absent = errno == ENOENT || errno == ECONNREFUSED;

	if (!is_absent || !is_quiet)
		ctl_say(is_absent ? "%s: no server is running there (%s)" :
			"%s: %s", path, strerror(errno));
	return is_absent ? CTL_NO_SERVER : CTL_FAILED;
}

int link_ask(const struct link_options *options, bool is_quiet,
	const struct control_request *request, struct link_answer *answer)
{
	char *path = find_socket(options);
	int fd, code;

	memset(answer, 0, sizeof(*answer));
	if (path == NULL)
		return CTL_FAILED;
	fd = connect_to(path);
	if (fd < 0) {
		code = fail_to_connect(path, is_quiet);
	} else if (send(fd, request, sizeof(*request), MSG_NOSIGNAL) < 0 &&
			errno != EPIPE) {
		ctl_say("%s: %s", path, strerror(errno));
		code = CTL_FAILED;
	} else {
		code = receive(fd, answer);
	}
	if (fd >= 0)
		close(fd);
	free(path);
	return code;
}

int link_finish(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	ctl_say("standard output: %s", strerror(errno));
	return CTL_FAILED;
}
