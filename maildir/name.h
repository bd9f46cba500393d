/*
 * name.h - a Maildir file name: unique part, time, sizes, unique-id
 */
#ifndef POSTERN_MAILDIR_NAME_H
#define POSTERN_MAILDIR_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A unique-id has 1 to 70 octets of 0x21 to 0x7E.  RFC 1939 section 7. */
#define NAME_UIDL_OCTETS 70

/*
 * The first 16 octets of a SHA-256 over 'octets'.  The storage library links
 * no cryptographic library, so whoever scans a Maildir brings this.
 */
typedef void name_digest(const void *octets, size_t count, uint8_t digest[16]);

/* Whether the 'octets' octets at 'text' are a legal unique-id. */
bool name_is_uidl(const char *text, size_t octets);

/*
 * Count the octets of the unique part of 'name': all before the first ',' or
 * ':'.  It stays the same when another program sets flags or appends sizes.
 */
size_t name_unique(const char *name);

/*
 * Return the delivery time that 'name' begins with, in seconds since the
 * epoch; 0 if it begins with no digit, UINT64_MAX if the number is larger.
 */
uint64_t name_time(const char *name);

/*
 * Find the number after the last ',', 'key' and '=' before the first ':' of
 * 'name', as "123,S=17:2,S" says with 'S' that the file has 17 bytes, and with
 * 'W' how many octets RETR would send.  Nobody has to be telling the truth.
 *
 * Returns false, and leaves '*value' alone, if there is none, or if it is not
 * one to many decimal digits that end at ',', ':' or the end of the name, or
 * exceeds UINT64_MAX.
 */
bool name_size(const char *name, char key, uint64_t *value);

/*
 * Order two names by time, then by unique part as octets.  Returns <0, 0 or >0
 * as strcmp does; 0 means that both have the same unique part.
 */
int name_compare_unique(const char *a, const char *b);

/*
 * Order two names as messages are numbered: as name_compare_unique() does, then
 * by the whole name.  Returns <0, 0 or >0 as strcmp does.
 */
int name_compare(const char *a, const char *b);

/* Whether the unique part of 'name' is a legal unique-id as it stands. */
bool name_has_uidl(const char *name);

/*
 * Write the default unique-id of 'name' and a final NUL to 'uidl': the unique
 * part if that is a legal unique-id, else "h" and 32 hex digits of its digest.
 */
void name_uidl(const char *name, name_digest *digest,
	char uidl[NAME_UIDL_OCTETS + 1]);

/*
 * Write a unique-id for one of several files that share a unique part: "h" and
 * 32 hex digits of the digest over two things: the digest of the unique part,
 * then the inode number as 8 octets, the most significant first.
 */
void name_uidl_of_twin(const char *name, uint64_t inode, name_digest *digest,
	char uidl[NAME_UIDL_OCTETS + 1]);

#endif
