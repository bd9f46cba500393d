/*
 * tabbed.c - a line of fields with tabs between them, as Dovecot writes them
 *
 * Owns: the escapes.  Runs in: a keeper.  Distrusts: lines, and what is put
 * into one.
 */
#include "config.h"

#include "tabbed.h"

#include <string.h>

#define ESCAPE '\001'

static const struct escape {
	char letter, octet;
} escapes[] = {
	{ '1', ESCAPE }, { 't', '\t' }, { 'n', '\n' }, { 'r', '\r' },
	{ '0', '\0' },
};

#define ESCAPE_COUNT (sizeof(escapes) / sizeof(escapes[0]))

/* What 'letter' stands for behind the escape: itself, if nothing else. */
static char octet_of(char letter)
{
	for (size_t i = 0; i < ESCAPE_COUNT; i++)
		if (escapes[i].letter == letter)
			return escapes[i].octet;
	return letter;
}

/* Returns false if what comes out is no string. */
static bool unescape(char *field)
{
	char *to = field;

	for (const char *from = field; *from != '\0'; from++, to++) {
		*to = *from;
		if (*from != ESCAPE)
			continue;
		*to = octet_of(*++from);
		if (*to == '\0')
			return false;
	}
	*to = '\0';
	return true;
}

bool tabbed_split(char *line, struct tabbed *tabbed)
{
	char *rest = line;

	tabbed->count = 0;
	while (rest != NULL) {
		char *field = strsep(&rest, "\t");

		if (tabbed->count == TABBED_MOST_FIELDS || !unescape(field))
			return false;
		tabbed->fields[tabbed->count++] = field;
	}
	return true;
}

const char *tabbed_find(const struct tabbed *tabbed, size_t first,
	const char *name)
{
	size_t count = strlen(name);

	for (size_t i = first; i < tabbed->count; i++) {
		const char *field = tabbed->fields[i];

		if (strncmp(field, name, count) != 0)
			continue;
		if (field[count] == '=')
			return field + count + 1;
		if (field[count] == '\0')
			return field + count;
	}
	return NULL;
}

void tabbed_begin(struct tabbed_line *line, char *octets, size_t room)
{
	*line = (struct tabbed_line){ .octets = octets, .room = room };
	*octets = '\0';
}

static void add_octet(struct tabbed_line *line, char octet)
{
	if (line->used + 1 >= line->room) {
		line->is_full = true;
		return;
	}
	line->octets[line->used++] = octet;
	line->octets[line->used] = '\0';
}

void tabbed_add(struct tabbed_line *line, const char *text)
{
	for (; *text != '\0'; text++)
		add_octet(line, *text);
}

static void add_escaped(struct tabbed_line *line, char octet)
{
	for (size_t i = 0; i < ESCAPE_COUNT; i++) {
		if (escapes[i].octet == octet) {
			add_octet(line, ESCAPE);
			add_octet(line, escapes[i].letter);
			return;
		}
	}
	add_octet(line, octet);
}

void tabbed_add_escaped(struct tabbed_line *line, const char *text)
{
	for (; *text != '\0'; text++)
		add_escaped(line, *text);
}
