/*
 * settings_parts.h - from libconfuse's tree to struct settings, part by part
 *
 * Only the settings*.c that make struct settings include this.  Mistakes go to
 * settings_file_mistake(); whoever calls these counts them at the end.
 */
#ifndef POSTERN_SETTINGS_PARTS_H
#define POSTERN_SETTINGS_PARTS_H

#include "settings.h"
#include "settings_file.h"
#include "settings_options.h"

/*
 * Where 'section' is set, as "file:line", or "built-in settings:0"; memory that
 * the caller frees.  For messages about what shows later.
 */
char *settings_place_of(const cfg_t *section);

/* Zeroed memory, a copy of 'text', and the value of 'name'; never NULL. */
void *settings_allocate(size_t count, size_t bytes_each);
char *settings_copy(const char *text);
char *settings_copy_of(cfg_t *section, const char *name);

/* Copy the list 'name' and a NULL at its end. */
char **settings_copy_list(cfg_t *section, const char *name);
void settings_free_list(char **list);

/* Check that 'path', a value of 'name', is absolute or empty. */
void settings_check_absolute(cfg_t *section, const char *name,
	const char *path);

/* Check that each '%' in 'name' is followed by one of 'letters'. */
void settings_check_percents(cfg_t *section, const char *name,
	const char *letters);

/*
 * Copy 'path', a value of 'name', and check that it is absolute or empty.
 * "credential:NAME" is NAME in $CREDENTIALS_DIRECTORY, systemd.exec(5).
 */
char *settings_copy_path(cfg_t *section, const char *name, const char *path);

/* Take the section tls, and what the listeners have of it on their own. */
void settings_take_tls(cfg_t *root, struct settings *settings);

/* Take the sections auth and mailbox. */
void settings_take_auth(cfg_t *section, struct auth_settings *auth);
void settings_take_mailbox(cfg_t *section, struct mailbox_settings *mailbox);

/* Take the list of networks 'name', and free it. */
void settings_take_networks(cfg_t *section, const char *name,
	struct network_list *list);
void settings_free_networks(struct network_list *list);

/* Take the sections policy, once auth and limits are taken, and free them. */
void settings_take_policies(cfg_t *root, struct settings *settings);
void settings_free_policies(struct settings *settings);

/* Free what settings_take_tls(), _auth() and _mailbox() took. */
void settings_free_tls(struct tls_settings *tls);
void settings_free_auth(struct auth_settings *auth);
void settings_free_mailbox(struct mailbox_settings *mailbox);

#endif
