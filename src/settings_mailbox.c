/*
 * settings_mailbox.c - the section mailbox
 *
 * Owns: the checks of its settings.  Runs in: the master, or a child of it that
 * tries a new file.  Distrusts: nobody, but expects every mistake.
 */
#include "config.h"

#include "settings_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void check_path(cfg_t *section, const char *path)
{
	if (*path != '/' && strncmp(path, "%h", 2) != 0 &&
		strcmp(path, "~") != 0 && strncmp(path, "~/", 2) != 0)
		settings_file_mistake(section, "path = \"%s\" must begin with "
			"'/', '~/' or '%%h'", path);
	settings_check_percents(section, "path", "hund%");
}

/*
 * An '@' separates the domain, a '.' the folders of folders; no name holds a
 * '/'.
 */
static void check_separator(cfg_t *section, const char *separator)
{
	if (*separator == '\0')
		return;
	if (separator[1] == '\0' && ispunct((unsigned char)*separator) &&
			strchr("@./%:,\"'", *separator) == NULL)
		return;
	settings_file_mistake(section, "folder-separator = \"%s\" is no "
		"separator (write one sign such as \"+\", or \"\" for no "
		"folders)", separator);
}

/* What is given but would do nothing is meant otherwise. */
static void check_used(cfg_t *section, const char *name, bool is_used,
	const char *user)
{
	if (!is_used && options_gives(section, name))
		settings_file_mistake(section, "%s counts only with %s "
			"(remove it)", name, user);
}

static void check_unused(cfg_t *section, const struct mailbox_settings *mailbox)
{
	check_used(section, "uidl-format", mailbox->import == UIDLS_AUTO ||
		mailbox->import == UIDLS_DOVECOT, "import = auto or dovecot");
	check_used(section, "trash-days", mailbox->delete == DELETE_TRASH,
		"delete = trash");
}

void settings_take_mailbox(cfg_t *section, struct mailbox_settings *mailbox)
{
	mailbox->path = settings_copy_of(section, "path");
	check_path(section, mailbox->path);
	mailbox->folder_separator =
		settings_copy_of(section, "folder-separator");
	check_separator(section, mailbox->folder_separator);
	mailbox->import = (enum uidl_import)cfg_getint(section, "import");
	mailbox->uidl_format = settings_copy_of(section, "uidl-format");
	mailbox->mark_seen = cfg_getint(section, "mark-seen") != 0;
	mailbox->delete = (enum delete_how)cfg_getint(section, "delete");
	mailbox->trash_days = (uint32_t)cfg_getint(section, "trash-days");
	mailbox->expire_days = (uint32_t)cfg_getint(section, "expire");
	mailbox->expire_retrieved_days =
		(uint32_t)cfg_getint(section, "expire-retrieved");
	mailbox->quota = (enum quota_rule)cfg_getint(section, "quota");
	mailbox->takeover_after_s =
		(uint32_t)cfg_getint(section, "takeover-after");
	mailbox->place = settings_place_of(section);
	check_unused(section, mailbox);
}

void settings_free_mailbox(struct mailbox_settings *mailbox)
{
	free(mailbox->path);
	free(mailbox->folder_separator);
	free(mailbox->uidl_format);
	free(mailbox->place);
}
