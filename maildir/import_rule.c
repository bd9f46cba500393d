/*
 * import_rule.c - servers that make unique-ids of names or messages by a rule
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: names, and that a message is still where it was a moment ago.
 */
#include "config.h"

#include "maildir/import_rule.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/folder.h"
#include "maildir/import_popa3d.h"

/* How often one message is sought that somebody keeps renaming. */
#define TRIES 10

/* O_NONBLOCK: a file that has become a FIFO, or is leased, must not block. */
#define MESSAGE_FLAGS \
	(O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

/* Above the whole second that is the least of a 64-bit count of ns. */
#define EPOCH_S (UINT64_C(1) << 62)

/* Those servers compare whole seconds; we order the rest by name. */
static struct import_record place_by_age(const struct scan *scan, uint32_t idx)
{
	int64_t time_s = scan->messages[idx].mtime_ns / 1000000000;

	return (struct import_record){
		.major = EPOCH_S + (uint64_t)time_s, .minor = idx,
		.inode = scan->messages[idx].inode,
	};
}

/* Return the base name of a message, which the caller frees; or NULL. */
static char *copy_base(const struct scan *scan, uint32_t idx)
{
	const char *name = scan_name(scan, idx);

	return strndup(name, strcspn(name, ":"));
}

int import_qmail(struct import_list *list, const struct scan *scan)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct import_record place = place_by_age(scan, idx);
		char *base = copy_base(scan, idx);
		int result;

		if (base == NULL)
			return -1;
		result = import_list_add(list, &place, base, base);
		free(base);
		if (result < 0)
			return -1;
	}
	return 0;
}

int import_solid(struct import_list *list, const struct scan *scan,
	import_md5 *md5)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct import_record place = place_by_age(scan, idx);
		const char *name = scan_name(scan, idx);
		uint8_t digest[16];
		char hex[33];

		md5(name, strcspn(name, ":"), digest);
		uidl_format_hex(digest, hex);
		if (import_list_add(list, &place, name, hex) < 0)
			return -1;
	}
	return 0;
}

static bool is_regular(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/* Open a message, wherever it is by now. */
static int open_message(struct scan *scan, uint32_t idx)
{
	const struct scan_message *message = &scan->messages[idx];

	for (int i = 0; i < TRIES; i++) {
		int fd = folder_openat(scan->folder_fd[message->folder],
			scan_name(scan, idx), MESSAGE_FLAGS);

		if (fd >= 0 && is_regular(fd))
			return fd;
		if (fd >= 0) {
			close(fd);
			errno = EACCES;
			return -1;
		}
		if (errno != ENOENT || scan_find(scan, idx) < 0)
			return -1;
	}
	return -1;
}

/* Errors that say nothing about this message, which may be readable later. */
static bool is_passing(int error)
{
	return error != ENOENT && error != ESTALE && error != EACCES &&
		error != EPERM && error != ELOOP;
}

/* Write the unique-id.  Returns 1, 0 if there is none, or -1 with errno. */
static int hash_message(struct scan *scan, uint32_t idx, char *buffer,
	import_md5 *md5, char uidl[POPA3D_UIDL_BYTES])
{
	int fd = open_message(scan, idx), result, saved;

	if (fd < 0)
		return is_passing(errno) ? -1 : 0;
	result = import_popa3d(fd, buffer, md5, uidl);
	saved = errno;
	close(fd);
	errno = saved;
	return result < 0 ? -1 : 1;
}

static int add_hashed(struct import_list *list, struct scan *scan,
	char *buffer, import_md5 *md5)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct import_record place = {
			.minor = idx, .inode = scan->messages[idx].inode,
		};
		char uidl[POPA3D_UIDL_BYTES];
		int result = hash_message(scan, idx, buffer, md5, uidl);

		if (result < 0)
			return -1;
		list->unread += result == 0;
		if (result > 0 && import_list_add(list, &place,
				scan_name(scan, idx), uidl) < 0)
			return -1;
	}
	return 0;
}

int import_of_popa3d(struct import_list *list, struct scan *scan,
	import_md5 *md5)
{
	char *buffer = malloc(POPA3D_HEADER_BYTES);
	int result, saved;

	if (buffer == NULL)
		return -1;
	result = add_hashed(list, scan, buffer, md5);
	saved = errno;
	free(buffer);
	errno = saved;
	return result;
}
