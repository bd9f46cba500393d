/*
 * ledger_file.c - a ledger as text: read it, write it, replace it
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: the file, which its owner may have edited, and which may be torn.
 */
#include "config.h"

#include "maildir/ledger_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/ledger_table.h"
#include "maildir/text.h"
#include "maildir/whole.h"

#define NEW_FILE_FLAGS \
	(O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY)

/* No line of an entry is shorter. */
#define LEAST_LINE_BYTES 8

#define BUFFER_BYTES 65536

/* --- reading --- */

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* Turn each %XX of a string into the octet that it means, in place. */
static bool decode(char *octets)
{
	char *to = strchr(octets, '%');
	const char *from = to;

	if (from == NULL)
		return true;
	for (; *from != '\0'; from++) {
		int high, low;

		if (*from != '%') {
			*to++ = *from;
			continue;
		}
		high = hex_digit(from[1]);
		low = high < 0 ? -1 : hex_digit(from[2]);
		if (low < 0 || high + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		from += 2;
	}
	*to = '\0';
	return true;
}

/* Read "RANK INODE " at '*at', and move '*at' behind it. */
static bool read_numbers(const char **at, struct ledger_entry *entry)
{
	uint64_t rank;

	if (!text_number(at, UINT32_MAX, &rank) || *(*at)++ != ' ')
		return false;
	entry->rank = (uint32_t)rank;
	entry->inode = LEDGER_ANY_INODE;
	if (**at == '-')
		(*at)++;
	else if (!text_number(at, UINT64_MAX, &entry->inode) ||
			entry->inode == LEDGER_ANY_INODE)
		return false;
	return *(*at)++ == ' ';
}

/* Read a line, of which two parts become strings of the entry. */
static bool read_entry(struct ledger *ledger, struct text_line *line,
	struct ledger_entry *entry)
{
	const char *at = line->octets;
	char *uidl, *unique;

	if (!line->is_whole || !read_numbers(&at, entry))
		return false;
	uidl = line->octets + (at - line->octets);
	unique = strchr(uidl, ' ');
	if (unique == NULL || !name_is_uidl(uidl, (size_t)(unique - uidl)))
		return false;
	*unique++ = '\0';
	if (!decode(unique) || strlen(unique) > LEDGER_UNIQUE_OCTETS ||
			strchr(unique, '/') != NULL)
		return false;
	entry->uidl = (uint32_t)(uidl - ledger->strings);
	entry->unique = (uint32_t)(unique - ledger->strings);
	return true;
}

static int grow(struct ledger *ledger, uint64_t count)
{
	struct ledger_entry *entries;

	if (count > LEDGER_TABLE_MOST) {
		errno = EOVERFLOW;
		return -1;
	}
	entries = realloc(ledger->entries, (size_t)count * sizeof(*entries));
	if (entries == NULL)
		return -1;
	ledger->entries = entries;
	ledger->room = (uint32_t)count;
	return ledger_table_reserve(ledger, (uint32_t)count);
}

static int take_entry(struct ledger *ledger, struct text_line *line)
{
	struct ledger_entry *entry;

	if (ledger->count == ledger->room &&
			grow(ledger, 2 * (uint64_t)ledger->count + 64) < 0)
		return -1;
	if (ledger_table_reserve(ledger, ledger->count + 1) < 0)
		return -1;
	entry = &ledger->entries[ledger->count];
	if (read_entry(ledger, line, entry) &&
			ledger_table_note(ledger, ledger->count))
		ledger->count++;
	else
		ledger->bad_lines++;
	return 0;
}

/* Whether a line is the last one of a file with so many others. */
static bool is_end(const struct text_line *line, uint64_t count)
{
	const char *number = line->octets + 4;
	uint64_t value;

	return line->is_whole && strncmp(line->octets, "end ", 4) == 0 &&
		text_number(&number, UINT64_MAX, &value) && *number == '\0' &&
		value == count;
}

static bool is_first(const struct text_line *line)
{
	return line->is_whole &&
		strcmp(line->octets, LEDGER_NAME LEDGER_VERSION) == 0;
}

/* Whether a line is the first one of another version. */
static bool is_other_first(const struct text_line *line)
{
	return strncmp(line->octets, LEDGER_NAME, strlen(LEDGER_NAME)) == 0;
}

/* Read the lines of 'text', which are ledger->strings. */
static int parse(struct ledger *ledger, struct text *text)
{
	struct text_line line;
	bool has_line = text_next(text, &line);
	uint64_t count = 0;

	ledger->bad_lines += !has_line || !is_first(&line);
	if (has_line && is_other_first(&line))
		has_line = text_next(text, &line);
	for (; has_line; has_line = text_next(text, &line), count++) {
		if (text->next == text->count && is_end(&line, count))
			return 0;
		if (take_entry(ledger, &line) < 0)
			return -1;
	}
	ledger->bad_lines++;
	return 0;
}

/* How many entries there may be; no more than can be. */
static uint64_t count_lines(const struct text *text)
{
	const char *at = text->octets, *end = at + text->count;
	uint64_t lines = 1;

	while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		lines++;
		at++;
	}
	return lines < text->count / LEAST_LINE_BYTES ? lines :
		text->count / LEAST_LINE_BYTES + 1;
}

