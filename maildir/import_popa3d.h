/*
 * import_popa3d.h - the unique-id that popa3d makes of a message's header
 */
#ifndef POSTERN_MAILDIR_IMPORT_POPA3D_H
#define POSTERN_MAILDIR_IMPORT_POPA3D_H

#include <stddef.h>

#include "maildir/uidl_format.h"

/* 16 hex digits and a final NUL. */
#define POPA3D_UIDL_BYTES 17

/* A longer header is cut. */
#define POPA3D_HEADER_BYTES ((size_t)1 << 20)

/*
 * Read the header of the message 'fd' and write the unique-id.
 *
 * buffer: POPA3D_HEADER_BYTES bytes, changed.  The message must be as it was in
 * the mbox file, also what the MTA put before it.
 * Returns 0, or -1 with errno as read said.
 */
int import_popa3d(int fd, char *buffer, import_md5 *md5,
	char uidl[POPA3D_UIDL_BYTES]);

/* The same for a message of which the first 'count' octets are in 'buffer'. */
void import_popa3d_header(char *buffer, size_t count, import_md5 *md5,
	char uidl[POPA3D_UIDL_BYTES]);

#endif
