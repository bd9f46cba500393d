/*
 * refresh.c - find the messages of a scan again, all in one pass
 *
 * Runs in: the keeper, as the mail user.  Distrusts: a single reading of a
 * folder.
 */
#include "config.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "maildir/gather.h"
#include "maildir/known.h"
#include "maildir/scan.h"

/* How often both folders are read until nobody moves anything meanwhile. */
#define ROUNDS 5

struct refresh {
	struct scan *scan;
	struct known known;
	bool has_news;		/* in this round */
};

/* readdir's inode number is not everywhere that of fstat. */
static struct scan_message *find(const struct refresh *refresh,
	const struct folder_entry *entry)
{
	struct scan_message *message = known_find(&refresh->known,
		entry->name, entry->inode);
	struct stat status;

	if (message != NULL || fstatat(refresh->scan->folder_fd[entry->folder],
			entry->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return message;
	return known_find(&refresh->known, entry->name, status.st_ino);
}

static int see_entry(void *context, const struct folder_entry *entry)
{
	struct refresh *refresh = context;
	struct scan_message *message = find(refresh, entry);

	if (message == NULL)
		return 0;
	if (message->state == GATHER_LOST || message->folder != entry->folder)
		refresh->has_news = true;
	if (message->state != GATHER_CHANGED)
		message->state = GATHER_COUNTED;
	message->folder = (uint8_t)entry->folder;
	return gather_string(refresh->scan, &message->name, entry->name);
}

static void set_states(struct scan *scan, enum gather_state state)
{
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].state != GATHER_CHANGED)
			scan->messages[idx].state = (uint8_t)state;
}

/* Whether all that was not seen in the last round is gone. */
static bool is_sure(const struct refresh *refresh, int result)
{
	return result == FOLDER_CALM ||
		(result == FOLDER_RACY && !refresh->has_news);
}

static int search(struct refresh *refresh)
{
	struct scan *scan = refresh->scan;
	int result = FOLDER_MOVED;

	set_states(scan, GATHER_LOST);
	for (int i = 0; i < ROUNDS; i++) {
		refresh->has_news = i == 0;
		result = folder_round(scan->folder_fd, see_entry, refresh);
		if (result < 0 || is_sure(refresh, result))
			break;
	}
	if (result < 0 || !is_sure(refresh, result))
		set_states(scan, GATHER_COUNTED);
	return result < 0 ? -1 : 0;
}

int scan_refresh(struct scan *scan)
{
	struct refresh refresh = { .scan = scan };
	int status = -1;

	if (known_begin(&refresh.known, scan) == 0)
		status = search(&refresh);
	known_end(&refresh.known);
	return status;
}
