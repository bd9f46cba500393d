/*
 * other.c - one other program, and what all that it does needs
 */
#include "config.h"

#include "other.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEARCHES 10

uint32_t other_choose(struct other *other, uint32_t limit)
{
	return chance_below(&other->chance, limit);
}

void other_complain(struct other *other, const struct journal_file *file,
	const char *what)
{
	journal_fail(other->journal, "file %u (%s): %s",
		journal_index(other->journal, file), file->path, what);
}

void other_stamp(struct other *other, journal_stamp *which)
{
	atomic_store(which, journal_now(other->journal));
}

void other_compose(const struct journal_file *file,
	char path[JOURNAL_PATH_BYTES])
{
	char unique[NAME_UIDL_OCTETS + 1], text[JOURNAL_CONTENT_BYTES];
	char twin[16] = "", sizes[48] = "", info[16] = "";
	uint64_t octets;
	size_t bytes = journal_content(file, atomic_load(&file->grown) != 0,
		text, &octets), count = 0;

	journal_unique(file->family, unique);
	if (file->twin != 0)
		snprintf(twin, sizeof(twin), ",T=%u", file->twin);
	if (file->has_sizes)
		snprintf(sizes, sizeof(sizes), ",S=%zu,W=%llu", bytes,
			(unsigned long long)octets);
	if (file->is_in_cur || file->flags != 0) {
		count = (size_t)snprintf(info, sizeof(info), ":2,");
		for (int i = 0; OTHER_FLAGS[i] != '\0'; i++)
			if ((file->flags >> i & 1) != 0)
				info[count++] = OTHER_FLAGS[i];
		info[count] = '\0';
	}
	snprintf(path, JOURNAL_PATH_BYTES, "%s/%s%s%s%s",
		file->is_in_cur ? "cur" : "new", unique, twin, sizes, info);
}

uint32_t other_twin_of(const char *name)
{
	const char *mark = strstr(name, ",T=");
	unsigned int twin = 0;

	return mark != NULL && sscanf(mark, ",T=%u", &twin) == 1 ? twin : 0;
}

/* Whether a directory entry is this file. */
static bool is_it(int folder_fd, const char *name,
	const struct journal_file *file)
{
	struct stat status;

	return journal_family_of(name) == file->family &&
		other_twin_of(name) == file->twin &&
		fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		status.st_ino == file->inode;
}

static bool find_in(struct other *other, struct journal_file *file,
	const char *folder)
{
	int fd = openat(other->root_fd, folder, O_RDONLY | O_DIRECTORY |
		O_CLOEXEC);
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	bool is_found = false;

	if (directory == NULL)
		return false;
	while (!is_found && (entry = readdir(directory)) != NULL)
		is_found = is_it(fd, entry->d_name, file);
	if (is_found)
		snprintf(file->path, sizeof(file->path), "%s/%.150s", folder,
			entry->d_name);
	closedir(directory);
	return is_found;
}

bool other_find(struct other *other, struct journal_file *file)
{
	for (int i = 0; i < SEARCHES; i++)
		if (find_in(other, file, "new") ||
			find_in(other, file, "cur"))
			return true;
	return false;
}

void other_seek(struct other *other, struct journal_file *file)
{
	if (errno != ENOENT)
		other_complain(other, file, strerror(errno));
	else if (!other_find(other, file) &&
		journal_marked(other->journal, file) == 0)
		other_complain(other, file, "is lost");
}

bool other_has_twins(const struct other *other,
	const struct journal_file *file)
{
	return atomic_load(&other->journal->families[file->family].has_twins);
}
