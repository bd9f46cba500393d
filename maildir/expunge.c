/*
 * expunge.c - the UPDATE state: remove the marked messages
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: that a name still belongs to the message that the client saw.
 */
#include "config.h"

#include "maildir/expunge.h"

#include <errno.h>
#include <stdbool.h>
#include <unistd.h>

/* How often one message is sought that somebody keeps renaming. */
#define TRIES 10

static bool is_marked(const uint8_t *marks, uint32_t idx)
{
	return (marks[idx / 8] >> (idx % 8) & 1) != 0;
}

/* One UPDATE. */
struct update {
	struct scan *scan;
	bool is_refreshed;	/* all messages were found again once */
};

/*
 * Make sure that a message is where its name says.  The first that is not shows
 * that another program renames: all are found again in one pass, because one
 * search each would read the folders for each.
 */
static int locate(struct update *update, uint32_t idx)
{
	if (!update->is_refreshed && !scan_is_there(update->scan, idx)) {
		update->is_refreshed = true;
		/* If it fails, each is searched for. */
		(void)scan_refresh(update->scan);
	}
	return scan_locate(update->scan, idx);
}

/*
 * Remove one file.  Returns 0 if it was there, or -1 with errno; ENOENT means
 * that another program removed it.
 */
static int remove_message(struct update *update, uint32_t idx)
{
	struct scan *scan = update->scan;
	const struct scan_message *message = &scan->messages[idx];

	for (int i = 0; i < TRIES; i++) {
		if (locate(update, idx) < 0)
			return -1;
		if (unlinkat(scan->folder_fd[message->folder],
			scan_name(scan, idx), 0) == 0)
			return 0;
		if (errno != ENOENT)
			return -1;
	}
	errno = EBUSY;
	return -1;
}

/* Make removals last.  Some file systems can't be asked to, and say EINVAL. */
static bool is_lasting(int folder_fd)
{
	int result;

	do
		result = fsync(folder_fd);
	while (result < 0 && errno == EINTR);
	return result == 0 || errno == EINVAL;
}

struct expunge_result expunge_marked(struct scan *scan, const uint8_t *marks)
{
	struct expunge_result result = { 0, 0 };
	struct update update = { .scan = scan };
	uint32_t unlinked[FOLDERS] = { 0, 0 };

	for (uint32_t idx = 0; idx < scan->count; idx++) {
		if (!is_marked(marks, idx))
			continue;
		if (remove_message(&update, idx) == 0)
			unlinked[scan->messages[idx].folder]++;
		else if (errno == ENOENT)
			result.removed++;
		else
			result.failed++;
	}
	for (int i = 0; i < FOLDERS; i++) {
		if (unlinked[i] == 0)
			continue;
		if (is_lasting(scan->folder_fd[i]))
			result.removed += unlinked[i];
		else
			result.failed += unlinked[i];
	}
	return result;
}
