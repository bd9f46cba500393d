/*
 * journal.c - what other programs did to a Maildir, and when
 */
#include "config.h"

#include "journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define TIME 1700000000ul

/* Long names make readdir take a folder in several pieces. */
#define PADDING "M123456789P1234V0000000000001234I00000000001234"

struct journal *journal_new(void)
{
	void *memory = mmap(NULL, sizeof(struct journal),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void journal_free(struct journal *journal)
{
	munmap(journal, sizeof(*journal));
}

unsigned long long journal_now(struct journal *journal)
{
	return atomic_fetch_add(&journal->clock, 1) + 1;
}

void journal_fail(struct journal *journal, const char *format, ...)
{
	char text[sizeof(journal->failure)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (journal->failure[0] == '\0')
		memcpy(journal->failure, text, sizeof(text));
	atomic_store(&journal->has_failed, true);
}

struct journal_file *journal_add(struct journal *journal,
	const struct journal_file *facts)
{
	struct journal_family *family = &journal->families[facts->family];
	uint32_t idx = atomic_fetch_add(&journal->file_count, 1);
	struct journal_file *file;

	if (idx >= JOURNAL_FILES) {
		atomic_fetch_sub(&journal->file_count, 1);
		return NULL;
	}
	file = &journal->files[idx];
	file->family = facts->family;
	file->content = facts->content;
	file->inode = facts->inode;
	file->follows = facts->follows;
	file->twin = facts->twin;
	file->is_shared = facts->is_shared;
	file->is_in_cur = facts->is_in_cur;
	file->has_sizes = facts->has_sizes;
	file->flags = facts->flags;
	memcpy(file->path, facts->path, sizeof(file->path));
	atomic_store(&file->grown, atomic_load(&facts->grown));
	file->older = atomic_load(&family->newest);
	atomic_store(&file->born_begin, journal_now(journal));
	atomic_store(&family->newest, idx + 1);
	return file;
}

uint32_t journal_index(const struct journal *journal,
	const struct journal_file *file)
{
	return (uint32_t)(file - journal->files);
}

static struct journal_file *file_at(struct journal *journal, uint32_t at)
{
	return at == 0 ? NULL : &journal->files[at - 1];
}

struct journal_file *journal_older(struct journal *journal,
	const struct journal_file *file)
{
	return file_at(journal, file->older);
}

struct journal_file *journal_newest(struct journal *journal, uint32_t family)
{
	return file_at(journal,
		atomic_load(&journal->families[family].newest));
}

uint32_t journal_family_of(const char *name)
{
	unsigned long number = strtoul(name, NULL, 10) - TIME;

	return number < JOURNAL_FAMILIES ? (uint32_t)number :
		JOURNAL_FAMILIES;
}

void journal_unique(uint32_t family, char unique[NAME_UIDL_OCTETS + 1])
{
	snprintf(unique, NAME_UIDL_OCTETS + 1, "%lu." PADDING ".h",
		TIME + family);
}

size_t journal_content(const struct journal_file *file, bool is_grown,
	char text[JOURNAL_CONTENT_BYTES], uint64_t *octets)
{
	uint32_t lines = file->content * 7 % 60 + is_grown;
	size_t bytes = (size_t)snprintf(text, JOURNAL_CONTENT_BYTES,
		"From: joe@example.net\nSubject: content %u\n\n",
		file->content);

	for (uint32_t line = 0; line < lines; line++)
		bytes += (size_t)snprintf(text + bytes,
			JOURNAL_CONTENT_BYTES - bytes,
			"Line %u of content %u.\n", line, file->content);
	*octets = bytes + 3 + lines;
	return bytes;
}

/* Whether a stamp was set, and that before 'time'. */
static bool is_before(const journal_stamp *stamp, unsigned long long time)
{
	unsigned long long value = atomic_load(stamp);

	return value != 0 && value < time;
}

bool journal_may_be_there(const struct journal_file *file,
	unsigned long long begin, unsigned long long end)
{
	return is_before(&file->born_begin, end) &&
		!is_before(&file->gone_end, begin);
}

unsigned long long journal_marked(struct journal *journal,
	const struct journal_file *file)
{
	unsigned long long first = atomic_load(&file->marked);
	const struct journal_file *before = file;

	while (first == 0 && before->follows != 0) {
		before = file_at(journal, before->follows);
		if (!is_before(&before->settled,
				atomic_load(&file->born_begin)))
			first = atomic_load(&before->marked);
	}
	return first;
}

bool journal_was_there(struct journal *journal,
	const struct journal_file *file, unsigned long long begin,
	unsigned long long end)
{
	unsigned long long marked = journal_marked(journal, file);

	return is_before(&file->born_end, begin) &&
		!is_before(&file->gone_begin, end) &&
		(marked == 0 || marked > end);
}
