/*
 * scan.c - which messages are in a Maildir now, in a stable order
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: whatever else writes to the Maildir: names, kinds of files, and
 * that anything is still where it was a moment ago.
 */
#include "config.h"

#include "maildir/scan.h"

#include <stdlib.h>
#ifdef HAVE_MALLOC_TRIM
#include <malloc.h>
#endif
#include <string.h>
#include <unistd.h>

#include "maildir/crew.h"
#include "maildir/file.h"
#include "maildir/gather.h"

/*
 * How often messages are sought that somebody renames while we count.  Each
 * pass has less to do than the one before, so few are needed.
 */
#define PASSES 20

/* Below this, giving memory back costs more than it is worth. */
#define MANY 1000

static bool has_seen(const struct scan *scan)
{
	return gather_has(scan, GATHER_SEEN) ||
		gather_has(scan, GATHER_SEEN_REGULAR);
}

/* Count all; look again for those that are renamed meanwhile. */
static int count_all(struct scan *scan, const struct scan_hooks *hooks)
{
	for (int i = 0; i < PASSES; i++) {
		int result;

		if (crew_count(scan, hooks) < 0)
			return -1;
		if (!gather_has(scan, GATHER_LOST))
			return 0;
		result = gather_round(scan);
		if (result < 0)
			return -1;
		if (result == 1 && !has_seen(scan))
			return 0;
	}
	/* They are shown and can't be opened: on NFS they may be, later. */
	scan->uncertain++;
	return 0;
}

/* What no round has shown may still be there, if others kept renaming. */
static void look_for_missing(struct scan *scan)
{
	struct stat status;

	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct scan_message *message = &scan->messages[idx];

		if (message->state == GATHER_MISSING &&
				file_stat(scan, message, &status) == 0 &&
				file_is_same(message, &status))
			message->state = GATHER_COUNTED;
	}
}

/*
 * A file that was replaced under its own name while we looked was seen twice:
 * of two that share a unique part only those count that are there now.
 */
static void drop_replaced(struct scan *scan)
{
	struct stat status;
	bool has_twin = false;

	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct scan_message *message = &scan->messages[idx];
		bool is_followed = idx + 1 < scan->count &&
			name_compare_unique(file_name(scan, message),
				file_name(scan, message + 1)) == 0;

		if ((has_twin || is_followed) &&
				file_stat(scan, message, &status) == 0 &&
				status.st_ino != message->inode)
			message->state = GATHER_LOST;
		has_twin = is_followed;
	}
	gather_keep(scan, GATHER_COUNTED);
}

/* Message-number order. */
static int compare_messages(const void *left, const void *right, void *context)
{
	const struct scan_message *a = left, *b = right;
	const struct scan *scan = context;
	int order;

	/* 0 wraps around to the highest: those without a rank come last. */
	if (a->rank != b->rank)
		return a->rank - 1 < b->rank - 1 ? -1 : 1;
	order = name_compare(file_name(scan, a), file_name(scan, b));
	return order != 0 ? order : (a->inode > b->inode) -
		(a->inode < b->inode);
}

void scan_begin(struct scan *scan)
{
	*scan = (struct scan){ .folder_fd = { -1, -1 } };
}

int scan_open_folders(struct scan *scan, int root_fd)
{
	if (scan->folder_fd[FOLDER_NEW] >= 0 ||
			scan->folder_fd[FOLDER_CUR] >= 0)
		return 0;
	return folder_open(root_fd, scan->folder_fd);
}

int scan_fill(struct scan *scan, const struct scan_hooks *hooks)
{
	if (gather_all(scan) < 0 || count_all(scan, hooks) < 0)
		return -1;
	look_for_missing(scan);
	gather_keep(scan, GATHER_COUNTED);
	/* Again, by what fstat says of the inodes. */
	if (gather_collapse(scan) < 0)
		return -1;
	drop_replaced(scan);
	return 0;
}

int scan_order(struct scan *scan)
{
	gather_keep(scan, GATHER_COUNTED);
	return gather_sort(scan, compare_messages);
}

/* A smaller block that can't be had is no loss. */
static void *shrink(void *memory, size_t bytes)
{
	void *smaller = bytes > 0 ? realloc(memory, bytes) : NULL;

	return smaller != NULL ? smaller : memory;
}

void scan_trim(struct scan *scan)
{
	if (scan->count > 0) {
		scan->messages = shrink(scan->messages,
			scan->count * sizeof(*scan->messages));
		scan->room = scan->count;
	}
	if (scan->names_bytes > 0) {
		scan->names = shrink(scan->names, scan->names_bytes);
		scan->names_room = scan->names_bytes;
	}
#ifdef HAVE_MALLOC_TRIM
	/* glibc keeps what a sort of many messages has freed. */
	if (scan->count > MANY)
		(void)malloc_trim(0);
#endif
}

void scan_free(struct scan *scan)
{
	for (int i = 0; i < FOLDERS; i++)
		if (scan->folder_fd[i] >= 0)
			close(scan->folder_fd[i]);
	free(scan->messages);
	free(scan->names);
	scan_begin(scan);
}

const char *scan_name(const struct scan *scan, uint32_t idx)
{
	return file_name(scan, &scan->messages[idx]);
}

const char *scan_uidl(const struct scan *scan, uint32_t idx, size_t *octets)
{
	const struct scan_message *message = &scan->messages[idx];
	const char *uidl = file_name(scan, message);

	if (message->uidl == SCAN_UIDL_UNIQUE) {
		*octets = name_unique(uidl);
		return uidl;
	}
	uidl = scan->names + message->uidl;
	*octets = strlen(uidl);
	return uidl;
}
