/*
 * uidl_format.h - Dovecot's pop3_uidl_format: make a unique-id as it did
 *
 * Known are the forms of Dovecot 2.3, such as %08Xu%08Xv, and those of 2.4,
 * such as %{uid|hex(8)}%{uidvalidity|hex(8)}.
 */
#ifndef POSTERN_MAILDIR_UIDL_FORMAT_H
#define POSTERN_MAILDIR_UIDL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maildir/name.h"

/* The MD5 of 'count' octets.  This library links no cryptographic one. */
typedef void import_md5(const void *octets, size_t count, uint8_t digest[16]);

/* What that Dovecot knew of a message. */
struct uidl_facts {
	uint32_t uid, uidvalidity;
	const char *filename;	/* the base name: up to ':' */
	const char *guid;
};

/*
 * Check a format.  Returns NULL if it is good, else what is wrong with it: a
 * text that fits behind the format and a blank, such as "holds %q, which ...".
 */
const char *uidl_format_check(const char *format);

/* Whether a good format names the uidvalidity. */
bool uidl_format_has_uidvalidity(const char *format);

/*
 * Write the unique-id that a good format makes of 'facts', and a final NUL.
 * Returns 0, or -1 with errno EINVAL if that is no legal unique-id.
 */
int uidl_format_write(const char *format, const struct uidl_facts *facts,
	import_md5 *md5, char uidl[NAME_UIDL_OCTETS + 1]);

/* Write 16 octets as 32 hex digits in lower case and a final NUL. */
void uidl_format_hex(const uint8_t digest[16], char hex[33]);

#endif
