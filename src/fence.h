/*
 * fence.h - which files a process may reach from now on
 */
#ifndef POSTERN_FENCE_H
#define POSTERN_FENCE_H

/* The first version that can let a message be renamed from new/ to cur/. */
#define FENCE_REFER_VERSION 2

/* The version of this kernel's Landlock; 0: it has none, or may not use it. */
int fence_version(void);

/*
 * From now on reach nothing but what is below the directory 'directory_fd', and
 * the file 'file_fd', for reading and writing; -1 stands for none.  What is
 * open stays open.  No TCP connection can be made, and no process outside be
 * signalled or reached by an abstract name, as far as 'version' knows how.
 *
 * The process must have given up gaining privileges (no_new_privs).  Holds for
 * all threads to come, and can't be undone.  Returns 0, or -1 with errno.
 */
int fence_enter(int version, int directory_fd, int file_fd);

#endif
