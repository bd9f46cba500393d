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

/* In scan_message.uidl: the unique part is it, or there is none yet. */
#define SCAN_UIDL_UNIQUE UINT32_MAX
#define SCAN_UIDL_NONE (UINT32_MAX - 1)

/* Fixed widths and no padding: the index holds them as they are. */
struct scan_message {
	uint64_t octets;	/* as RETR sends it */
	uint64_t size_bytes;	/* of the file */
	uint64_t inode;
	int64_t mtime_ns;	/* since the epoch */
	uint32_t name;		/* where it begins in scan.names */
	uint32_t uidl;		/* the same; or one of the two above */
	uint32_t rank;		/* its place in another server's order; or 0 */
	uint16_t retrieved_day;	/* days since the epoch; 0: never */
	uint8_t folder;		/* enum folder; where it was last seen */
	uint8_t state;		/* the library's own; alike in the end */
};

struct scan {
	int folder_fd[FOLDERS];		/* -1: there is no such folder */
	struct scan_message *messages;	/* in message-number order */
	uint32_t count, room;
	char *names;			/* NUL-terminated strings */
	size_t names_bytes, names_room;
	_Atomic uint32_t uncertain;	/* entries that may become messages */
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
	/* Called for each name whose sizes are not those of its file. */
	void (*corrected)(void *context, const char *name, const char *why);
	void *context;
};

/* Begin a scan without messages, and without folders: scan_free() ends it. */
void scan_begin(struct scan *scan);

/*
 * Open the folders of the Maildir whose root directory is 'root_fd', if that
 * was not done.  The caller keeps 'root_fd'.  Returns 0, or -1 with errno.
 */
int scan_open_folders(struct scan *scan, int root_fd);

/*
 * Scan the folders, which are open.  The messages that the scan has already
 * (from an index) are believed if they are still there; the others are counted
 * and have SCAN_UIDL_NONE.  Afterwards uidls_assign() and scan_order() follow.
 *
 * A missing new/ or cur/ counts as empty.  Entries whose name begins with a
 * dot are not messages.  Every message that is in the Maildir during the whole
 * call is found exactly once.  Messages that come or go meanwhile may be.
 * A new message whose name has a size as POP3 counts (",W=") is not opened if
 * the size beside it (",S=") is that of the file.
 * Returns 0, or -1 with errno (ENOMEM; EOVERFLOW above UINT32_MAX messages or
 * 4 GiB of names; or what opening or reading a folder said).
 */
int scan_fill(struct scan *scan, const struct scan_hooks *hooks);

/*
 * Take away messages without a unique-id and put the others in message-number
 * order: those with a rank by it, then the others by time and name.  Returns 0,
 * or -1 with errno ENOMEM.
 */
int scan_order(struct scan *scan);

/* Give back the memory that the messages do not need any more. */
void scan_trim(struct scan *scan);

/* Close the folders and free all that was allocated. */
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
 * Count message 'idx' again, whose file has the name that the scan says: its
 * size and octets become the present ones.  For the index only: in this session
 * the message counts as changed from now on, and is neither opened nor removed.
 * Returns 1 if anything was wrong, 0 if all was right, or -1 with errno.
 */
int scan_recount(struct scan *scan, uint32_t idx);

/*
 * The present file name of message 'idx', which stays good until the next call
 * that may find a message again.
 */
const char *scan_name(const struct scan *scan, uint32_t idx);

/*
 * The unique-id of message 'idx' and its number of octets; it ends with no NUL.
 * Good as long as the name is.
 */
const char *scan_uidl(const struct scan *scan, uint32_t idx, size_t *octets);

#endif
