/*
 * index.c - our own cache file in the Maildir: read it, and know when to
 *
 * Runs in: the keeper, as the mail user.  Distrusts: every octet of the file.
 *
 * The file is a frame, the listing's image, the messages as scan.h has them,
 * and their names and unique-ids as strings.
 */
#include "config.h"

#include "maildir/index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/checksum.h"
#include "maildir/index_format.h"
#include "maildir/whole.h"

/* A small index is read at once; a large one as it is needed. */
#define HEAD_BYTES 4096
#define PIECE_BYTES 65536

#define INDEX_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

static int refuse(int error)
{
	errno = error;
	return -1;
}

static uint64_t messages_bytes(const struct index *index)
{
	return (uint64_t)index->count * sizeof(struct scan_message);
}

/* Whether the parts fill the file, and none is absurd. */
static bool is_frame_right(const struct index_frame *frame, uint64_t bytes)
{
	uint64_t rest = bytes - sizeof(*frame);

	if (frame->magic != INDEX_MAGIC || frame->version != INDEX_VERSION ||
			frame->sum != checksum_of(frame,
				offsetof(struct index_frame, sum)))
		return false;
	if (frame->listing_bytes > rest)
		return false;
	rest -= frame->listing_bytes;
	if (frame->count > rest / sizeof(struct scan_message))
		return false;
	return frame->names_bytes == rest -
		frame->count * sizeof(struct scan_message);
}

static int take_frame(struct index *index, uint64_t bytes)
{
	struct index_frame frame;

	if (index->head_bytes < sizeof(frame) || bytes < sizeof(frame))
		return refuse(EBADMSG);
	memcpy(&frame, index->head, sizeof(frame));
	if (!is_frame_right(&frame, bytes))
		return refuse(EBADMSG);
	index->facts = frame.facts;
	index->count = frame.count;
	index->octets = frame.octets;
	index->listing_bytes = frame.listing_bytes;
	index->listing_sum = frame.listing_sum;
	index->names_bytes = frame.names_bytes;
	index->details_sum = frame.details_sum;
	return 0;
}

static int read_head(struct index *index)
{
	struct stat status;
	ssize_t got;

	if (fstat(index->fd, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode) || status.st_size < 0 ||
			(uint64_t)status.st_size > INDEX_MOST_BYTES)
		return refuse(EBADMSG);
	index->head = malloc(HEAD_BYTES);
	if (index->head == NULL)
		return -1;
	do
		got = pread(index->fd, index->head, HEAD_BYTES, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -1;
	index->head_bytes = (size_t)got;
	return take_frame(index, (uint64_t)status.st_size);
}

/* Like whole_read(); but what can't be read is as bad as what is wrong. */
static int read_part(const struct index *index, void *octets, size_t count,
	uint64_t at)
{
	return whole_read(index->fd, octets, count, at) == 0 ? 0 :
		refuse(EBADMSG);
}

/* The piece of the file that begins at 'at'; NULL with errno on failure. */
static const char *read_piece(const struct index *index, uint64_t at,
	size_t count, char *buffer)
{
	if (at + count <= index->head_bytes)
		return index->head + at;
	return read_part(index, buffer, count, at) == 0 ? buffer : NULL;
}

static int copy_listing(const struct index *index, char *buffer,
	listing_sink *sink, void *context)
{
	uint64_t at = sizeof(struct index_frame);
	uint64_t end = at + index->listing_bytes;
	struct checksum checksum;

	checksum_begin(&checksum);
	while (at < end) {
		uint64_t count = end - at < PIECE_BYTES ? end - at :
			PIECE_BYTES;
		const char *piece = read_piece(index, at, (size_t)count,
			buffer);
		if (piece == NULL)
			return -1;
		checksum_add(&checksum, piece, (size_t)count);
		if (sink(context, piece, (size_t)count) < 0)
			return -1;
		at += count;
	}
	return checksum_end(&checksum) == index->listing_sum ? 0 :
		refuse(EBADMSG);
}

static bool is_name_right(const char *name)
{
	return *name != '\0' && *name != '.' && strlen(name) <= NAME_MAX &&
		strchr(name, '/') == NULL;
}

/*
 * Take the string that a message has at 'begin': it must be the next one.  So
 * no two overlap, and replacing one in place never changes another.
 */
static const char *take_string(const struct scan *scan, uint32_t begin,
	size_t *next)
{
	if (begin != *next || begin >= scan->names_bytes)
		return NULL;
	*next += strlen(scan->names + begin) + 1;
	return scan->names + begin;
}

static bool is_message_right(const struct scan *scan,
	const struct scan_message *message, size_t *next)
{
	const char *name = take_string(scan, message->name, next), *uidl;

	if (name == NULL || !is_name_right(name) || message->folder >= FOLDERS)
		return false;
	if (message->uidl == SCAN_UIDL_UNIQUE)
		return name_has_uidl(name);
	uidl = take_string(scan, message->uidl, next);
	/* No ',' and no ':' ends a unique-id. */
	return uidl != NULL && name_is_uidl(uidl, strlen(uidl));
}

/* Check what was read, whose sum is right: it may be an enemy's. */
static int check_details(struct scan *scan, uint8_t state)
{
	size_t next = 0;

	if (scan->names_bytes > 0 && scan->names[scan->names_bytes - 1] != '\0')
		return refuse(EBADMSG);
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		if (!is_message_right(scan, &scan->messages[idx], &next))
			return refuse(EBADMSG);
		scan->messages[idx].state = state;
	}
	return 0;
}

