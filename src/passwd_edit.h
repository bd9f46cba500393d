/*
 * passwd_edit.h - a passwd-file, locked, read, and replaced as a whole
 */
#ifndef POSTERN_PASSWD_EDIT_H
#define POSTERN_PASSWD_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct passwd_edit {
	int directory_fd, lock_fd;
	const char *name;	/* in the directory */
	bool is_there;
	struct stat status;	/* if it is there */
	char *octets;		/* "" if it is not */
	size_t count;
};

/*
 * Lock 'path' against all others who change it so, by a file 'path'.lock, which
 * stays; wait for them if need be; and read it.  It may be missing, its
 * directory may not.
 *
 * path: must outlive 'edit'.  A link of any kind is refused: its other name
 * would keep the old text.
 * Returns NULL, or what is wrong, valid until the next call.  In both cases
 * passwd_edit_end() follows.
 */
const char *passwd_edit_begin(struct passwd_edit *edit, const char *path);

/*
 * Put 'count' octets in its place, with the owner and the permissions of
 * before, or for root only.  Whoever reads it, and a machine that fails, has
 * the old file or the new one.  Returns as above.
 */
const char *passwd_edit_replace(struct passwd_edit *edit, const char *octets,
	size_t count);

/* Wipe what was read and release the lock. */
void passwd_edit_end(struct passwd_edit *edit);

#endif
