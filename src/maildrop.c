/*
 * maildrop.c - one folder of a user's Maildir: found, locked, scanned
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth_name.h"
#include "deadline.h"
#include "log.h"
#include "maildir/beneath.h"
#include "maildir/quota.h"
#include "maildir/uidl_format.h"

/* How long a login waits for the session before it to let go of the lock. */
#define LOCK_WAIT_MS 1000
#define LOCK_RETRY_MS 50

/* So many entries have a log line of their own. */
#define MOST_LINES 20

static void hash(gnutls_digest_algorithm_t algorithm, const void *octets,
	size_t count, uint8_t result[16])
{
	uint8_t whole[64];

	if (gnutls_hash_fast(algorithm, octets, count, whole) < 0)
		bug("a hash function is missing");
	memcpy(result, whole, 16);
}

static void digest(const void *octets, size_t count, uint8_t result[16])
{
	hash(GNUTLS_DIG_SHA256, octets, count, result);
}

/* For unique-ids as another server made them; nothing is protected by it. */
static void md5(const void *octets, size_t count, uint8_t result[16])
{
	hash(GNUTLS_DIG_MD5, octets, count, result);
}

/* The user chose these names, and how many there are. */
static void log_name_of(const struct maildrop *drop, const char *what,
	const char *name, const char *why)
{
	char safe[LOG_NAME_BYTES];

	log_name(name, safe);
	log_warning("user=%s: %s %s: %s", drop->user, what, safe, why);
}

static void log_left_out(void *context, const char *name, const char *why)
{
	struct maildrop *drop = context;

	if (drop->left_out++ < MOST_LINES)
		log_name_of(drop, "left out", name, why);
}

static void log_corrected(void *context, const char *name, const char *why)
{
	struct maildrop *drop = context;

	if (drop->corrected++ < MOST_LINES)
		log_name_of(drop, "corrected", name, why);
}

static void log_told(void *context, const char *text)
{
	const struct maildrop *drop = context;

	log_info("user=%s: %s", drop->user, text);
}

static void log_more(const struct maildrop *drop, const char *what,
	uint32_t count)
{
	if (count > MOST_LINES)
		log_warning("user=%s: %s %u more", drop->user, what,
			count - MOST_LINES);
}

/* Whether the directory that holds, or would hold, 'path' exists. */
static bool has_parent(const char *path)
{
	char parent[AUTH_PATH_BYTES];
	struct stat status;
	size_t count = strlen(path);

	while (count > 1 && path[count - 1] == '/')
		count--;
	while (count > 1 && path[count - 1] != '/')
		count--;
	snprintf(parent, sizeof(parent), "%.*s", (int)count, path);
	return stat(parent, &status) == 0 && S_ISDIR(status.st_mode);
}

/*
 * Open the Maildir.  root_fd: -1 for one that nothing was delivered to yet.
 * A missing parent is another thing: a disk that is not mounted, and clients
 * would forget all messages if we served none.
 */
