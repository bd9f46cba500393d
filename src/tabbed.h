/*
 * tabbed.h - a line of fields with tabs between them, as Dovecot writes them
 *
 * A field holds any octet but NUL: \001 and a letter stand for a tab, a line
 * end and \001 itself.
 */
#ifndef POSTERN_TABBED_H
#define POSTERN_TABBED_H

#include <stdbool.h>
#include <stddef.h>

#define TABBED_MOST_FIELDS 128

struct tabbed {
	char *fields[TABBED_MOST_FIELDS];	/* with their true octets */
	size_t count;
};

/*
 * Take 'line', which has no line end, apart; it is changed, and 'tabbed' leads
 * into it.  Returns false if it has more than TABBED_MOST_FIELDS fields, or a
 * field would hold a NUL or ends within an escape.
 */
bool tabbed_split(char *line, struct tabbed *tabbed);

/*
 * Find the field "name" or "name=value" from field 'first' on.  Returns the
 * value, which is "" for the first form, or NULL if there is none.
 */
const char *tabbed_find(const struct tabbed *tabbed, size_t first,
	const char *name);

/* A line that is being made. */
struct tabbed_line {
	char *octets;		/* NUL-terminated */
	size_t room, used;
	bool is_full;		/* something did not fit */
};

/* Begin a line in the memory 'octets' of 'room' bytes, of which 1 is used. */
void tabbed_begin(struct tabbed_line *line, char *octets, size_t room);

/* Add text as it stands, or with what has a meaning in a field escaped. */
void tabbed_add(struct tabbed_line *line, const char *text);
void tabbed_add_escaped(struct tabbed_line *line, const char *text);

#endif
