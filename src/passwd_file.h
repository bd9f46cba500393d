/*
 * passwd_file.h - the octets of a passwd-file, and its lines as entries
 */
#ifndef POSTERN_PASSWD_FILE_H
#define POSTERN_PASSWD_FILE_H

#include <stdbool.h>
#include <stddef.h>

enum passwd_field { PASSWD_USER, PASSWD_HASH, PASSWD_UID, PASSWD_GID,
	PASSWD_GECOS, PASSWD_HOME, PASSWD_SHELL, PASSWD_EXTRA,
	PASSWD_FIELD_COUNT };

/* A file that is larger is refused. */
#define PASSWD_FILE_BYTES_MAX (64 * 1024 * 1024)

struct passwd_file {
	const char *path;
	char *octets;		/* the lines; reading cuts them into fields */
	size_t count, next;
	unsigned line;
	unsigned bad_lines;	/* the first of them was logged */
};

struct passwd_entry {
	const char *fields[PASSWD_FIELD_COUNT];	/* "" where there is none */
	unsigned line;
};

/*
 * Read the regular file 'path', which must outlive 'file'.  Returns true, or
 * false after a log line.
 */
bool passwd_file_open(struct passwd_file *file, const char *path);

/*
 * Take apart 'line', a string of 'count' octets that is no comment: 'entry'
 * points into it.  Returns NULL, or what is wrong with it ("has ...").
 */
const char *passwd_line_parse(char *line, size_t count,
	struct passwd_entry *entry);

/* Read the next good line.  Returns false at the end. */
bool passwd_file_next(struct passwd_file *file, struct passwd_entry *entry);

/*
 * What is behind the name of the extra field at 'extra', from its '=' on, up to
 * a blank or the end, if that name is 'word'; else NULL.  '-' and '_' are the
 * same.
 */
const char *passwd_extra_value(const char *extra, const char *word);

/* The extra field behind the one at 'extra', or "" if that was the last. */
const char *passwd_extra_next(const char *extra);

/*
 * Find the first extra field 'word' or 'word=...': what is behind the word, up
 * to a blank or the end; or NULL.
 */
const char *passwd_entry_extra(const struct passwd_entry *entry,
	const char *word);

/* Wipe and free what was read. */
void passwd_file_close(struct passwd_file *file);

#endif
