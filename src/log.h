/*
 * log.h - messages for the administrator: syslog, standard error, the journal
 */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };

/*
 * LOG_TARGET_AUTO chooses: the journal where standard error leads there,
 * standard error where that is a terminal or there is no syslog, else syslog.
 */
enum log_target { LOG_TARGET_AUTO, LOG_TARGET_SYSLOG, LOG_TARGET_STDERR,
	LOG_TARGET_JOURNAL };

/*
 * Choose where messages go and which are left out.  May be called again.
 * Before the first call they go to standard error.
 */
void log_open(enum log_target target, enum log_level level);

/*
 * Forget the connection to syslog and log_keep(), in a child that is about to
 * close its descriptors.  The next message connects again.
 */
void log_forked(void);

/*
 * Connect to syslog, if messages go there, in a process that is about to give
 * up the right to do so later.
 */
void log_connect(void);

/*
 * Write one message.  Octets outside printable ASCII are written as \xNN, so a
 * name from the network can neither forge a line nor steer a terminal.
 */
void log_error(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * From now on add warnings and errors to the 'bytes' bytes at 'text', too, as
 * lines, as far as they fit.  NULL: no more.
 */
void log_keep(char *text, size_t bytes);

/* Write each line of 'text', which is changed, as a message of its own. */
void log_error_lines(char *text);

/* A name in a message, with its NUL. */
#define LOG_NAME_BYTES 256
/* A message that long is not cut. */
#define LOG_TEXT_BYTES 900

/*
 * Copy a name that a client chose, so that it can stand in a message as one
 * field: what is neither letter, digit nor one of @._+- becomes '?'.  Else it
 * could forge fields that a log reader (fail2ban) acts on.
 */
void log_name(const char *name, char safe[LOG_NAME_BYTES]);

/*
 * We are wrong: say where, and abort().
 */
_Noreturn void log_bug(const char *file, int line, const char *what);
#define bug(what) log_bug(__FILE__, __LINE__, what)

#endif
