/*
 * log.c - messages for the administrator: syslog, standard error, the journal
 *
 * Owns: the connection to syslog.  Runs in: every process.
 * Distrusts: every octet of a message; names in it may come from the network.
 */
#include "config.h"

#include "log.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

/* A message after escaping, with its NUL; what is longer ends in "...". */
#define TEXT_BYTES 1024
/* "postern: warning: " or "<4>", and the line feed. */
#define AROUND_BYTES 32

static const char ident[] = "postern";
static const char cut_mark[] = "...";

static const struct level {
	int priority;		/* syslog's number, for the journal also */
	const char *word;
} levels[] = {
	[LOG_LEVEL_ERROR] = { LOG_ERR, "error: " },
	[LOG_LEVEL_WARNING] = { LOG_WARNING, "warning: " },
	[LOG_LEVEL_INFO] = { LOG_INFO, "" },
	[LOG_LEVEL_DEBUG] = { LOG_DEBUG, "debug: " },
};

static enum log_target current_target = LOG_TARGET_STDERR;
static enum log_level current_level = LOG_LEVEL_INFO;

/* Where lines are kept, too. */
static struct {
	char *text;		/* NULL: nowhere */
	size_t bytes, used;
} kept;

/* Write 'octet' as it may stand in a line; return how many octets that is. */
static size_t escape_octet(unsigned char octet, char out[5])
{
	if (octet >= 0x20 && octet < 0x7f && octet != '\\') {
		out[0] = (char)octet;
		return 1;
	}
	snprintf(out, 5, "\\x%02x", octet);
	return 4;
}

/* Escape 'raw' into 'text'; cut it, between octets, where it is too long. */
static void escape(const char *raw, char text[TEXT_BYTES])
{
	const size_t room = TEXT_BYTES - sizeof(cut_mark);
	size_t used = 0, fits = 0;
	char one[5];

	for (; *raw != '\0'; raw++) {
		size_t count = escape_octet((unsigned char)*raw, one);

		if (used + count >= TEXT_BYTES) {
			memcpy(text + fits, cut_mark, sizeof(cut_mark));
			return;
		}
		memcpy(text + used, one, count);
		used += count;
		if (used <= room)
			fits = used;
	}
	text[used] = '\0';
}

/* systemd sets JOURNAL_STREAM to "device:inode" of the stream it gave us. */
static int leads_to_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uintmax_t device, inode;
	struct stat status;

	if (stream == NULL || fstat(fd, &status) != 0)
		return 0;
	if (sscanf(stream, "%" SCNuMAX ":%" SCNuMAX, &device, &inode) != 2)
		return 0;
	return device == (uintmax_t)status.st_dev &&
		inode == (uintmax_t)status.st_ino;
}

static enum log_target choose_target(enum log_target target)
{
	if (target != LOG_TARGET_AUTO)
		return target;
	if (leads_to_journal(STDERR_FILENO))
		return LOG_TARGET_JOURNAL;
	/* Without a syslog, as in a container, nobody would hear anything. */
	if (isatty(STDERR_FILENO) || access(_PATH_LOG, W_OK) != 0)
		return LOG_TARGET_STDERR;
	return LOG_TARGET_SYSLOG;
}

/* One write for one line, so that lines of several processes do not mix. */
static void write_line(enum log_level level, const char *text)
{
	char line[TEXT_BYTES + AROUND_BYTES];
	int count;

	if (current_target == LOG_TARGET_JOURNAL)
		count = snprintf(line, sizeof(line), "<%d>%s\n",
			levels[level].priority, text);
	else
		count = snprintf(line, sizeof(line), "%s: %s%s\n", ident,
			levels[level].word, text);
	/* Where a message about a failed message could go, nobody knows. */
	if (write(STDERR_FILENO, line, (size_t)count) < 0)
		return;
}

static void keep_line(enum log_level level, const char *text)
{
	if (kept.text == NULL || level > LOG_LEVEL_WARNING)
		return;

	int count = snprintf(kept.text + kept.used, kept.bytes - kept.used,
		"%s%s\n", levels[level].word, text);
	/* Half a line is none. */
	if (count < 0 || (size_t)count >= kept.bytes - kept.used)
		kept.text[kept.used] = '\0';
	else
		kept.used += (size_t)count;
}

/* Format, escape and send one message; errno stays what it was. */
static void __attribute__((format(printf, 2, 0)))
put(enum log_level level, const char *format, va_list arguments)
{
	int saved_errno = errno;
	char raw[TEXT_BYTES + 1], text[TEXT_BYTES];

	if (level > current_level && kept.text == NULL)
		return;
	if (vsnprintf(raw, sizeof(raw), format, arguments) < 0)
		snprintf(raw, sizeof(raw), "unprintable message: %s", format);
	escape(raw, text);
	keep_line(level, text);
	if (level > current_level) {
		errno = saved_errno;
		return;
	}
	if (current_target == LOG_TARGET_SYSLOG)
		syslog(levels[level].priority, "%s%s", levels[level].word,
			text);
	else
		write_line(level, text);
	errno = saved_errno;
}

void log_open(enum log_target target, enum log_level level)
{
	if (current_target == LOG_TARGET_SYSLOG)
		closelog();
	current_target = choose_target(target);
	current_level = level;
	if (current_target == LOG_TARGET_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_forked(void)
{
	kept.text = NULL;
	if (current_target != LOG_TARGET_SYSLOG)
		return;
	/* closelog() forgets the name as well, so it is told again. */
	closelog();
	openlog(ident, LOG_PID, LOG_MAIL);
}

void log_keep(char *text, size_t bytes)
{
	kept.text = text;
	kept.bytes = bytes;
	kept.used = 0;
	if (text != NULL)
		*text = '\0';
}

void log_connect(void)
{
	if (current_target == LOG_TARGET_SYSLOG)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put(LOG_LEVEL_ERROR, format, arguments);
	va_end(arguments);
}

void log_warning(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put(LOG_LEVEL_WARNING, format, arguments);
	va_end(arguments);
}

void log_info(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put(LOG_LEVEL_INFO, format, arguments);
	va_end(arguments);
}

void log_debug(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	put(LOG_LEVEL_DEBUG, format, arguments);
	va_end(arguments);
}

void log_error_lines(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL)
		if (*line != '\0')
			log_error("%s", line);
}

void log_name(const char *name, char safe[LOG_NAME_BYTES])
{
	size_t count = 0;

	for (; name[count] != '\0' && count < LOG_NAME_BYTES - 1; count++) {
		unsigned char octet = (unsigned char)name[count];
		bool is_safe = octet < 0x80 && (isalnum(octet) ||
			strchr("@._+-", octet) != NULL);
		safe[count] = is_safe ? (char)octet : '?';
	}
	safe[count] = '\0';
}

void log_bug(const char *file, int line, const char *what)
{
	log_error("bug: %s:%d: %s", file, line, what);
	abort();
}
