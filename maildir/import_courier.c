/*
 * import_courier.c - read a courierpop3dsizelist, version 0 to 3
 *
 * Pure.  Runs in: the keeper, as the mail user.
 * Distrusts: the text.
 */
#include "config.h"

#include "maildir/import_courier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NEWEST_VERSION 3

/* One line. */
struct entry {
	const char *name;
	uint64_t number, uidvalidity;	/* 0: none */
};

/* Cut the last word off a line.  Returns NULL if there is but one. */
static const char *take_last_word(char *line)
{
	char *blank = strrchr(line, ' ');

	if (blank == NULL)
		return NULL;
	*blank = '\0';
	return blank + 1;
}

static bool is_number(const char *word)
{
	uint64_t value;

	return word != NULL && text_number(&word, UINT64_MAX, &value) &&
		*word == '\0';
}

/* Read "NUMBER", "NUMBER:UIDVALIDITY" or "NUMBER:UIDVALIDITY:UTF8". */
static bool read_numbers(const char *at, struct entry *entry)
{
	uint64_t is_utf8;

	if (at == NULL || !text_number(&at, UINT64_MAX, &entry->number))
		return false;
	if (*at == ':') {
		at++;
		if (!text_number(&at, UINT64_MAX, &entry->uidvalidity))
			return false;
	}
	if (*at == ':') {
		at++;
		if (!text_number(&at, UINT64_MAX, &is_utf8))
			return false;
	}
	return *at == '\0';
}

/* Names may hold blanks, so a line is read from its end. */
static bool read_line(const struct text_line *line, uint64_t version,
	struct entry *entry)
{
	*entry = (struct entry){ .name = line->octets };
	if (!line->is_whole)
		return false;
	if (version > 0 &&
			!read_numbers(take_last_word(line->octets), entry))
		return false;
	return is_number(take_last_word(line->octets));
}

/* Write the base name, with "+XX" for what is not welcome in a unique-id. */
static void write_name(const char *name, char uidl[NAME_UIDL_OCTETS + 2])
{
	size_t count = 0;

	for (; *name != '\0' && *name != ':' && count <= NAME_UIDL_OCTETS;
			name++) {
		unsigned int octet = (unsigned char)*name;
		bool is_plain = octet >= 0x21 && octet <= 0x7E &&
			strchr("'\"+", *name) == NULL;

		/* What does not fit is cut, and too long all the same. */
		count += (size_t)snprintf(uidl + count,
			NAME_UIDL_OCTETS + 2 - count,
			is_plain ? "%c" : "+%02X", octet);
	}
}

static void write_uidl(const struct entry *entry,
	char uidl[NAME_UIDL_OCTETS + 2])
{
	uidl[0] = '\0';
	if (entry->number == 0)
		write_name(entry->name, uidl);
	else if (entry->uidvalidity == 0)
		snprintf(uidl, NAME_UIDL_OCTETS + 2, "UID%" PRIu64,
			entry->number);
	else
		snprintf(uidl, NAME_UIDL_OCTETS + 2, "UID%" PRIu64 "-%" PRIu64,
			entry->number, entry->uidvalidity);
}

static int take_line(struct import_list *list, const struct text_line *line,
	uint64_t version)
{
	struct import_record place = { .inode = LEDGER_ANY_INODE };
	char uidl[NAME_UIDL_OCTETS + 2];
	struct entry entry;

	if (!read_line(line, version, &entry)) {
		list->broken++;
		return 0;
	}
	write_uidl(&entry, uidl);
	return import_list_add(list, &place, entry.name, uidl);
}

/*
 * Read the version from the first line: "/VERSION NEXT UIDVALIDITY".  No file
 * name has a '/', so a file without it is one of version 0.
 */
static int read_version(struct import_list *list, struct text *text,
	uint64_t *version)
{
	struct text_line line;
	const char *at;

	*version = 0;
	if (text->count == 0 || text->octets[0] != '/')
		return 0;
	(void)text_next(text, &line);	/* it has an octet at least */
	at = line.octets + 1;
	*version = NEWEST_VERSION;
	if (!line.is_whole || !text_number(&at, UINT64_MAX, version) ||
			(*at != ' ' && *at != '\0'))
		list->broken++;
	errno = EPROTONOSUPPORT;
	return *version >= 1 && *version <= NEWEST_VERSION ? 0 : -1;
}

int import_courier(struct import_list *list, struct text *text)
{
	struct text_line line;
	uint64_t version;

	if (read_version(list, text, &version) < 0)
		return -1;
	while (text_next(text, &line))
		if (take_line(list, &line, version) < 0)
			return -1;
	return 0;
}