static int read_details(const struct index *index, struct scan *scan)
{
	uint64_t at = sizeof(struct index_frame) + index->listing_bytes;
	size_t bytes = (size_t)messages_bytes(index);
	struct checksum checksum;

	scan->messages = malloc(bytes + 1);
	scan->names = malloc((size_t)index->names_bytes + 1);
	if (scan->messages == NULL || scan->names == NULL)
		return -1;
	scan->names_room = (size_t)index->names_bytes + 1;
	scan->names_bytes = (size_t)index->names_bytes;
	scan->count = scan->room = index->count;
	if (read_part(index, scan->messages, bytes, at) < 0 ||
			read_part(index, scan->names, scan->names_bytes,
				at + bytes) < 0)
		return -1;
	checksum_begin(&checksum);
	checksum_add(&checksum, scan->messages, bytes);
	checksum_add(&checksum, scan->names, scan->names_bytes);
	return checksum_end(&checksum) == index->details_sum ? 0 :
		refuse(EBADMSG);
}

static void forget_details(struct scan *scan)
{
	free(scan->messages);
	free(scan->names);
	scan->messages = NULL;
	scan->names = NULL;
	scan->count = scan->room = 0;
	scan->names_bytes = scan->names_room = 0;
}

int index_open(struct index *index, int root_fd)
{
	*index = (struct index){ .fd = -1 };
	index->fd = folder_openat(root_fd, INDEX_FILE, INDEX_FLAGS);
	return index->fd < 0 ? -1 : read_head(index);
}

void index_close(struct index *index)
{
	if (index->fd >= 0)
		close(index->fd);
	free(index->head);
	*index = (struct index){ .fd = -1 };
}

bool index_is_current(const struct index *index,
	const struct folder_stamps now[FOLDERS])
{
	return folder_is_same(index->facts.stamps, now) &&
		!folder_is_racy(now, index->facts.begun_s);
}

int index_listing(const struct index *index, listing_sink *sink, void *context)
{
	char *buffer = malloc(PIECE_BYTES);
	int status = -1;

	if (buffer != NULL)
		status = copy_listing(index, buffer, sink, context);
	free(buffer);
	return status;
}

int index_load(const struct index *index, struct scan *scan, uint8_t state)
{
	int error;

	if (read_details(index, scan) == 0 && check_details(scan, state) == 0)
		return 0;
	error = errno;
	forget_details(scan);
	return refuse(error);
}
