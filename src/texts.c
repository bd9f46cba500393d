/*
 * texts.c - the languages of our replies; their catalogues
 *
 * Owns: the languages, the same ones in all processes.  Runs in: the master
 * until they are loaded; then in workers, which see no file.
 * Distrusts: the range that a client asks for.
 */
#include "config.h"

#include "texts.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "catalogue.h"
#include "log.h"

#define TEXTS_ENGLISH 1
#define PATH_BYTES 4096
#define TAG_OCTETS 63
#define SUBTAG_OCTETS 8		/* RFC 4647 section 2.1 */

struct language {
	struct texts_language facts;
	struct catalogue catalogue;
};

static struct language languages[] = {
	[TEXTS_DEFAULT] = { .facts = { "i-default", "English" } },
	[TEXTS_ENGLISH] = { .facts = { "en", "English" } },
	{ .facts = { "de", "Deutsch" } },
	{ .facts = { "es", "Español" } },
	{ .facts = { "fr", "Français" } },
	{ .facts = { "ru", "Русский" } },
	{ .facts = { "zh", "简体中文" } },
};

#define ALL (sizeof(languages) / sizeof(languages[0]))

/* The first ones are offered; they need no catalogue. */
static unsigned int count = TEXTS_ENGLISH + 1;

#ifdef ENABLE_NLS

/* Write the directory of the running program; "" if that is not known. */
static void find_own_directory(char path[PATH_BYTES])
{
	ssize_t octets = readlink("/proc/self/exe", path, PATH_BYTES - 1);

	path[octets < 0 ? 0 : octets] = '\0';
	char *slash = strrchr(path, '/');
	path[slash == NULL ? 0 : slash - path] = '\0';
}

/* Run uninstalled, the catalogues lie beside us; installed, they do not. */
static int read_catalogue(struct catalogue *catalogue, const char *tag,
	char path[PATH_BYTES])
{
	char directory[PATH_BYTES];

	find_own_directory(directory);
	if (snprintf(path, PATH_BYTES, "%s/po/%s.mo", directory, tag) <
			PATH_BYTES && access(path, F_OK) == 0)
		return catalogue_read(catalogue, path);
	snprintf(path, PATH_BYTES, "%s/%s/LC_MESSAGES/%s.mo", LOCALEDIR, tag,
		PACKAGE_TARNAME);
	return catalogue_read(catalogue, path);
}

static bool load(struct language *language)
{
	char path[PATH_BYTES];

	if (read_catalogue(&language->catalogue, language->facts.tag,
			path) == 0)
		return true;
	/* A packager may leave languages out. */
	if (errno == ENOENT)
		log_debug("no replies in %s: there is no %s",
			language->facts.tag, path);
	else
		log_warning("no replies in %s: %s: %s", language->facts.tag,
			path, errno == EBADMSG ? "not a catalogue of this "
			"version" : strerror(errno));
	catalogue_free(&language->catalogue);
	return false;
}

void texts_load(void)
{
	for (unsigned int i = count; i < ALL; i++)
		if (load(&languages[i]))
			languages[count++] = languages[i];
}

#else

void texts_load(void)
{
}

#endif

const struct texts_language *texts_language(unsigned int idx)
{
	return idx < count ? &languages[idx].facts : NULL;
}

static int find_tag(const char *tag)
{
	for (unsigned int i = 0; i < count; i++)
		if (strcasecmp(languages[i].facts.tag, tag) == 0)
			return (int)i;
	return -1;
}

/* Subtags of letters and digits, with a "-" between any two. */
static bool is_range(const char *range)
{
	for (;;) {
		size_t octets = strcspn(range, "-");

		if (octets < 1 || octets > SUBTAG_OCTETS)
			return false;
		for (; octets > 0; octets--, range++)
			if (!isalnum((unsigned char)*range))
				return false;
		if (*range++ == '\0')
			return true;
	}
}

int texts_choose(const char *range)
{
	char tag[TAG_OCTETS + 1];
	int found = -1;

	if (strcmp(range, "*") == 0)
		return TEXTS_ENGLISH;
	if (strlen(range) > TAG_OCTETS || !is_range(range))
		return -1;
	memcpy(tag, range, strlen(range) + 1);
	for (char *end = tag + strlen(tag); end != NULL && found < 0;
			end = strrchr(tag, '-')) {
		*end = '\0';
		found = find_tag(tag);
	}
	return found;
}

const char *texts_find(unsigned int language, const char *english)
{
	const char *found = catalogue_find(&languages[language].catalogue,
		english);

	return found != NULL ? found : english;
}
