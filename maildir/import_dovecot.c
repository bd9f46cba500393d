/*
 * import_dovecot.c - read a dovecot-uidlist, version 1 or 3
 *
 * Pure.  Runs in: the keeper, as the mail user.
 * Distrusts: the text.
 */
#include "config.h"

#include "maildir/import_dovecot.h"

#include <errno.h>
#include <string.h>

/* The largest uid that a message can have. */
#define MOST_UID (UINT32_MAX - 1)

/* One file, and what its lines are read by. */
struct uidlist {
	struct import_list *list;
	const char *format;
	import_md5 *md5;
	uint64_t version;
	uint32_t uidvalidity;	/* 0: not known */
	uint64_t last_uid;
};

/* One line. */
struct entry {
	uint64_t uid;
	uint64_t order;		/* of POP3; UINT64_MAX: none */
	const char *uidl;	/* "": the base name; NULL: by the format */
	const char *guid;	/* NULL: the base name */
	char *name;
};

static uint32_t read_validity(const char *at)
{
	uint64_t value;

	return text_number(&at, UINT32_MAX, &value) &&
		(*at == ' ' || *at == '\0') ? (uint32_t)value : 0;
}

/* "1 UIDVALIDITY NEXT-UID", or "3" and keys in any order. */
static int read_header(struct uidlist *uidlist, const struct text_line *line)
{
	const char *at = line->octets;

	uidlist->version = 3;
	if (!line->is_whole || !text_number(&at, UINT64_MAX,
			&uidlist->version) || (*at != ' ' && *at != '\0')) {
		uidlist->list->broken++;
		return 0;
	}
	if (uidlist->version == 1 && *at == ' ')
		uidlist->uidvalidity = read_validity(at + 1);
	if (uidlist->version == 1)
		return 0;
	for (; uidlist->version == 3 && at != NULL; at = strchr(at, ' '))
		if (*at == ' ' && *++at == 'V')
			uidlist->uidvalidity = read_validity(at + 1);
	errno = EPROTONOSUPPORT;
	return uidlist->version == 3 ? 0 : -1;
}

/* Read "KVALUE KVALUE :NAME", of which the keys may be missing. */
static bool read_keys(char *at, struct entry *entry)
{
	while (*at >= 'A' && *at <= 'Z') {
		const char *value = at + 1, *end;
		uint64_t order;
		char key = *at;

		at = strchr(at, ' ');
		if (at == NULL)
			return false;
		*at++ = '\0';
		end = value;
		if (key == 'P')
			entry->uidl = value;
		else if (key == 'G' && *value != '\0')
			entry->guid = value;
		else if (key == 'O' && text_number(&end, UINT32_MAX, &order) &&
				*end == '\0')
			entry->order = order;
	}
	entry->name = at + 1;
	return *at == ':';
}

static bool read_line(const struct uidlist *uidlist,
	const struct text_line *line, struct entry *entry)
{
	const char *at = line->octets;
	char *rest;

	*entry = (struct entry){ .order = UINT64_MAX };
	if (!line->is_whole || !text_number(&at, MOST_UID, &entry->uid) ||
			entry->uid <= uidlist->last_uid || *at != ' ')
		return false;
	rest = line->octets + (at + 1 - line->octets);
	if (uidlist->version == 3) {
		if (!read_keys(rest, entry))
			return false;
	} else {
		entry->name = rest;
	}
	/* Old files have the flags, too. */
	entry->name[strcspn(entry->name, ":")] = '\0';
	return true;
}

static int add_formatted(struct uidlist *uidlist, const struct entry *entry,
	const struct import_record *place)
{
	struct uidl_facts facts = {
		.uid = (uint32_t)entry->uid,
		.uidvalidity = uidlist->uidvalidity,
		.filename = entry->name,
		.guid = entry->guid != NULL ? entry->guid : entry->name,
	};
	char uidl[NAME_UIDL_OCTETS + 1];

	if (uidlist->uidvalidity == 0 &&
			uidl_format_has_uidvalidity(uidlist->format)) {
		uidlist->list->unmade++;
		return 0;
	}
	if (uidl_format_write(uidlist->format, &facts, uidlist->md5,
			uidl) < 0) {
		uidlist->list->illegal++;
		return 0;
	}
	return import_list_add(uidlist->list, place, entry->name, uidl);
}

static int add_entry(struct uidlist *uidlist, const struct entry *entry)
{
	struct import_record place = {
		.major = entry->order, .minor = entry->uid,
		.inode = LEDGER_ANY_INODE,
	};

	uidlist->last_uid = entry->uid;
	if (entry->uidl == NULL)
		return add_formatted(uidlist, entry, &place);
	return import_list_add(uidlist->list, &place, entry->name,
		*entry->uidl != '\0' ? entry->uidl : entry->name);
}

int import_dovecot(struct import_list *list, struct text *text,
	const char *format, import_md5 *md5)
{
	struct uidlist uidlist = {
		.list = list, .format = format, .md5 = md5,
	};
	struct text_line line;
	struct entry entry;

	if (!text_next(text, &line))
		return 0;
	if (read_header(&uidlist, &line) < 0)
		return -1;
	while (text_next(text, &line)) {
		if (!read_line(&uidlist, &line, &entry)) {
			list->broken++;
			continue;
		}
		if (add_entry(&uidlist, &entry) < 0)
			return -1;
	}
	return 0;
}
