/*
 * scan.h - which messages are in a Maildir now, in a stable order
 *
 * A scan reads new/ and cur/ in place: nothing is renamed, no flag is written.
 * It is complete even while other programs deliver, rename and delete.
 */
#ifndef POSTERN_MAILDIR_SCAN_H
#define POSTERN_MAILDIR_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maildir/folder.h"
#include "maildir/name.h"

struct scan_message {
	uint64_t octets;	/* as RETR sends it */
	uint64_t size_bytes;	/* of the file */
	uint64_t inode;
	int64_t mtime_ns;	/* since the epoch */
	uint32_t name;		/* where it begins in scan.names */
	uint32_t uidl;		/* where it begins in scan.names */
	uint8_t folder;		/* enum folder; where it was last seen */
	uint8_t state;		/* the library's own; alike in the end */
	bool is_regular;	/* the folder said so; false: not known */
	uint16_t retrieved_day;	/* days since the epoch; 0: never */
};

struct scan {
	int folder_fd[FOLDERS];		/* -1: there is no such folder */
	struct scan_message *messages;	/* in message-number order */
	uint32_t count, room;
	char *names;			/* NUL-terminated strings */
	size_t names_bytes, names_room;
};

/* What the caller brings to a scan. */
struct scan_hooks {
	name_digest *digest;
	/*
	 * Called for each entry that is left out: a link, FIFO, device or
	 * directory, or a file that can't be read.  'why' is a short text,
	 * which may be strerror's: it is good until the next call.
	 * 'name' may hold any octets but NUL and '/'.
	 */
	void (*left_out)(void *context, const char *name, const char *why);
	void *context;
};

/*
 * Scan the Maildir whose root directory is 'root_fd' into 'scan'.
 *
 * A missing new/ or cur/ counts as empty.  Entries whose name begins with a
 * dot are not messages.  Every message that is in the Maildir during the whole
 * call is found exactly once.  Messages that come or go meanwhile may be.
 * The caller keeps 'root_fd' and ends with scan_free(), also after an error.
 * Returns 0, or -1 with errno (ENOMEM; EOVERFLOW above UINT32_MAX messages or
 * 4 GiB of names; or what opening or reading a folder said).
 */
int scan_maildir(struct scan *scan, int root_fd,
	const struct scan_hooks *hooks);

/* Close the folders and free all that scan_maildir() allocated. */
void scan_free(struct scan *scan);

/* Whether there is any file where message 'idx' was last. */
bool scan_is_there(const struct scan *scan, uint32_t idx);

/*
 * Make sure that message 'idx' (0 .. count - 1) is where its name and folder
 * say, after finding it again when another program has renamed it.
 *
 * Returns 0, or -1 with errno: ENOENT if it is in neither folder, ESTALE if the
 * file of that name is not the one that was scanned (another inode, size or
 * kind), else what fstatat or reading a folder said.
 */
int scan_locate(struct scan *scan, uint32_t idx);

/*
 * Open message 'idx' (0 .. count - 1) for reading, wherever it is by now.
 *
 * Returns a descriptor that the caller closes, or -1 with errno: ENOENT if
 * another program removed it, ESTALE if the file is not the one that was
 * scanned (other inode, size or kind), else what open said.  Updates the name
 * and folder of the message when another program has renamed it.
 */
int scan_open(struct scan *scan, uint32_t idx);

/*
 * Find the file of message 'idx' again after another program renamed it, by
 * its unique part and inode.  Updates name and folder.  Returns 0, or -1 with
 * errno ENOENT when it is in neither folder, or what reading a folder said.
 */
int scan_find(struct scan *scan, uint32_t idx);

/*
 * Find all messages again in a few passes over the folders: name and folder of
 * each that another program has renamed become the present ones, and those that
 * are gone for sure are not searched for any more.  Returns 0, or -1 with
 * errno.
 */
int scan_refresh(struct scan *scan);

/*
 * The present file name and the unique-id of message 'idx', which stay good
 * until the next call that may find a message again.
 */
const char *scan_name(const struct scan *scan, uint32_t idx);
const char *scan_uidl(const struct scan *scan, uint32_t idx);

#endif
