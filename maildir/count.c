/*
 * count.c - how many octets a message of a scan has, or why it is left out
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: kinds and contents of files, and the sizes in their names.
 */
#include "config.h"

#include "maildir/count.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "maildir/file.h"
#include "maildir/gather.h"
#include "maildir/octets.h"

/* Errors of the whole process, for which no entry is to blame. */
static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM;
}

static int leave_out(const struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks, const char *why)
{
	message->state = GATHER_LEFT_OUT;
	hooks->left_out(hooks->context, file_name(scan, message), why);
	return 0;
}

/* Judge an entry that could not be opened or read, by errno. */
static int blame(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks)
{
	if (is_shortage(errno))
		return -1;
	/* ESTALE: the same, from an NFS server. */
	if (errno == ENOENT || errno == ESTALE) {
		message->state = GATHER_LOST;
		return 0;
	}
	/* Permissions may change, and no folder does. */
	scan->uncertain++;
	return leave_out(scan, message, hooks, strerror(errno));
}

/* Sizes in a name that are not those of its file were made up, or are old. */
static void check_sizes(const struct scan *scan,
	const struct scan_message *message, const struct scan_hooks *hooks)
{
	const char *name = file_name(scan, message);
	uint64_t value;

	if (name_size(name, 'S', &value) && value != message->size_bytes)
		hooks->corrected(hooks->context, name, "S= is not its size");
	else if (name_size(name, 'W', &value) && value != message->octets)
		hooks->corrected(hooks->context, name,
			"W= is not its size in POP3");
}

/* A file that another server keeps compressed is no message to a client. */
static bool is_compressed(const struct scan *scan,
	const struct scan_message *message, int fd)
{
	static const struct {
		const char *octets;
		size_t count;
	} magic[] = {
		{ "\x1f\x8b", 2 }, { "BZh", 3 }, { "\x28\xb5\x2f\xfd", 4 },
		{ "\xfd" "7zXZ", 5 }, { "Dovecot-LZ4", 11 },
	};
	char octets[16] = "";
	uint64_t size_bytes;

	/* Its name tells the size that it had before. */
	if (!name_size(file_name(scan, message), 'S', &size_bytes) ||
			size_bytes == message->size_bytes ||
			pread(fd, octets, sizeof(octets), 0) < 0)
		return false;
	for (size_t i = 0; i < sizeof(magic) / sizeof(magic[0]); i++)
		if (memcmp(octets, magic[i].octets, magic[i].count) == 0)
			return true;
	return false;
}

static int count_open(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return blame(scan, message, hooks);
	if (!S_ISREG(status.st_mode))
		return leave_out(scan, message, hooks, "not a regular file");
	file_take_facts(message, &status);
	if (is_compressed(scan, message, fd))
		return leave_out(scan, message, hooks, "compressed");
	if (octets_count(fd, &message->size_bytes, &message->octets) < 0)
		return blame(scan, message, hooks);
	check_sizes(scan, message, hooks);
	message->state = GATHER_COUNTED;
	return 0;
}

/*
 * Believe W= if S= is right and W= possible: a line end adds one octet, the
 * missing one two.  Whether it is true shows when the message is sent.
 */
static bool believe_name(struct scan *scan, struct scan_message *message,
	const struct stat *status)
{
	const char *name = file_name(scan, message);
	uint64_t size_bytes = (uint64_t)status->st_size, stored, sent;

	if (!name_size(name, 'W', &sent) || !name_size(name, 'S', &stored) ||
			stored != size_bytes || sent < stored ||
			sent - stored > stored + 2)
		return false;
	file_take_facts(message, status);
	message->octets = sent;
	message->state = GATHER_COUNTED;
	return true;
}

static bool has_sizes(const char *name)
{
	uint64_t value;

	return name_size(name, 'W', &value) && name_size(name, 'S', &value);
}

/* Looks before it opens: opening a device is not free of side effects. */
int count_message(struct scan *scan, struct scan_message *message,
	const struct scan_hooks *hooks)
{
	struct stat status;
	int fd, result;

	if (message->state == GATHER_SEEN ||
			has_sizes(file_name(scan, message))) {
		if (file_stat(scan, message, &status) < 0)
			return blame(scan, message, hooks);
		if (!S_ISREG(status.st_mode))
			return leave_out(scan, message, hooks,
				"not a regular file");
		if (believe_name(scan, message, &status))
			return 0;
	}
	fd = file_open(scan, message);
	if (fd < 0)
		return blame(scan, message, hooks);
	result = count_open(scan, message, hooks, fd);
	close(fd);
	return result;
}
