/*
 * file.h - the file of one message of a scan
 *
 * For the files of scan.h only.
 */
#ifndef POSTERN_MAILDIR_FILE_H
#define POSTERN_MAILDIR_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "maildir/scan.h"

/* The name of the file, as it was last seen. */
const char *file_name(const struct scan *scan,
	const struct scan_message *message);

/* fstatat(2) and openat(2) for reading, by that name; no link is followed. */
int file_stat(const struct scan *scan, const struct scan_message *message,
	struct stat *status);
int file_open(const struct scan *scan, const struct scan_message *message);

/* Whether 'status' is of the file that was scanned: inode, size and kind. */
bool file_is_same(const struct scan_message *message,
	const struct stat *status);

/* Let 'message' have the size, inode and time of 'status'. */
void file_take_facts(struct scan_message *message, const struct stat *status);

#endif
