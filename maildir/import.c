/*
 * import.c - take over unique-ids and order from the server before us
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: the files of that server, which others may have changed.
 */
#include "config.h"

#include "maildir/import.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "maildir/import_courier.h"
#include "maildir/import_dovecot.h"
#include "maildir/import_list.h"
#include "maildir/import_rule.h"
#include "maildir/text.h"

#define DOVECOT_FILE "dovecot-uidlist"
#define COURIER_FILE "courierpop3dsizelist"

#define LINE_BYTES 400

/* One import. */
struct import {
	struct import_list list;
	const struct import_rules *rules;
	struct scan *scan;
	int root_fd;
	const char *source;	/* what the log calls it */
};

static void __attribute__((format(printf, 2, 3)))
tell(const struct import *import, const char *format, ...)
{
	char line[LINE_BYTES];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	import->rules->tell(import->rules->context, line);
}

/* Append "N WHAT" to a line, if N is not 0. */
static void append(char line[LINE_BYTES], uint32_t count, const char *what)
{
	size_t used = strlen(line);

	if (count > 0)
		snprintf(line + used, LINE_BYTES - used, "%s%" PRIu32 " %s",
			used > 0 ? ", " : "", count, what);
}

static void report(const struct import *import, uint32_t added)
{
	const struct import_list *list = &import->list;
	char line[LINE_BYTES] = "";

	if (added > 0)
		tell(import, "imported %" PRIu32 " unique-ids from %s", added,
			import->source);
	append(line, list->broken, "broken lines or names");
	append(line, list->illegal, "unique-ids that POP3 does not permit");
	append(line, list->doubled, "unique-ids that another message has");
	append(line, list->unmade, "unique-ids that need a uidvalidity, which "
		"it does not hold");
	append(line, list->unread, "messages that can't be read");
	if (*line != '\0')
		tell(import, "passed over in %s: %s", import->source, line);
}

/* Say when a file was changed.  Returns false if there is none. */
static bool look(int root_fd, const char *name, struct timespec *mtime)
{
	struct stat status;

	*mtime = (struct timespec){ .tv_sec = 0 };
	if (fstatat(root_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		/* What else is wrong with it, reading it will say. */
		return errno != ENOENT;
	*mtime = status.st_mtim;
	return true;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	if (a->tv_sec != b->tv_sec)
		return a->tv_sec > b->tv_sec;
	return a->tv_nsec > b->tv_nsec;
}

/* Find the server that was here last by the file that it has left. */
static enum import_from choose(const struct import *import)
{
	struct timespec dovecot, courier;
	bool has_dovecot = look(import->root_fd, DOVECOT_FILE, &dovecot);
	bool has_courier = look(import->root_fd, COURIER_FILE, &courier);

	if (has_dovecot && has_courier) {
		bool is_courier = is_later(&courier, &dovecot);

		tell(import, "both %s and %s are here: %s was changed last",
			DOVECOT_FILE, COURIER_FILE,
			is_courier ? COURIER_FILE : DOVECOT_FILE);
		return is_courier ? IMPORT_COURIER : IMPORT_DOVECOT;
	}
	if (has_courier)
		return IMPORT_COURIER;
	if (has_dovecot)
		return IMPORT_DOVECOT;
	/* It may lie elsewhere, and later is too late. */
	if (import->scan->count > 0)
		tell(import, "neither %s nor %s is here: nothing is imported",
			DOVECOT_FILE, COURIER_FILE);
	return IMPORT_NONE;
}

/* Read the file of the source.  Returns 1, 0 if there is none, or -1. */
static int read_source(struct import *import, const char *name,
	struct text *text)
{
	import->source = name;
	if (text_read(text, import->root_fd, name) == 0)
		return 1;
	if (errno != ENOENT)
		return -1;
	if (import->scan->count > 0)
		tell(import, "%s is not here: nothing is imported", name);
	return 0;
}

/* As text_free(), but errno stays. */
static void free_text(struct text *text)
{
	int saved = errno;

	text_free(text);
	errno = saved;
}

static int from_dovecot(struct import *import)
{
	const char *format = import->rules->uidl_format;
	const char *wrong = uidl_format_check(format);
	struct text text;
	int result;

	if (wrong != NULL) {
		import->source = DOVECOT_FILE;
		tell(import, "uidl-format \"%s\" %s", format, wrong);
		errno = EINVAL;
		return -1;
	}
	result = read_source(import, DOVECOT_FILE, &text);
	if (result > 0)
		result = import_dovecot(&import->list, &text, format,
			import->rules->md5);
	free_text(&text);
	return result;
}

static int from_courier(struct import *import)
{
	struct text text;
	int result = read_source(import, COURIER_FILE, &text);

	if (result > 0)
		result = import_courier(&import->list, &text);
	free_text(&text);
	return result;
}

static int fill(struct import *import, enum import_from from)
{
	switch (from) {
	case IMPORT_DOVECOT:
		return from_dovecot(import);
	case IMPORT_COURIER:
		return from_courier(import);
	case IMPORT_QMAIL:
		import->source = "the file names, as qmail-pop3d does";
		return import_qmail(&import->list, import->scan);
	case IMPORT_SOLID:
		import->source = "the file names, as solid-pop3d does";
		return import_solid(&import->list, import->scan,
			import->rules->md5);
	case IMPORT_POPA3D:
		import->source = "the headers, as popa3d does";
		return import_of_popa3d(&import->list, import->scan,
			import->rules->md5);
	default:
		return 0;
	}
}

static int run(struct import *import, struct ledger *ledger)
{
	enum import_from from = import->rules->from;
	uint32_t added;

	if (from == IMPORT_AUTO)
		from = choose(import);
	if (fill(import, from) < 0 || import_list_into(&import->list,
			import->scan, ledger, &added) < 0) {
		int error = errno;

		tell(import, "can't import unique-ids from %s: %s",
			import->source, error == EPROTONOSUPPORT ?
			"its version is not known" : strerror(error));
		errno = error;
		return -1;
	}
	report(import, added);
	return 0;
}

int import_uidls(struct ledger *ledger, int root_fd, struct scan *scan,
	const struct import_rules *rules)
{
	struct import import = {
		.rules = rules, .scan = scan, .root_fd = root_fd,
		.source = "nowhere",
	};
	int result = run(&import, ledger);
	int saved = errno;

	import_list_free(&import.list);
	errno = saved;
	return result;
}
