/*
 * settings_parts.c - what all those who make struct settings share
 *
 * Owns: copies and checks of single values.  Runs in: the master, or a child of
 * it that tries a new file.  Distrusts: nobody, but expects every mistake.
 */
#include "config.h"

#include "settings_parts.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"

/* Before the name of a file that systemd hands over. */
#define CREDENTIAL "credential:"

void *settings_allocate(size_t count, size_t bytes_each)
{
	void *memory = calloc(count == 0 ? 1 : count, bytes_each);

	if (memory == NULL)
		bug("no memory for settings");
	return memory;
}

char *settings_copy(const char *text)
{
	char *own = strdup(text);

	if (own == NULL)
		bug("no memory for settings");
	return own;
}

char *settings_copy_of(cfg_t *section, const char *name)
{
	return settings_copy(cfg_getstr(section, name));
}

char *settings_place_of(const cfg_t *section)
{
	const char *file = section->filename;
	char place[4096];

	snprintf(place, sizeof(place), "%s:%d",
		file != NULL ? file : "built-in settings", section->line);
	return settings_copy(place);
}

/* Copy the list 'name' and a NULL at its end. */
char **settings_copy_list(cfg_t *section, const char *name)
{
	unsigned count = cfg_size(section, name);
	char **list = settings_allocate((size_t)count + 1, sizeof(*list));

	for (unsigned i = 0; i < count; i++)
		list[i] = settings_copy(cfg_getnstr(section, name, i));
	return list;
}

void settings_check_absolute(cfg_t *section, const char *name, const char *path)
{
	if (*path != '\0' && *path != '/')
		settings_file_mistake(section, "%s = \"%s\" must begin with "
			"'/'", name, path);
}

/* The file that systemd calls 'name', or NULL after a mistake. */
static char *find_credential(cfg_t *section, const char *name)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[4096];

	if (directory == NULL || *directory != '/')
		settings_file_mistake(section, CREDENTIAL "%s needs "
			"$CREDENTIALS_DIRECTORY (write LoadCredential= in the "
			"unit of systemd)", name);
	else if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL ||
			snprintf(path, sizeof(path), "%s/%s", directory,
				name) >= (int)sizeof(path))
		settings_file_mistake(section, CREDENTIAL "%s is no name of a "
			"credential", name);
	else
		return settings_copy(path);
	return NULL;
}

char *settings_copy_path(cfg_t *section, const char *name, const char *path)
{
	char *found = NULL;

	if (strncmp(path, CREDENTIAL, strlen(CREDENTIAL)) == 0)
		found = find_credential(section, path + strlen(CREDENTIAL));
	else
		settings_check_absolute(section, name, path);
	return found != NULL ? found : settings_copy(path);
}

void settings_check_percents(cfg_t *section, const char *name,
	const char *letters)
{
	const char *percent = cfg_getstr(section, name);

	while ((percent = strchr(percent, '%')) != NULL) {
		if (percent[1] == '\0' || strchr(letters, percent[1]) == NULL) {
			settings_file_mistake(section, "%s has '%.2s' (after "
			    "'%%' write one of: %s)", name, percent, letters);
			return;
		}
		percent += 2;
	}
}

void settings_free_list(char **list)
{
	for (size_t i = 0; list[i] != NULL; i++)
		free(list[i]);
	free(list);
}
