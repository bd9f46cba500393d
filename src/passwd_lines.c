/*
 * passwd_lines.c - the text of a passwd-file with one user changed; pure
 *
 * Owns: that every octet of everybody else stays.  Runs in: posternctl.
 * Distrusts: the lines, which may be broken.
 */
#include "config.h"

#include "passwd_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "auth.h"
#include "auth_normal.h"
#include "auth_scheme.h"
#include "passwd_file.h"

static bool is_of(const char *line, size_t count, const char *user)
{
	char name[AUTH_NAME_OCTETS + 1], normal[AUTH_NAME_OCTETS + 1];
	const char *colon = memchr(line, ':', count);

	if (colon == NULL || (size_t)(colon - line) >= sizeof(name) ||
			!auth_normal_write(user, normal, sizeof(normal)))
		return false;
	memcpy(name, line, (size_t)(colon - line));
	name[colon - line] = '\0';
	return auth_normal_is_of(name, normal);
}

static bool is_dropped(const char *field, const struct passwd_change *change)
{
	for (size_t i = 0; i < 2; i++)
		if (change->drops[i] != NULL && passwd_extra_value(field,
				change->drops[i]) != NULL)
			return true;
	return false;
}

static void write_extra(const char *extra, const struct passwd_change *change,
	FILE *out)
{
	bool has_any = false;

	for (; *extra != '\0'; extra = passwd_extra_next(extra)) {
		size_t count = strcspn(extra, " ");

		if (count == 0 || is_dropped(extra, change))
			continue;
		fprintf(out, "%s%.*s", has_any ? " " : "", (int)count, extra);
		has_any = true;
	}
	if (*change->adds != '\0')
		fprintf(out, "%s%s", has_any ? " " : "", change->adds);
}

static void write_entry(const struct passwd_entry *entry,
	const struct passwd_change *change, FILE *out)
{
	fputs(entry->fields[PASSWD_USER], out);
	for (size_t i = PASSWD_HASH; i < PASSWD_EXTRA; i++) {
		fputc(':', out);
		fputs(i == PASSWD_HASH && change->hash != NULL ?
			change->hash : entry->fields[i], out);
	}
	fputc(':', out);
	write_extra(entry->fields[PASSWD_EXTRA], change, out);
}

static void add_entry(const char *user, const struct passwd_change *change,
	FILE *out)
{
	struct passwd_entry entry;

	for (size_t i = 0; i < PASSWD_FIELD_COUNT; i++)
		entry.fields[i] = "";
	entry.fields[PASSWD_USER] = user;
	write_entry(&entry, change, out);
	fputc('\n', out);
}

/* Change one line of the user, without its end. */
static const char *change_line(const char *line, size_t count,
	const struct passwd_change *change, FILE *out,
	struct passwd_found *found)
{
	char *copy = malloc(count + 1);
	struct passwd_entry entry;
	const char *wrong;

	if (copy == NULL)
		return strerror(errno);
	memcpy(copy, line, count);
	copy[count] = '\0';
	wrong = passwd_line_parse(copy, count, &entry);
	if (wrong == NULL) {
		found->has_password = change->hash != NULL || scheme_kind(
			entry.fields[PASSWD_HASH]) != SCHEME_LOCKED;
		write_entry(&entry, change, out);
	}
	explicit_bzero(copy, count);
	free(copy);
	return wrong;
}

const char *passwd_lines_change(const char *octets, size_t count,
	const char *user, const struct passwd_change *change, FILE *out,
	struct passwd_found *found)
{
	const char *next = octets, *end = octets + count, *wrong = NULL;
	unsigned line = 0;

	*found = (struct passwd_found){ .lines = 0 };
	while (next < end && wrong == NULL) {
		const char *newline = memchr(next, '\n', (size_t)(end - next));
		const char *stop = newline == NULL ? end : newline;
		size_t bytes = (size_t)(stop - next);
		bool is_users = is_of(next, bytes, user);

		line++;
		found->lines += is_users;
		if (is_users && found->lines == 1)
			found->line = line;
		if (is_users && found->lines == 1 && !change->is_removal)
			wrong = change_line(next, bytes, change, out, found);
		else if (!is_users || !change->is_removal)
			fwrite(next, 1, bytes, out);
		if (!is_users || !change->is_removal)
			fputc('\n', out);
		next = stop + 1;
	}
	if (wrong == NULL && found->lines == 0 && change->may_add)
		add_entry(user, change, out);
	return wrong;
}
