/*
 * catalogue.c - one catalogue of GNU gettext: a file that msgfmt wrote
 *
 * Runs in: the master, which reads it; a worker, which has it from there.
 * Distrusts: the file, which may be torn or of another version.
 *
 * gettext(3) itself can't serve here.  It takes the language from the process,
 * where each session has its own; and it translates nothing unless a locale is
 * installed that is neither C nor, since glibc 2.39, C.UTF-8, which a mail
 * server need not have.  The format is that of the manual of GNU gettext, "The
 * Format of GNU MO Files".
 */
#include "config.h"

#include "catalogue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "readn.h"

#define HEADER_BYTES 28
#define ENTRY_BYTES 8		/* length and place of a text */
#define MOST_BYTES (1024 * 1024)

static const char little_endian[] = "\xde\x12\x04\x95";
static const char big_endian[] = "\x95\x04\x12\xde";

static uint32_t number_at(const struct catalogue *catalogue, size_t place)
{
	const unsigned char *octet =
		(const unsigned char *)catalogue->octets + place;

	if (catalogue->is_big_endian)
		return (uint32_t)octet[0] << 24 | (uint32_t)octet[1] << 16 |
			(uint32_t)octet[2] << 8 | octet[3];
	return (uint32_t)octet[3] << 24 | (uint32_t)octet[2] << 16 |
		(uint32_t)octet[1] << 8 | octet[0];
}

static const char *text_at(const struct catalogue *catalogue, uint32_t table,
	uint32_t idx)
{
	return catalogue->octets + number_at(catalogue,
		table + (size_t)idx * ENTRY_BYTES + 4);
}

/* Whether the text lies in the file, with the NUL behind it. */
static bool has_text(const struct catalogue *catalogue, uint32_t table,
	uint32_t idx)
{
	size_t entry = table + (size_t)idx * ENTRY_BYTES;
	uint32_t length = number_at(catalogue, entry);
	uint32_t place = number_at(catalogue, entry + 4);

	return place < catalogue->bytes &&
		length < catalogue->bytes - place &&
		catalogue->octets[place + length] == '\0';
}

static bool has_table(const struct catalogue *catalogue, uint32_t table)
{
	if (table > catalogue->bytes || catalogue->count >
			(catalogue->bytes - table) / ENTRY_BYTES)
		return false;
	for (uint32_t i = 0; i < catalogue->count; i++)
		if (!has_text(catalogue, table, i))
			return false;
	return true;
}

/* Find the first conversion of a format; none has no octets. */
static const char *find_conversion(const char *format, size_t *count)
{
	const char *sign = format + strcspn(format, "%");

	*count = 0;
	if (*sign == '%') {
		*count = 1 + strspn(sign + 1, "0123456789.-+ #hljzt");
		*count += sign[*count] != '\0';
	}
	return sign;
}

static bool has_same_conversions(const char *original, const char *translation)
{
	size_t count, other_count;

	do {
		original = find_conversion(original, &count);
		translation = find_conversion(translation, &other_count);
		if (count != other_count ||
				memcmp(original, translation, count) != 0)
			return false;
		original += count;
		translation += count;
	} while (count > 0);
	return true;
}

/* RFC 2449 section 8: programs read the code in brackets. */
static bool has_same_code(const char *original, const char *translation)
{
	if (*original != '[')
		return *translation != '[';
	return strncmp(original, translation,
		strcspn(original, "]") + 1) == 0;
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* The text of "" is the catalogue's own header. */
static bool is_usable(const char *original, const char *translation)
{
	return *original == '\0' ||
		(has_same_conversions(original, translation) &&
		has_same_code(original, translation) &&
		!has_control(translation));
}

static bool is_good(struct catalogue *catalogue)
{
	if (catalogue->bytes < HEADER_BYTES)
		return false;
	catalogue->is_big_endian =
		memcmp(catalogue->octets, big_endian, 4) == 0;
	if (!catalogue->is_big_endian &&
			memcmp(catalogue->octets, little_endian, 4) != 0)
		return false;
	catalogue->count = number_at(catalogue, 8);
	catalogue->originals = number_at(catalogue, 12);
	catalogue->translations = number_at(catalogue, 16);
	if (!has_table(catalogue, catalogue->originals) ||
			!has_table(catalogue, catalogue->translations))
		return false;
	for (uint32_t i = 0; i < catalogue->count; i++)
		if (!is_usable(text_at(catalogue, catalogue->originals, i),
				text_at(catalogue, catalogue->translations,
					i)))
			return false;
	return true;
}

static int read_octets(struct catalogue *catalogue, int fd, size_t bytes)
{
	catalogue->octets = malloc(bytes);
	if (catalogue->octets == NULL)
		return -1;

	ssize_t count = readn(fd, catalogue->octets, bytes);
	if (count < 0)
		return -1;
	catalogue->bytes = (size_t)count;
	return 0;
}

static int read_file(struct catalogue *catalogue, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -1;
	if (S_ISREG(status.st_mode) && status.st_size >= HEADER_BYTES &&
			status.st_size <= MOST_BYTES)
		return read_octets(catalogue, fd, (size_t)status.st_size);
	errno = EBADMSG;
	return -1;
}

int catalogue_read(struct catalogue *catalogue, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*catalogue = (struct catalogue){ .octets = NULL };
	if (fd < 0)
		return -1;
	int status = read_file(catalogue, fd);
	int error = errno;
	close(fd);
	errno = error;
	if (status < 0 || is_good(catalogue))
		return status;
	errno = EBADMSG;
	return -1;
}

/* msgfmt sorts the originals as strcmp() does. */
const char *catalogue_find(const struct catalogue *catalogue,
	const char *original)
{
	uint32_t first = 0, end = catalogue->count;

	while (first < end) {
		uint32_t middle = first + (end - first) / 2;
		int order = strcmp(original, text_at(catalogue,
			catalogue->originals, middle));

		if (order == 0)
			return text_at(catalogue, catalogue->translations,
				middle);
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return NULL;
}

void catalogue_free(struct catalogue *catalogue)
{
	free(catalogue->octets);
	*catalogue = (struct catalogue){ .octets = NULL };
}
