/*
 * import_popa3d.c - the unique-id that popa3d makes of a message's header
 *
 * Runs in: the keeper, as the mail user.  Distrusts: the message.
 */
#include "config.h"

#include "maildir/import_popa3d.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define CHUNK_BYTES 16384

/* What of the header goes into the hash. */
struct header {
	char *kept;		/* the lines, at the start of the buffer */
	size_t count;
	bool has_received;
	bool is_kept;		/* the line before; for continuation lines */
};

static bool is_field(const char *line, size_t count, const char *name)
{
	size_t octets = strlen(name);

	return count >= octets && strncasecmp(line, name, octets) == 0;
}

/* Only the first Received counts, and what follows it less. */
static bool is_wanted(struct header *header, const char *line, size_t count)
{
	if (is_field(line, count, "Received:")) {
		bool is_first = !header->has_received;

		header->has_received = true;
		return is_first;
	}
	if (is_field(line, count, "Date:") ||
			is_field(line, count, "Message-ID:"))
		return !header->has_received;
	if (is_field(line, count, "X-Delivery-ID:"))
		return *line == 'X';
	return is_field(line, count, "Delivered-To:");
}

static void take_line(struct header *header, const char *line, size_t count)
{
	if (*line != ' ' && *line != '\t')
		header->is_kept = is_wanted(header, line, count);
	if (!header->is_kept)
		return;
	memmove(header->kept + header->count, line, count);
	header->count += count;
}

static bool is_blank(const char *line, size_t count)
{
	return *line == '\n' || (count == 2 && *line == '\r');
}

void import_popa3d_header(char *buffer, size_t count, import_md5 *md5,
	char uidl[POPA3D_UIDL_BYTES])
{
	static const uint8_t order[] = { 3, 2, 1, 0, 7, 6, 5, 4 };
	struct header header = { .kept = buffer };
	const char *line = buffer, *end = buffer + count;
	uint8_t digest[16];

	while (line < end) {
		const char *lf = memchr(line, '\n', (size_t)(end - line));
		size_t octets = (size_t)((lf != NULL ? lf + 1 : end) - line);

		if (is_blank(line, octets))
			break;
		take_line(&header, line, octets);
		line += octets;
	}
	md5(buffer, header.count, digest);
	for (size_t i = 0; i < sizeof(order); i++)
		snprintf(uidl + 2 * i, 3, "%02x", digest[order[i]]);
}

/* Whether the header ends within 'octets', not before 'from'. */
static bool has_end(const char *octets, size_t from, size_t count)
{
	const char *lf = octets + (from < 2 ? 0 : from - 2);
	const char *end = octets + count;

	while ((lf = memchr(lf, '\n', (size_t)(end - lf))) != NULL) {
		lf++;
		if (lf < end && *lf == '\n')
			return true;
		if (end - lf >= 2 && lf[0] == '\r' && lf[1] == '\n')
			return true;
	}
	return false;
}

int import_popa3d(int fd, char *buffer, import_md5 *md5,
	char uidl[POPA3D_UIDL_BYTES])
{
	size_t count = 0;

	while (count + CHUNK_BYTES <= POPA3D_HEADER_BYTES) {
		ssize_t got = read(fd, buffer + count, CHUNK_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		count += (size_t)got;
		if (got == 0 || has_end(buffer, count - (size_t)got, count))
			break;
	}
	import_popa3d_header(buffer, count, md5, uidl);
	return 0;
}
