/*
 * deeds_come.c - other programs bring files into a Maildir, or take them out
 */
#include "config.h"

#include "deeds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREATE_FLAGS (O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC)

/* Write a new file into tmp/.  Returns 0, or -1. */
static int write_file(struct other *other, struct journal_file *facts,
	const char *path)
{
	char text[JOURNAL_CONTENT_BYTES];
	uint64_t octets;
	size_t bytes = journal_content(facts, false, text, &octets);
	struct stat status;
	int fd = openat(other->root_fd, path, CREATE_FLAGS, 0600);

	if (fd < 0 || write(fd, text, bytes) != (ssize_t)bytes ||
		fstat(fd, &status) < 0) {
		other_complain(other, facts, "can't be made");
		return -1;
	}
	facts->inode = status.st_ino;
	close(fd);
	return 0;
}

/* A name in tmp/ that nobody else uses. */
static void name_draft(struct other *other, char path[JOURNAL_PATH_BYTES])
{
	snprintf(path, JOURNAL_PATH_BYTES, "tmp/%llu",
		journal_now(other->journal));
}

static void bear(struct other *other, struct journal_file *file)
{
	other_stamp(other, &file->born_end);
	atomic_fetch_add(&other->journal->living, 1);
}

static void bury(struct other *other, struct journal_file *file)
{
	other_stamp(other, &file->gone_end);
	atomic_fetch_sub(&other->journal->living, 1);
}

/* From tmp/ to where it belongs, by one of the two usual ways. */
static void deliver_draft(struct other *other, const char *draft,
	const struct journal_file *facts)
{
	struct journal_file *file = journal_add(other->journal, facts);
	bool is_linked = other_choose(other, 2) == 0;

	if (file == NULL) {
		unlinkat(other->root_fd, draft, 0);
		return;
	}
	if (is_linked ? linkat(other->root_fd, draft, other->root_fd,
			file->path, 0) < 0 :
		renameat(other->root_fd, draft, other->root_fd,
			file->path) < 0)
		other_complain(other, file, "can't be delivered");
	bear(other, file);
	if (is_linked)
		unlinkat(other->root_fd, draft, 0);
}

static uint32_t new_family(struct other *other)
{
	struct journal *journal = other->journal;
	uint32_t family = atomic_fetch_add(&journal->family_count, 1);

	if (family < JOURNAL_FAMILIES)
		return family;
	atomic_fetch_sub(&journal->family_count, 1);
	return JOURNAL_FAMILIES;
}

void deeds_deliver(struct other *other)
{
	struct journal_file facts = { .family = new_family(other) };
	char draft[JOURNAL_PATH_BYTES];

	if (facts.family == JOURNAL_FAMILIES)
		return;
	facts.content = facts.family;
	facts.has_sizes = other_choose(other, 3) == 0;
	facts.is_in_cur = other_choose(other, 8) == 0;
	other_compose(&facts, facts.path);
	name_draft(other, draft);
	if (write_file(other, &facts, draft) == 0)
		deliver_draft(other, draft, &facts);
}

/* The same file again, as another message. */
void deeds_share(struct other *other, struct journal_file *file)
{
	struct journal_file facts = {
		.family = new_family(other), .content = file->content,
		.inode = file->inode, .is_shared = true,
	}, *shared;

	if (facts.family == JOURNAL_FAMILIES)
		return;
	file->is_shared = true;
	atomic_store(&facts.grown, atomic_load(&file->grown));
	other_compose(&facts, facts.path);
	shared = journal_add(other->journal, &facts);
	if (shared == NULL)
		return;
	if (linkat(other->root_fd, file->path, other->root_fd, shared->path,
			0) < 0) {
		other_seek(other, file);
		other_stamp(other, &shared->gone_begin);
		other_stamp(other, &shared->gone_end);
		return;
	}
	bear(other, shared);
}

/* A copy with the same unique part; a later time tells it is one. */
void deeds_copy(struct other *other, struct journal_file *file)
{
	struct journal_file facts = {
		.family = file->family, .content = file->content,
		.is_in_cur = true,
	};
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	char draft[JOURNAL_PATH_BYTES];
	struct stat status;

	if (other_choose(other, 10) != 0 || fstatat(other->root_fd, file->path,
			&status, 0) < 0)
		return;
	for (const struct journal_file *old = journal_newest(other->journal,
			file->family); old != NULL;
			old = journal_older(other->journal, old))
		if (old->twin != 0)
			return;
	atomic_store(&other->journal->families[file->family].has_twins, true);
	facts.twin = journal_index(other->journal, file) + 1;
	other_compose(&facts, facts.path);
	name_draft(other, draft);
	if (write_file(other, &facts, draft) < 0)
		return;
	times[1].tv_sec = status.st_mtim.tv_sec + 2;
	utimensat(other->root_fd, draft, times, 0);
	deliver_draft(other, draft, &facts);
}

