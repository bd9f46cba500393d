/*
 * whole.h - read and write all of it, or fail
 */
#ifndef POSTERN_MAILDIR_WHOLE_H
#define POSTERN_MAILDIR_WHOLE_H

#include <stddef.h>
#include <stdint.h>

/* Write all of 'count' octets to 'fd'.  Returns 0, or -1 with errno. */
int whole_write(int fd, const void *octets, size_t count);

/*
 * Read all of the 'count' octets of 'fd' that begin at 'at', without moving its
 * offset.  Returns 0, or -1 with errno: EBADMSG if the file ends before.
 */
int whole_read(int fd, void *octets, size_t count, uint64_t at);

#endif
