/*
 * beneath.h - open a directory that can't be outside of another one
 */
#ifndef POSTERN_MAILDIR_BENEATH_H
#define POSTERN_MAILDIR_BENEATH_H

/*
 * Open the directory 'name' in the directory 'root_fd', for reading.
 *
 * name: one component, neither "." nor "..".  A symbolic link is followed if it
 * is relative and never leaves 'root_fd' on its way; where the kernel can't see
 * to that (Linux before 5.6), no link is followed.
 * Returns a descriptor that the caller closes, or -1 with errno: EXDEV for a
 * link that leads out of 'root_fd', ELOOP for one that can't be followed,
 * ENOENT or ENOTDIR where there is no directory, EINVAL for another kind of
 * name, else what open said.
 */
int beneath_open(int root_fd, const char *name);

#endif