static size_t bytes_of(const struct journal_file *file)
{
	char text[JOURNAL_CONTENT_BYTES];
	uint64_t octets;

	return journal_content(file, false, text, &octets);
}

/* Another file, with another content, under the same name at once. */
void deeds_replace(struct other *other, struct journal_file *file)
{
	struct journal_file facts = {
		.family = file->family, .is_in_cur = file->is_in_cur,
		.flags = file->flags,
		.follows = journal_index(other->journal, file) + 1,
	}, *next;
	char draft[JOURNAL_PATH_BYTES];

	if (other_has_twins(other, file) || atomic_load(&file->is_double) ||
		other_choose(other, 3) != 0)
		return;
	facts.content = JOURNAL_FAMILIES + facts.follows;
	/* Sizes in its name must be those of the file, or none's. */
	if (bytes_of(&facts) == bytes_of(file))
		return;
	memcpy(facts.path, file->path, sizeof(facts.path));
	name_draft(other, draft);
	if (write_file(other, &facts, draft) < 0)
		return;
	next = journal_add(other->journal, &facts);
	if (next == NULL) {
		unlinkat(other->root_fd, draft, 0);
		return;
	}
	other_stamp(other, &file->gone_begin);
	if (renameat2(other->root_fd, draft, other->root_fd, file->path,
			RENAME_EXCHANGE) == 0) {
		bury(other, file);
		bear(other, next);
	} else {
		/* Nothing of that family comes back any more. */
		atomic_store(&other->journal->families[file->family]
			.has_twins, true);
		other_stamp(other, &next->gone_begin);
		other_stamp(other, &next->gone_end);
		other_seek(other, file);
		atomic_store(&file->gone_begin, 0);
	}
	unlinkat(other->root_fd, draft, 0);
}

/* A file that had two names may have a third: a session's. */
static void remove_names(struct other *other, struct journal_file *file)
{
	while (atomic_load(&file->is_double) && other_find(other, file))
		unlinkat(other->root_fd, file->path, 0);
}

void deeds_erase(struct other *other, struct journal_file *file)
{
	other_stamp(other, &file->gone_begin);
	if (unlinkat(other->root_fd, file->path, 0) < 0) {
		other_seek(other, file);
		atomic_store(&file->gone_begin, 0);
		return;
	}
	remove_names(other, file);
	bury(other, file);
}

static void name_away(const struct other *other,
	const struct journal_file *file, char path[JOURNAL_PATH_BYTES])
{
	snprintf(path, JOURNAL_PATH_BYTES, "away/%u",
		journal_index(other->journal, file));
}

/* Into another folder, from where it may be had back. */
void deeds_put_away(struct other *other, struct journal_file *file)
{
	char to[JOURNAL_PATH_BYTES];

	if (atomic_load(&file->is_double))
		return;
	name_away(other, file, to);
	other_stamp(other, &file->gone_begin);
	if (renameat(other->root_fd, file->path, other->root_fd, to) < 0) {
		other_seek(other, file);
		atomic_store(&file->gone_begin, 0);
		return;
	}
	file->is_away = true;
	bury(other, file);
}

/* What is gone comes back under its old name: the same file, or a copy. */
void deeds_restore(struct other *other, struct journal_file *file)
{
	struct journal_file facts = {
		.family = file->family, .content = file->content,
		.inode = file->inode, .is_shared = file->is_shared,
		.is_in_cur = file->is_in_cur, .has_sizes = file->has_sizes,
		.flags = file->flags,
		.follows = journal_index(other->journal, file) + 1,
	};
	char from[JOURNAL_PATH_BYTES];

	if (other_has_twins(other, file))
		return;
	memcpy(facts.path, file->path, sizeof(facts.path));
	name_away(other, file, from);
	if (file->is_away) {
		atomic_store(&facts.grown, atomic_load(&file->grown));
	} else {
		facts.is_shared = false;
		name_draft(other, from);
		if (write_file(other, &facts, from) < 0)
			return;
	}
	file->is_away = false;
	deliver_draft(other, from, &facts);
}