/* Make a ledger of 'text', whose memory becomes the ledger's. */
static int take_text(struct ledger *ledger, struct text *text)
{
	ledger->strings = text->octets;
	ledger->strings_bytes = ledger->strings_room = text->count + 1;
	if (grow(ledger, count_lines(text)) < 0)
		return -1;
	return parse(ledger, text);
}

int ledger_parse(struct ledger *ledger, const char *text, size_t bytes)
{
	struct text copy;

	*ledger = (struct ledger){ .entries = NULL };
	if (text_copy(&copy, text, bytes) < 0)
		return -1;
	return take_text(ledger, &copy);
}

int ledger_read(struct ledger *ledger, int root_fd)
{
	struct text text;
	int saved;

	*ledger = (struct ledger){ .entries = NULL };
	if (text_read(&text, root_fd, LEDGER_FILE) == 0)
		return take_text(ledger, &text);
	saved = errno;
	text_free(&text);
	errno = saved;
	ledger->is_missing = errno == ENOENT;
	return ledger->is_missing ? 0 : -1;
}

/* --- writing --- */

static char *encode(char *to, const char *octets)
{
	static const char hex[] = "0123456789ABCDEF";

	for (; *octets != '\0'; octets++) {
		unsigned int octet = (unsigned char)*octets;

		if (octet >= 0x21 && octet <= 0x7E && octet != '%') {
			*to++ = (char)octet;
			continue;
		}
		*to++ = '%';
		*to++ = hex[octet >> 4];
		*to++ = hex[octet & 15];
	}
	return to;
}

size_t ledger_line(const struct ledger *ledger, uint32_t idx,
	char line[LEDGER_LINE_BYTES])
{
	const struct ledger_entry *entry = &ledger->entries[idx];
	char inode[24] = "-", *end;

	if (entry->inode != LEDGER_ANY_INODE)
		snprintf(inode, sizeof(inode), "%" PRIu64, entry->inode);
	/* It fits: the longest line has LEDGER_LINE_BYTES. */
	end = line + snprintf(line, LEDGER_LINE_BYTES, "%" PRIu32 " %s %s ",
		entry->rank, inode, ledger->strings + entry->uidl);
	end = encode(end, ledger->strings + entry->unique);
	*end++ = '\n';
	*end = '\0';
	return (size_t)(end - line);
}

static int write_lines(const struct ledger *ledger, int fd)
{
	/* Static: of a large stack frame every page would be touched. */
	static char buffer[BUFFER_BYTES];
	size_t used = (size_t)snprintf(buffer, sizeof(buffer), "%s\n",
		LEDGER_NAME LEDGER_VERSION);

	for (uint32_t idx = 0; idx < ledger->count; idx++) {
		used += ledger_line(ledger, idx, buffer + used);
		if (used + LEDGER_LINE_BYTES <= sizeof(buffer))
			continue;
		if (whole_write(fd, buffer, used) < 0)
			return -1;
		used = 0;
	}
	used += (size_t)snprintf(buffer + used, sizeof(buffer) - used,
		"end %" PRIu32 "\n", ledger->count);
	return whole_write(fd, buffer, used);
}

static int write_new(const struct ledger *ledger, int root_fd)
{
	int fd, result, saved;

	/* One that a killed keeper has left behind. */
	if (unlinkat(root_fd, LEDGER_FILE_NEW, 0) < 0 && errno != ENOENT)
		return -1;
	fd = openat(root_fd, LEDGER_FILE_NEW, NEW_FILE_FLAGS, 0600);
	if (fd < 0)
		return -1;
	result = write_lines(ledger, fd);
	if (result == 0)
		result = fsync(fd);
	saved = errno;
	/* Some file systems tell only now that the disk is full. */
	if (close(fd) < 0 && result == 0)
		return -1;
	errno = saved;
	return result;
}

/* Keep a file with broken lines under another name: not all was understood. */
static int keep_damaged(const struct ledger *ledger, int root_fd)
{
	if (ledger->bad_lines == 0 || linkat(root_fd, LEDGER_FILE, root_fd,
			LEDGER_FILE_DAMAGED, 0) == 0)
		return 0;
	/* ENOENT: somebody has taken it away; there is nothing to keep. */
	return errno == EEXIST || errno == ENOENT ? 0 : -1;
}

int ledger_write(const struct ledger *ledger, int root_fd)
{
	int saved;

	if (keep_damaged(ledger, root_fd) == 0 &&
			write_new(ledger, root_fd) == 0 &&
			renameat(root_fd, LEDGER_FILE_NEW, root_fd,
				LEDGER_FILE) == 0)
		return fsync(root_fd);
	saved = errno;
	(void)unlinkat(root_fd, LEDGER_FILE_NEW, 0);	/* the next one will */
	errno = saved;
	return -1;
}
