/*
 * deeds_rename.c - other programs rename the files of a Maildir
 */
#include "config.h"

#include "deeds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void move(struct other *other, struct journal_file *file)
{
	char to[JOURNAL_PATH_BYTES];

	other_compose(file, to);
	if (renameat(other->root_fd, file->path, other->root_fd, to) < 0) {
		other_seek(other, file);
		return;
	}
	memcpy(file->path, to, sizeof(to));
}

void deeds_set_flags(struct other *other, struct journal_file *file)
{
	file->flags = other_choose(other, 64);
	file->is_in_cur = true;
	move(other, file);
}

void deeds_to_new(struct other *other, struct journal_file *file)
{
	if (other_choose(other, 2) == 0)
		file->flags = 0;
	file->is_in_cur = false;
	move(other, file);
}

void deeds_to_cur(struct other *other, struct journal_file *file)
{
	file->is_in_cur = true;
	move(other, file);
}

void deeds_set_sizes(struct other *other, struct journal_file *file)
{
	file->has_sizes = other_choose(other, 4) != 0;
	move(other, file);
}

/* As programs do that know no rename: the new name, then the old one off. */
void deeds_move_by_links(struct other *other, struct journal_file *file)
{
	char to[JOURNAL_PATH_BYTES];

	file->flags = other_choose(other, 64);
	file->is_in_cur = true;
	other_compose(file, to);
	if (strcmp(file->path, to) == 0)
		return;
	atomic_store(&file->is_double, true);
	if (linkat(other->root_fd, file->path, other->root_fd, to, 0) < 0) {
		/* A session may have given it the same flag. */
		if (errno != EEXIST)
			other_seek(other, file);
		return;
	}
	if (unlinkat(other->root_fd, file->path, 0) < 0 && errno != ENOENT)
		other_complain(other, file, "can't be unlinked");
	memcpy(file->path, to, sizeof(to));
}

/* It grows by a line, in place: no folder shows that. */
void deeds_grow(struct other *other, struct journal_file *file)
{
	char line[64];
	int fd, count = snprintf(line, sizeof(line), "Line %u of content "
		"%u.\n", file->content * 7 % 60, file->content);

	if (file->is_shared || atomic_load(&file->grown) != 0 ||
		other_has_twins(other, file) || other_choose(other, 4) != 0)
		return;
	fd = openat(other->root_fd, file->path, O_WRONLY | O_APPEND |
		O_CLOEXEC);
	if (fd < 0) {
		other_seek(other, file);
		return;
	}
	other_stamp(other, &file->grown);
	if (write(fd, line, (size_t)count) != count)
		other_complain(other, file, "can't be written");
	close(fd);
}
