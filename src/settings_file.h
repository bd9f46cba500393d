/*
 * settings_file.h - the configuration file as libconfuse's tree of sections
 *
 * Only those that make struct settings of it include this.
 */
#ifndef POSTERN_SETTINGS_FILE_H
#define POSTERN_SETTINGS_FILE_H

#include <confuse.h>
#include <stdio.h>

/*
 * Read the file 'path', or no file if 'path' is NULL, into a tree in which
 * every value by itself is right.  Mistakes are written on 'errors', which must
 * live as long as the tree.  Returns a tree that settings_file_close() frees,
 * or NULL.  One tree at a time.
 */
cfg_t *settings_file_read(const char *path, FILE *errors);

/* Write one mistake as "file:line: ..." with the place where 'section' ends. */
void settings_file_mistake(const cfg_t *section, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* How many mistakes were written since settings_file_read(). */
unsigned settings_file_mistakes(void);

/* Free the tree. */
void settings_file_close(cfg_t *tree);

#endif
