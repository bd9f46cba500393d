/*
 * index.h - our own cache file in the Maildir: sizes, unique-ids, order, names
 *
 * The file postern.index holds the listing, ready to be handed out, and what a
 * scan needs to know of each message.  It is current while both folders have
 * the stamps that they had before the scan, and those were not racy then.  It
 * may be lost, torn, foreign or made by an enemy at any time: then it is not
 * used, or does harm to nobody but who made it.  Host byte order and widths.
 */
#ifndef POSTERN_MAILDIR_INDEX_H
#define POSTERN_MAILDIR_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maildir/folder.h"
#include "maildir/listing.h"
#include "maildir/scan.h"

/* When the scan was made that an index holds. */
struct index_facts {
	struct folder_stamps stamps[FOLDERS];	/* from before the scan */
	int64_t begun_s;	/* by the file system's clock, before those */
};

struct index {
	int fd;			/* -1: not open */
	struct index_facts facts;
	uint32_t count;		/* of messages */
	uint64_t octets;	/* of all of them, as RETR sends them */
	uint64_t listing_bytes, listing_sum;
	uint64_t names_bytes, details_sum;
	char *head;		/* the file's first octets */
	size_t head_bytes;
};

/*
 * Open the index of the Maildir at 'root_fd' and check its frame.  Returns 0,
 * or -1 with errno: ENOENT, EBADMSG for a file that is none of ours, or what
 * opening and reading said.  index_close() ends it, also after an error.
 */
int index_open(struct index *index, int root_fd);
void index_close(struct index *index);

/*
 * Whether the index is what a scan would find, while the folders of the Maildir
 * have the stamps 'now'.
 */
bool index_is_current(const struct index *index,
	const struct folder_stamps now[FOLDERS]);

/*
 * Write the listing's image to 'sink'.  Returns 0, or -1 with errno: EBADMSG
 * if its octets can't be read or are not those that were stored (what was
 * written is worthless then), or what 'sink' said.
 */
int index_listing(const struct index *index, listing_sink *sink,
	void *context);

/*
 * Read the messages into 'scan', which has none, with the state 'state', after
 * checking every field.  Returns 0, or -1 with errno EBADMSG, also if they
 * can't be read, or ENOMEM.
 */
int index_load(const struct index *index, struct scan *scan, uint8_t state);

/* An index that will be written; where there is none, fd is -1. */
struct index_draft {
	int fd;
	struct index_facts facts;
};

/*
 * Begin a new index in the Maildir at 'root_fd', before anything is scanned.
 * Where no file can be made the folders' stamps are read all the same.
 * Returns 0, or -1 with errno when the stamps can't be read.
 */
int index_begin(struct index_draft *draft, int root_fd);

/*
 * Write the messages of 'scan', and replace the old index; without a draft's
 * file one is made.  It needs no fsync: a torn one is noticed.
 * Returns 0, or -1 with errno; then the old index is still there.
 */
int index_finish(struct index_draft *draft, int root_fd,
	const struct scan *scan);

/* Drop a draft, if there is one. */
void index_abandon(struct index_draft *draft, int root_fd);

/* Remove the index.  Returns 0, or -1 with errno. */
int index_remove(int root_fd);

#endif
