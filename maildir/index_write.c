/*
 * index_write.c - our own cache file in the Maildir: write it
 *
 * Runs in: the keeper, as the mail user, which holds the maildrop's lock.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/checksum.h"
#include "maildir/gather.h"
#include "maildir/index.h"
#include "maildir/index_format.h"
#include "maildir/whole.h"

#define DRAFT_FILE "postern.index.new"

#define DRAFT_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

#define BUFFER_BYTES 65536

/* Octets on their way into the file, and the sum of those of one part. */
struct output {
	int fd;
	struct checksum checksum;
	uint64_t bytes;		/* of this part */
	size_t used;		/* of the buffer */
	char *buffer;
};

static int put(void *context, const void *octets, size_t count)
{
	struct output *output = context;

	checksum_add(&output->checksum, octets, count);
	output->bytes += count;
	return whole_write(output->fd, octets, count);
}

static int flush(struct output *output)
{
	size_t count = output->used;

	output->used = 0;
	return put(output, output->buffer, count);
}

/* Add something smaller than the buffer. */
static int add(struct output *output, const void *octets, size_t count)
{
	if (count > BUFFER_BYTES - output->used && flush(output) < 0)
		return -1;
	memcpy(output->buffer + output->used, octets, count);
	output->used += count;
	return 0;
}

static void begin_part(struct output *output)
{
	checksum_begin(&output->checksum);
	output->bytes = 0;
}

/* The unique-id is stored only where the name does not tell it. */
static bool has_own_uidl(const struct scan_message *message)
{
	return message->uidl != SCAN_UIDL_UNIQUE;
}

static int add_messages(const struct scan *scan, struct output *output)
{
	uint32_t at = 0;

	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct scan_message message = scan->messages[idx];

		message.state = GATHER_COUNTED;
		message.name = at;
		at += (uint32_t)strlen(scan_name(scan, idx)) + 1;
		if (has_own_uidl(&message)) {
			message.uidl = at;
			at += (uint32_t)strlen(scan->names +
				scan->messages[idx].uidl) + 1;
		}
		if (add(output, &message, sizeof(message)) < 0)
			return -1;
	}
	return flush(output);
}

static int add_string(struct output *output, const char *text)
{
	return add(output, text, strlen(text) + 1);
}

static int add_names(const struct scan *scan, struct output *output)
{
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		const struct scan_message *message = &scan->messages[idx];

		if (add_string(output, scan_name(scan, idx)) < 0)
			return -1;
		if (has_own_uidl(message) && add_string(output,
				scan->names + message->uidl) < 0)
			return -1;
	}
	return flush(output);
}

static int write_parts(struct output *output, const struct scan *scan,
	struct index_frame *frame)
{
	begin_part(output);
	if (listing_write(scan, put, output) < 0)
		return -1;
	frame->listing_sum = checksum_end(&output->checksum);
	begin_part(output);
	if (add_messages(scan, output) < 0 || add_names(scan, output) < 0)
		return -1;
	frame->names_bytes = output->bytes -
		(uint64_t)scan->count * sizeof(*scan->messages);
	frame->details_sum = checksum_end(&output->checksum);
	return 0;
}

/*
 * Note the totals.  Returns -1 if the index is so large that nobody would read
 * it; names count with what was replaced.
 */
static int measure(const struct scan *scan, struct index_frame *frame)
{
	if (listing_measure(scan, &frame->octets, &frame->listing_bytes) == 0 &&
			frame->listing_bytes + scan->names_bytes +
			(uint64_t)scan->count * sizeof(*scan->messages) <=
				INDEX_MOST_BYTES - sizeof(*frame))
		return 0;
	errno = EFBIG;
	return -1;
}

/* The frame is written last, over the zeros that stood in its place. */
static int write_index(const struct index_draft *draft,
	const struct scan *scan)
{
	static char buffer[BUFFER_BYTES];
	struct output output = { .fd = draft->fd, .buffer = buffer };
	static const struct index_frame zeros;
	struct index_frame frame = {
		.magic = INDEX_MAGIC, .version = INDEX_VERSION,
		.count = scan->count, .facts = draft->facts,
	};

	if (measure(scan, &frame) < 0 ||
			whole_write(draft->fd, &zeros, sizeof(zeros)) < 0 ||
			write_parts(&output, scan, &frame) < 0)
		return -1;
	frame.sum = checksum_of(&frame, offsetof(struct index_frame, sum));
	return pwrite(draft->fd, &frame, sizeof(frame), 0) ==
		(ssize_t)sizeof(frame) ? 0 : -1;
}

/* A draft that a killed keeper left is in nobody's way. */
static int make_file(struct index_draft *draft, int root_fd)
{
	(void)unlinkat(root_fd, DRAFT_FILE, 0);	/* usually there is none */
	draft->fd = openat(root_fd, DRAFT_FILE, DRAFT_FLAGS, 0600);
	return draft->fd < 0 ? -1 : 0;
}

int index_begin(struct index_draft *draft, int root_fd)
{
	struct stat status;

	*draft = (struct index_draft){ .fd = -1 };
	/* The file system's own clock tells the time: that of a new file. */
	if (make_file(draft, root_fd) == 0 && fstat(draft->fd, &status) == 0)
		draft->facts.begun_s = status.st_mtim.tv_sec;
	return folder_look(root_fd, draft->facts.stamps);
}

int index_finish(struct index_draft *draft, int root_fd,
	const struct scan *scan)
{
	int status = -1, saved;

	if (draft->fd < 0 && make_file(draft, root_fd) < 0)
		return -1;
	if (write_index(draft, scan) == 0)
		status = renameat(root_fd, DRAFT_FILE, root_fd, INDEX_FILE);
	saved = errno;
	if (status < 0)
		index_abandon(draft, root_fd);
	else
		close(draft->fd);
	draft->fd = -1;
	errno = saved;
	return status;
}

void index_abandon(struct index_draft *draft, int root_fd)
{
	if (draft->fd < 0)
		return;
	close(draft->fd);
	draft->fd = -1;
	/* It is tried again when the next index is made. */
	(void)unlinkat(root_fd, DRAFT_FILE, 0);
}

int index_remove(int root_fd)
{
	return unlinkat(root_fd, INDEX_FILE, 0);
}
