/*
 * maildrop.c - one user's Maildir: found, locked, scanned
 *
 * Runs in: a keeper, as the mail user.  Distrusts: the Maildir, which other
 * programs and the user change.
 */
#include "config.h"

#include "maildrop.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "auth_name.h"
#include "deadline.h"
#include "log.h"

/* How long a login waits for the session before it to let go of the lock. */
#define LOCK_WAIT_MS 1000
#define LOCK_RETRY_MS 50

/* So many entries that are left out have a log line of their own. */
#define MOST_LEFT_OUT_LINES 20

static void digest(const void *octets, size_t count, uint8_t result[16])
{
	uint8_t whole[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, octets, count, whole) < 0)
		bug("SHA-256 is missing");
	memcpy(result, whole, 16);
}

/* What a scan has left out. */
struct left_out {
	const char *user;
	uint32_t count;
};

/* The user chose these names, and how many there are. */
static void log_left_out(void *context, const char *name, const char *why)
{
	struct left_out *left_out = context;
	char safe[LOG_NAME_BYTES];

	if (left_out->count++ >= MOST_LEFT_OUT_LINES)
		return;
	log_name(name, safe);
	log_warning("user=%s: left out %s: %s", left_out->user, safe, why);
}

/* Whether the directory that holds, or would hold, 'path' exists. */
static bool has_parent(char *path)
{
	struct stat status;
	size_t count = strlen(path);

	while (count > 1 && path[count - 1] == '/')
		count--;
	while (count > 1 && path[count - 1] != '/')
		count--;
	path[count] = '\0';
	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/*
 * Open the Maildir's root.  root_fd: -1 for one that nothing was delivered to
 * yet.  A missing parent is another thing: a disk that is not mounted, and
 * clients would forget all messages if we served none.
 */
static enum wire_login_status open_root(const char *pattern,
	const struct auth_identity *identity, int *root_fd)
{
	char path[AUTH_PATH_BYTES];

	if (auth_name_expand(pattern, identity->name, identity->home,
			path) < 0 || path[0] != '/') {
		log_error("user=%s: mailbox path \"%s\" needs %s",
			identity->name, pattern, path[0] != '\0' ?
			"to be absolute and short" :
			"a home directory or domain that the user has not");
		return WIRE_LOGIN_PERMANENT;
	}
	*root_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*root_fd >= 0)
		return WIRE_LOGIN_GRANTED;

	int error = errno;
	log_info("user=%s: %s: %s", identity->name, path, strerror(error));
	return error == ENOENT && has_parent(path) ? WIRE_LOGIN_GRANTED :
		WIRE_LOGIN_TEMPORARY;
}

static enum wire_login_status take_lock(struct maildrop *drop, int root_fd,
	const struct auth_identity *identity, const char *address)
{
	int64_t deadline_ms = deadline_now_ms() + LOCK_WAIT_MS;

	while (lock_take(&drop->lock, root_fd, address) < 0) {
		if (errno != EWOULDBLOCK) {
			log_error("user=%s: can't lock the Maildir: %s",
				identity->name, strerror(errno));
			return WIRE_LOGIN_TEMPORARY;
		}
		if (deadline_has_passed(deadline_ms)) {
			/* What it can't tell is not told. */
			(void)lock_holder(root_fd, &drop->holder);
			return WIRE_LOGIN_IN_USE;
		}
		(void)poll(NULL, 0, LOCK_RETRY_MS);
	}
	return WIRE_LOGIN_GRANTED;
}

static enum wire_login_status scan(struct maildrop *drop, int root_fd,
	const struct auth_identity *identity)
{
	struct left_out left_out = { .user = identity->name };
	struct scan_hooks hooks = {
		.digest = digest,
		.left_out = log_left_out,
		.context = &left_out,
	};
	int status = scan_maildir(&drop->scan, root_fd, &hooks);

	if (left_out.count > MOST_LEFT_OUT_LINES)
		log_warning("user=%s: left out %u more", identity->name,
			left_out.count - MOST_LEFT_OUT_LINES);
	if (status == 0)
		return WIRE_LOGIN_GRANTED;
	log_error("user=%s: can't read the Maildir: %s", identity->name,
		strerror(errno));
	return WIRE_LOGIN_TEMPORARY;
}

enum wire_login_status maildrop_open(struct maildrop *drop,
	const char *pattern, const struct auth_identity *identity,
	const char *address)
{
	enum wire_login_status status;
	int root_fd;

	*drop = (struct maildrop){
		.lock = { .root_fd = -1, .file_fd = -1 },
		.scan = { .folder_fd = { -1, -1 } },
	};
	status = open_root(pattern, identity, &root_fd);
	if (status == WIRE_LOGIN_GRANTED && root_fd >= 0)
		status = take_lock(drop, root_fd, identity, address);
	if (status == WIRE_LOGIN_GRANTED && root_fd >= 0)
		status = scan(drop, root_fd, identity);
	drop->marks = calloc(1, (size_t)drop->scan.count / 8 + 1);
	if (drop->marks == NULL)
		status = WIRE_LOGIN_TEMPORARY;
	return status;
}
