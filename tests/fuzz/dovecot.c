/*
 * dovecot.c - fuzz target: what a Dovecot and its userdb say
 *
 * The first octet 0xff of the input ends what the first socket says, and what
 * the second one says follows.  Both say it at once and then listen.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "auth_dovecot.h"
#include "auth_name.h"
#include "fuzz.h"
#include "log.h"

#define SEPARATOR 0xff

/* One server, of one connection or none. */
struct server {
	struct sockaddr_un address;
	int listener_fd;
	const uint8_t *octets;
	size_t count;
	pthread_t thread;
};

static void *serve(void *context)
{
	const struct server *server = context;
	char heard[4096];
	int fd = accept(server->listener_fd, NULL, NULL);

	if (fd < 0)
		return NULL;
	(void)send(fd, server->octets, server->count, MSG_NOSIGNAL);
	(void)shutdown(fd, SHUT_WR);
	while (read(fd, heard, sizeof(heard)) > 0)
		;
	close(fd);
	return NULL;
}

static void start(struct server *server, const char *name,
	const uint8_t *octets, size_t count)
{
	*server = (struct server){
		.address = { .sun_family = AF_UNIX },
		.octets = octets, .count = count,
	};
	snprintf(server->address.sun_path, sizeof(server->address.sun_path),
		"%s/%s", getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp",
		name);
	(void)unlink(server->address.sun_path);
	server->listener_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	FUZZ_CHECK(bind(server->listener_fd,
		(const struct sockaddr *)&server->address,
		sizeof(server->address)) == 0);
	FUZZ_CHECK(listen(server->listener_fd, 1) == 0);
	FUZZ_CHECK(pthread_create(&server->thread, NULL, serve, server) == 0);
}

static void stop(struct server *server)
{
	(void)shutdown(server->listener_fd, SHUT_RDWR);
	FUZZ_CHECK(pthread_join(server->thread, NULL) == 0);
	close(server->listener_fd);
	(void)unlink(server->address.sun_path);
}

static void check_identity(const struct auth_identity *identity)
{
	FUZZ_CHECK(auth_name_is_usable(identity->name));
	FUZZ_CHECK(identity->uid != 0 && identity->gid != 0);
	FUZZ_CHECK(identity->home[0] == '\0' || identity->home[0] == '/');
	FUZZ_CHECK(identity->maildir[0] == '\0' ||
		identity->maildir[0] == '/');
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	static char name[] = "fuzz", id[] = "5", home[] = "/h/%d/%n";
	static struct auth_identity identity;
	const uint8_t *end = count == 0 ? NULL :
		memchr(octets, SEPARATOR, count);
	size_t first = end == NULL ? count : (size_t)(end - octets);
	size_t second = end == NULL ? count : first + 1;
	struct server passdb, userdb;
	char names[2][64], list[64];

	/* To /dev/null it is, but every message is made. */
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	snprintf(names[0], sizeof(names[0]), "postern-%d-p", (int)getpid());
	snprintf(names[1], sizeof(names[1]), "postern-%d-u", (int)getpid());
	start(&passdb, names[0], octets, first);
	start(&userdb, names[1], octets + second, count - second);

	const struct backend_settings backend = {
		.name = name, .type = BACKEND_DOVECOT,
		.path = passdb.address.sun_path,
		.userdb = userdb.address.sun_path, .timeout_s = 20,
		.uid = id, .gid = id, .home = home,
	};
	const struct auth_attempt attempt = { .name = "joe@example.net",
		.password = "x", .address = "192.0.2.1" };
	memset(&identity, 0, sizeof(identity));
	if (auth_dovecot_check(&backend, &attempt, &identity) == AUTH_GRANTED)
		check_identity(&identity);
	stop(&passdb);
	stop(&userdb);
	start(&passdb, names[0], octets, first);
	if (auth_dovecot_mechanisms(&backend, list, sizeof(list)) == 0)
		FUZZ_CHECK(strlen(list) < sizeof(list));
	stop(&passdb);
	return 0;
}
