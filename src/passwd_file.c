/*
 * passwd_file.c - the octets of a passwd-file, and its lines as entries
 *
 * Owns: the format user:hash:uid:gid:gecos:home:shell:extra.
 * Runs in: a keeper.  Distrusts: lines, which may be broken; one bad line costs
 * no other user.
 */
#include "config.h"

#include "passwd_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth_name.h"
#include "log.h"
#include "readn.h"

static const char *check_regular(int fd, size_t *size)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status) != 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "is not a regular file";
	if (status.st_size > PASSWD_FILE_BYTES_MAX)
		return "is larger than 64 MiB";
	*size = (size_t)status.st_size;
	return NULL;
}

/* Read 'size' octets, or fewer if the file has shrunk meanwhile. */
static const char *read_octets(int fd, size_t size, struct passwd_file *file)
{
	file->octets = malloc(size + 1);
	if (file->octets == NULL)
		return strerror(errno);

	ssize_t got = readn(fd, file->octets, size);
	if (got < 0)
		return strerror(errno);
	file->count = (size_t)got;
	file->octets[file->count] = '\0';
	return NULL;
}

static bool has_control(const char *line, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			return true;
	return false;
}

/* Cut 'line' at its colons; the last field keeps those that it has. */
static size_t cut(char *line, struct passwd_entry *entry)
{
	size_t found = 0;

	for (size_t i = 0; i < PASSWD_FIELD_COUNT; i++)
		entry->fields[i] = "";
	while (line != NULL) {
		entry->fields[found++] = line;
		line = found < PASSWD_FIELD_COUNT ? strchr(line, ':') : NULL;
		if (line != NULL)
			*line++ = '\0';
	}
	return found;
}

/* Take the next line as a string; a NUL in it is a control character. */
static char *take_line(struct passwd_file *file, size_t *count)
{
	char *line = file->octets + file->next;
	const char *end;

	if (file->next >= file->count)
		return NULL;
	end = memchr(line, '\n', file->count - file->next);
	*count = end == NULL ? file->count - file->next :
		(size_t)(end - line);
	line[*count] = '\0';
	file->next += *count + 1;
	file->line++;
	return line;
}

/* Lines that nobody mends would fill the log, so only the first is named. */
static void note_bad_line(struct passwd_file *file, const char *what)
{
	if (file->bad_lines++ == 0)
		log_warning("%s:%u: ignored: it %s", file->path, file->line,
			what);
}

/* In names of extra fields '-' and '_' are alike. */
static char plain_letter(char letter)
{
	return letter == '_' ? '-' : letter;
}

const char *passwd_line_parse(char *line, size_t count,
	struct passwd_entry *entry)
{
	const char *hash, *home;

	if (has_control(line, count))
		return "has a control character";
	if (cut(line, entry) <= PASSWD_HASH)
		return "has no ':' (write user:hash:uid:gid::home)";
	if (!auth_name_is_usable(entry->fields[PASSWD_USER]))
		return "has no usable user name";
	hash = entry->fields[PASSWD_HASH];
	if (*hash == '{' && strchr(hash, '}') == NULL)
		return "has a scheme without '}'";
	home = entry->fields[PASSWD_HOME];
	if (*home != '\0' && *home != '/')
		return "has a home that does not begin with '/'";
	return NULL;
}

bool passwd_file_open(struct passwd_file *file, const char *path)
{
	/* Without O_NONBLOCK a FIFO would wait for a writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *cannot;
	size_t size = 0;

	memset(file, 0, sizeof(*file));
	file->path = path;
	cannot = check_regular(fd, &size);
	if (cannot == NULL)
		cannot = read_octets(fd, size, file);
	if (fd >= 0)
		close(fd);	/* only read from: nothing can be lost */
	if (cannot == NULL)
		return true;
	log_error("%s: %s", path, cannot);
	passwd_file_close(file);
	return false;
}

bool passwd_file_next(struct passwd_file *file, struct passwd_entry *entry)
{
	size_t count;
	char *line;

	while ((line = take_line(file, &count)) != NULL) {
		const char *wrong;

		if (count == 0 || *line == '#')
			continue;
		entry->line = file->line;
		wrong = passwd_line_parse(line, count, entry);
		if (wrong == NULL)
			return true;
		note_bad_line(file, wrong);
	}
	return false;
}

void passwd_file_close(struct passwd_file *file)
{
	if (file->octets != NULL)
		explicit_bzero(file->octets, file->count);
	free(file->octets);
	file->octets = NULL;
}

const char *passwd_extra_value(const char *extra, const char *word)
{
	for (; *word != '\0'; word++, extra++)
		if (plain_letter(*extra) != plain_letter(*word))
			return NULL;
	return *extra == '\0' || *extra == ' ' || *extra == '=' ? extra : NULL;
}

const char *passwd_extra_next(const char *extra)
{
	extra += strcspn(extra, " ");
	return extra + strspn(extra, " ");
}

const char *passwd_entry_extra(const struct passwd_entry *entry,
	const char *word)
{
	const char *extra = entry->fields[PASSWD_EXTRA];

	for (; *extra != '\0'; extra = passwd_extra_next(extra)) {
		const char *value = passwd_extra_value(extra, word);

		if (value != NULL)
			return value;
	}
	return NULL;
}
