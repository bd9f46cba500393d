/*
 * settings_options.h - the table of all settings, as libconfuse wants it
 *
 * Only settings_file.c and those that take values from its tree include this.
 */
#ifndef POSTERN_SETTINGS_OPTIONS_H
#define POSTERN_SETTINGS_OPTIONS_H

#include <confuse.h>
#include <stdbool.h>

/*
 * A function that only the top level knows, called behind the last line: where
 * a '}' or a value is missing, libconfuse meets this word instead.
 */
#define OPTIONS_END_WORD "end-of-file"

struct options_hooks {
	cfg_validate_callback_t end_section;	/* at the '}' of any section */
	cfg_func_t include, end_file;
};

/* Return the table for cfg_init(), with the hooks in place. */
cfg_opt_t *options_table(const struct options_hooks *hooks);

/* Return true if the file gives the setting 'name' in 'section'. */
bool options_gives(cfg_t *section, const char *name);

/* Check the title of 'section', if it has one: 0, or -1 after cfg_error(). */
int options_check_title(cfg_t *section);

#endif
