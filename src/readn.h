/*
 * readn.h - read and write as much as there is, not as comes at once
 */
#ifndef POSTERN_READN_H
#define POSTERN_READN_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Read up to 'count' octets of 'fd', fewer only if it ends before.  Returns how
 * many, or -1 with errno.
 */
ssize_t readn(int fd, void *octets, size_t count);

/* Write all of 'count' octets to 'fd'.  Returns 0, or -1 with errno. */
int writen(int fd, const void *octets, size_t count);

#endif
