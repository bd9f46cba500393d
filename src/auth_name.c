/*
 * auth_name.c - which names are safe, their parts, paths made of them; pure
 *
 * Owns: the rules for names.  Runs in: a keeper.
 * Distrusts: names; they come from the network.
 */
#include "config.h"

#include "auth_name.h"

#include <errno.h>
#include <string.h>

#include "auth.h"

/* What one letter behind '%' stands for. */
struct piece {
	const char *octets;
	size_t count;
	bool is_needed;		/* an empty one would change the path's depth */
};

struct expansion {
	const char *name, *home;
	char *path;
	size_t used;
};

static struct piece local_part(const char *name)
{
	const char *at = strrchr(name, '@');

	return (struct piece){ name,
		at == NULL ? strlen(name) : (size_t)(at - name), true };
}

static struct piece domain(const char *name)
{
	const char *at = strrchr(name, '@');

	return at == NULL ? (struct piece){ "", 0, true } :
		(struct piece){ at + 1, strlen(at + 1), true };
}

static struct piece find_piece(const struct expansion *expansion, char letter)
{
	switch (letter) {
	case 'u':
		return (struct piece){ expansion->name,
			strlen(expansion->name), true };
	case 'n':
		return local_part(expansion->name);
	case 'd':
		return domain(expansion->name);
	case 'h':
		return (struct piece){ expansion->home,
			strlen(expansion->home), true };
	default:
		return (struct piece){ "%", 1, false };
	}
}

static int append(struct expansion *expansion, struct piece piece)
{
	if (piece.count == 0 && piece.is_needed) {
		errno = ENOENT;
		return -1;
	}
	if (piece.count >= AUTH_PATH_BYTES - expansion->used) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(expansion->path + expansion->used, piece.octets, piece.count);
	expansion->used += piece.count;
	expansion->path[expansion->used] = '\0';
	return 0;
}

/* Append what 'pattern' begins with; return how many of its octets that was. */
static size_t expand_one(struct expansion *expansion, const char *pattern,
	bool is_first)
{
	struct piece piece = { pattern, 1, false };
	size_t taken = 1;

	if (is_first && *pattern == '~')
		piece = find_piece(expansion, 'h');
	if (*pattern == '%' && pattern[1] != '\0') {
		piece = find_piece(expansion, pattern[1]);
		taken = 2;
	}
	return append(expansion, piece) == 0 ? taken : 0;
}

static bool has_control(const char *octets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((unsigned char)octets[i] < 0x20 || octets[i] == 0x7f)
			return true;
	return false;
}

bool auth_name_is_usable(const char *name)
{
	size_t count = strnlen(name, AUTH_NAME_OCTETS + 1);

	if (count == 0 || count > AUTH_NAME_OCTETS)
		return false;
	if (name[0] == '.' || strstr(name, "@.") != NULL ||
		strchr(name, '/') != NULL)
		return false;
	return !has_control(name, count);
}

/* A dot in it separates a folder from a folder of it, so none stands alone. */
bool auth_name_is_folder(const char *name, size_t count)
{
	if (count == 0 || count > AUTH_FOLDER_OCTETS || name[0] == '.')
		return false;
	return !has_control(name, count) &&
		memchr(name, '/', count) == NULL &&
		memmem(name, count, "..", 2) == NULL;
}

void auth_name_split(const char *sent, const char *separator,
	struct auth_login *login)
{
	const char *sign = *separator == '\0' ? NULL :
		strchr(sent, *separator);
	const char *folder = sign == NULL ? "" : sign + 1;
	const char *end = folder + strcspn(folder, "@");

	*login = (struct auth_login){ .user = "" };
	if (strlen(sent) > AUTH_NAME_OCTETS)
		return;
	if (sign == NULL) {
		memcpy(login->user, sent, strlen(sent));
		return;
	}
	if (sign == sent ||
			!auth_name_is_folder(folder, (size_t)(end - folder)))
		return;
	memcpy(login->folder, folder, (size_t)(end - folder));
	memcpy(login->user, sent, (size_t)(sign - sent));
	memcpy(login->user + (sign - sent), end, strlen(end));
}

int auth_name_expand(const char *pattern, const char *name, const char *home,
	char path[AUTH_PATH_BYTES])
{
	struct expansion expansion = { name, home, path, 0 };
	const char *next = pattern;

	path[0] = '\0';
	while (*next != '\0') {
		size_t taken = expand_one(&expansion, next, next == pattern);

		if (taken == 0)
			return -1;
		next += taken;
	}
	return 0;
}
