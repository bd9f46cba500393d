/*
 * move.h - give a file another name, never in place of another file
 */
#ifndef POSTERN_MAILDIR_MOVE_H
#define POSTERN_MAILDIR_MOVE_H

/*
 * Rename the file 'from' of directory 'from_fd' to 'to' in directory 'to_fd',
 * unless there is anything of that name.  A link to the same file, which a
 * killed predecessor may have left there, is what we want, and no hindrance.
 * A file is never without a name, and one that is called 'to' already stays.
 *
 * Where the system can't do that in one step, the file has both names for a
 * moment; whoever dies then leaves it with both.
 * Returns 0, or -1 with errno: EEXIST if another file has that name, ENOENT if
 * 'from' is not there any more, or what the system said.
 */
int move_file(int from_fd, const char *from, int to_fd, const char *to);

/*
 * Make changes of a directory last: fsync(2), which some file systems can't do
 * with a directory; that is no error.  Returns 0, or -1 with errno.
 */
int move_settle(int directory_fd);

#endif