static enum wire_login_status open_root(const char *pattern,
	const struct auth_identity *identity, int *root_fd)
{
	char path[AUTH_PATH_BYTES];

	if (identity->maildir[0] != '\0') {
		memcpy(path, identity->maildir, sizeof(path));
	} else if (auth_name_expand(pattern, identity->name, identity->home,
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
	if (error == ENOENT && has_parent(path)) {
		log_info("user=%s: %s is not there yet: no messages",
			identity->name, path);
		return WIRE_LOGIN_GRANTED;
	}
	log_error("user=%s: can't open %s: %s", identity->name, path,
		strerror(error));
	return WIRE_LOGIN_TEMPORARY;
}

/* What opening a folder says where there is none that may be served. */
static bool is_no_folder(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ELOOP ||
		error == EXDEV || error == ENAMETOOLONG;
}

/* Open the maildrop: the Maildir itself, or a directory ".Junk" in it. */
static enum wire_login_status open_folder(struct maildrop *drop,
	const char *folder, const struct auth_identity *identity)
{
	char name[AUTH_FOLDER_OCTETS + 2], safe[LOG_NAME_BYTES];
	int error = ENOENT;

	drop->root_fd = drop->quota_root_fd;
	if (*folder == '\0')
		return WIRE_LOGIN_GRANTED;
	snprintf(name, sizeof(name), ".%s", folder);
	if (drop->quota_root_fd >= 0) {
		drop->root_fd = beneath_open(drop->quota_root_fd, name);
		error = errno;
	}
	if (drop->root_fd >= 0)
		return WIRE_LOGIN_GRANTED;
	log_name(name, safe);
	log_info("user=%s: folder %s: %s", identity->name, safe,
		error == EXDEV ? "leads out of the Maildir" :
		strerror(error));
	return is_no_folder(error) ? WIRE_LOGIN_NO_FOLDER :
		WIRE_LOGIN_TEMPORARY;
}

/* The client is told the same; the administrator may be asked by the user. */
static void log_in_use(const struct maildrop *drop, const char *address)
{
	const struct holder *holder = &drop->holder;

	if (holder->address[0] == '\0')
		log_info("user=%s: refused, in use by another session; "
			"ip=[%s]", drop->user, address);
	else
		log_info("user=%s: refused, in use for %lld s from %s; "
			"ip=[%s]", drop->user,
			(long long)time(NULL) - holder->since_s,
			holder->address, address);
}

static enum wire_login_status take_lock(struct maildrop *drop,
	const struct auth_identity *identity, const char *address)
{
	int64_t deadline_ms = deadline_now_ms() + LOCK_WAIT_MS;

	while (lock_take(&drop->lock, drop->root_fd, address) < 0) {
		if (errno != EWOULDBLOCK) {
			log_error("user=%s: can't lock the Maildir: %s",
				identity->name, strerror(errno));
			return WIRE_LOGIN_TEMPORARY;
		}
		if (deadline_has_passed(deadline_ms)) {
			/* What it can't tell is not told. */
			(void)lock_holder(drop->root_fd, &drop->holder);
			log_in_use(drop, address);
			return WIRE_LOGIN_IN_USE;
		}
		(void)poll(NULL, 0, LOCK_RETRY_MS);
	}
	return WIRE_LOGIN_GRANTED;
}

/*
 * A login that may only read needs no lock.  If nobody has it, what is found
 * can be stored; then it is released.
 */
static enum wire_login_status have_lock(struct maildrop *drop,
	const struct auth_identity *identity, const char *address)
{
	if (!drop->is_read_only)
		return take_lock(drop, identity, address);
	(void)lock_take(&drop->lock, drop->root_fd, address);
	return WIRE_LOGIN_GRANTED;
}

static struct drop_rules make_rules(struct maildrop *drop,
	const struct mailbox_settings *settings)
{
	static const enum import_from imports[] = {
		[UIDLS_AUTO] = IMPORT_AUTO, [UIDLS_NONE] = IMPORT_NONE,
		[UIDLS_DOVECOT] = IMPORT_DOVECOT,
		[UIDLS_COURIER] = IMPORT_COURIER,
		[UIDLS_QMAIL] = IMPORT_QMAIL, [UIDLS_SOLID] = IMPORT_SOLID,
		[UIDLS_POPA3D] = IMPORT_POPA3D,
	};

	return (struct drop_rules){
		.hooks = {
			.digest = digest, .left_out = log_left_out,
			.corrected = log_corrected, .context = drop,
		},
		.import = {
			.from = imports[settings->import],
			.uidl_format = settings->uidl_format,
			.md5 = md5, .tell = log_told, .context = drop,
		},
		.may_write = drop->lock.file_fd >= 0,
		.most_image_bytes = WIRE_IMAGE_BYTES,
	};
}

/* A wrong path may lead to any directory: it would only look empty. */
static void log_no_maildir(const struct maildrop *drop)
{
	if (drop->root_fd < 0 || faccessat(drop->root_fd, "new", F_OK, 0) == 0)
		return;
	if (errno == ENOENT && faccessat(drop->root_fd, "cur", F_OK, 0) < 0 &&
			errno == ENOENT)
		log_warning("user=%s: what is opened has neither new/ nor "
			"cur/: is it a Maildir?", drop->user);
}

static enum wire_login_status open_drop(struct maildrop *drop,
	const struct mailbox_settings *settings)
{
	drop->rules = make_rules(drop, settings);
	int status = drop_open(&drop->drop, drop->root_fd, &drop->rules);

	log_more(drop, "left out", drop->left_out);
	log_more(drop, "corrected", drop->corrected);
	if (status == 0 && drop->drop.count == 0)
		log_no_maildir(drop);
	if (status == 0)
		return WIRE_LOGIN_GRANTED;
	log_error("user=%s: can't read the Maildir: %s", drop->user,
		strerror(errno));
	return WIRE_LOGIN_TEMPORARY;
}

enum wire_login_status maildrop_find(struct maildrop *drop,
	const struct mailbox_settings *settings,
	const struct auth_identity *identity)
{
	*drop = (struct maildrop){
		.quota_root_fd = -1, .above_fd = -1, .root_fd = -1,
		.is_read_only = identity->is_read_only,
		.lock = { .root_fd = -1, .file_fd = -1 },
		.user = identity->name,
	};
	enum wire_login_status status = open_root(settings->path, identity,
		&drop->quota_root_fd);
	if (drop->quota_root_fd >= 0)
		drop->above_fd = quota_open_above(drop->quota_root_fd);
	return status;
}

enum wire_login_status maildrop_open(struct maildrop *drop,
	const struct mailbox_settings *settings, const char *folder,
	const struct auth_identity *identity, const char *address)
{
	enum wire_login_status status = open_folder(drop, folder, identity);

	if (status == WIRE_LOGIN_GRANTED && drop->root_fd >= 0)
		status = have_lock(drop, identity, address);
	if (status == WIRE_LOGIN_GRANTED)
		status = open_drop(drop, settings);
	drop->marks = calloc(1, (size_t)drop->drop.count / 8 + 1);
	drop->retrieved = calloc(1, (size_t)drop->drop.count / 8 + 1);
	if (drop->marks == NULL || drop->retrieved == NULL)
		status = WIRE_LOGIN_TEMPORARY;
	return status;
}

int maildrop_check(const struct mailbox_settings *mailbox)
{
	const char *wrong = uidl_format_check(mailbox->uidl_format);

	if (wrong == NULL)
		return 0;
	log_error("%s: uidl-format = \"%s\" %s", mailbox->place,
		mailbox->uidl_format, wrong);
	return -1;
}
