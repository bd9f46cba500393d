/*
 * maildrop_path.c - where a user's Maildir is
 *
 * Runs in: a keeper, as the mail user.
 */
#include "config.h"

#include "maildrop_path.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct path {
	char *text;
	size_t count;
};

static int append(struct path *path, const char *text, size_t count)
{
	if (count >= AUTH_PATH_BYTES - path->count) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path->text + path->count, text, count);
	path->count += count;
	path->text[path->count] = '\0';
	return 0;
}

static int append_home(struct path *path, const char *home)
{
	if (home[0] == '\0') {
		errno = ENOENT;
		return -1;
	}
	return append(path, home, strlen(home));
}

/* The domain of a name without '@' is empty, and a ".." is no domain. */
static int append_domain(struct path *path, const char *name)
{
	const char *at = strrchr(name, '@');

	if (at != NULL && at[1] == '.') {
		errno = EINVAL;
		return -1;
	}
	return at == NULL ? 0 : append(path, at + 1, strlen(at + 1));
}

static int append_local_part(struct path *path, const char *name)
{
	const char *at = strrchr(name, '@');

	return append(path, name,
		at == NULL ? strlen(name) : (size_t)(at - name));
}

static int expand(struct path *path, char letter, const char *name,
	const char *home)
{
	switch (letter) {
	case 'h':
		return append_home(path, home);
	case 'u':
		return append(path, name, strlen(name));
	case 'n':
		return append_local_part(path, name);
	case 'd':
		return append_domain(path, name);
	case '%':
		return append(path, "%", 1);
	default:
		errno = EINVAL;
		return -1;
	}
}

int maildrop_path(const char *pattern, const char *name, const char *home,
	char text[AUTH_PATH_BYTES])
{
	struct path path = { .text = text };
	int status = 0;

	text[0] = '\0';
	if (*pattern == '~') {
		status = append_home(&path, home);
		pattern++;
	}
	for (; status == 0 && *pattern != '\0'; pattern++) {
		if (*pattern == '%' && pattern[1] != '\0')
			status = expand(&path, *++pattern, name, home);
		else
			status = append(&path, pattern, 1);
	}
	if (status == 0 && text[0] != '/') {
		errno = EINVAL;
		return -1;
	}
	return status;
}

bool maildrop_has_parent(const char *path)
{
	char parent[AUTH_PATH_BYTES];
	struct stat status;
	size_t count = strlen(path);

	while (count > 1 && path[count - 1] == '/')
		count--;
	while (count > 1 && path[count - 1] != '/')
		count--;
	memcpy(parent, path, count);
	parent[count] = '\0';
	return stat(parent, &status) == 0 && S_ISDIR(status.st_mode);
}
