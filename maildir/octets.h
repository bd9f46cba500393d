/*
 * octets.h - how many octets a stored message has as POP3 sends it
 */
#ifndef POSTERN_MAILDIR_OCTETS_H
#define POSTERN_MAILDIR_OCTETS_H

#include <stdint.h>

/*
 * Count the octets of the file 'fd' from its first octet on, as RETR sends
 * them: a LF that follows no CR counts as CRLF, a last line without LF gets a
 * CRLF, everything else is sent as it is, dot-stuffing is not counted.
 *
 * size_bytes: how many bytes to read, replaced by how many were there.
 * octets: the result.  Does not move the file offset.
 * Returns 0, or -1 with errno.  RFC 1939 section 11 (message size).
 */
int octets_count(int fd, uint64_t *size_bytes, uint64_t *octets);

#endif
