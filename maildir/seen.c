/*
 * seen.c - set the flag S of messages that a client has retrieved
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: that a name still belongs to the message that the client saw.
 */
#include "config.h"

#include "maildir/seen.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "maildir/bits.h"
#include "maildir/gather.h"
#include "maildir/move.h"

/* What the flags of a name begin with. */
#define FLAGS ":2,"

/* One marking of many. */
struct marking {
	bool is_changed;	/* cur/ has new names */
	struct seen_result result;
};

/* Write each octet of 'octets', and 'S', once and in order. */
static void sort_flags(const char *octets, size_t count, char *sorted)
{
	bool has[256] = { ['S'] = true };

	for (size_t i = 0; i < count; i++)
		has[(unsigned char)octets[i]] = true;
	for (int octet = 0; octet < 256; octet++)
		if (has[octet])
			*sorted++ = (char)octet;
	*sorted = '\0';
}

/*
 * Find the flags of 'name', and their end: a ',' begins what some programs add.
 * Returns NULL if something else is there; "" stands for no flags yet.
 */
static const char *find_flags(const char *name, size_t *count)
{
	const char *info = strchr(name, ':');

	*count = 0;
	if (info == NULL)
		return "";
	if (strncmp(info, FLAGS, strlen(FLAGS)) != 0)
		return NULL;
	*count = strcspn(info + strlen(FLAGS), ",");
	return info + strlen(FLAGS);
}

int seen_name(const char *name, char seen[NAME_MAX + 1])
{
	char sorted[256 + 1];
	size_t count;
	const char *flags = find_flags(name, &count);
	int written;

	if (flags == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (memchr(flags, 'S', count) != NULL) {
		written = snprintf(seen, NAME_MAX + 1, "%s", name);
	} else {
		sort_flags(flags, count, sorted);
		written = snprintf(seen, NAME_MAX + 1, "%.*s" FLAGS "%s%s",
			(int)strcspn(name, ":"), name, sorted, flags + count);
	}
	if (written >= 0 && written <= NAME_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* Move the file of one message: a chase_act. */
static int mark_file(void *context, struct scan *scan, uint32_t idx)
{
	struct scan_message *message = &scan->messages[idx];
	struct marking *marking = context;
	const char *name = scan_name(scan, idx);
	char seen[NAME_MAX + 1];

	if (seen_name(name, seen) < 0)
		return errno == EINVAL ? 0 : -1;
	if (message->folder == FOLDER_CUR && strcmp(name, seen) == 0)
		return 0;
	if (move_file(scan->folder_fd[message->folder], name,
			scan->folder_fd[FOLDER_CUR], seen) < 0)
		return -1;
	marking->is_changed = true;
	message->folder = FOLDER_CUR;
	/* Without memory for the name, it is sought when it is wanted. */
	(void)gather_string(scan, &message->name, seen);
	return 0;
}

static void note_failure(struct marking *marking)
{
	marking->result.failed++;
	if (marking->result.error == 0)
		marking->result.error = errno;
}

struct seen_result seen_mark(struct chase *chase, const uint8_t *which)
{
	struct scan *scan = chase->scan;
	struct marking marking = { .is_changed = false };

	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (bits_has(which, idx) && chase_message(chase, idx,
				mark_file, &marking) < 0 && errno != ENOENT)
			note_failure(&marking);
	/* If this fails, some may be new again after a crash: no loss. */
	if (marking.is_changed &&
			move_settle(scan->folder_fd[FOLDER_CUR]) < 0 &&
			marking.result.error == 0)
		marking.result.error = errno;
	return marking.result;
}
