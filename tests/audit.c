/*
 * audit.c - what is on the disk, and what an UPDATE did, by the journal
 */
#include "config.h"

#include "audit.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/bits.h"

#define TODAY 20000	/* in days since the epoch; nothing depends on it */

static bool complain(const struct audit *audit, const char *what,
	const struct journal_file *file)
{
	journal_fail(audit->journal, "after login %llu-%llu: %s: %s (%u), "
		"born %llu-%llu, gone %llu-%llu, marked %llu, inode %llu",
		audit->witness.begin, audit->witness.end, what, file->path,
		journal_index(audit->journal, file),
		atomic_load(&file->born_begin), atomic_load(&file->born_end),
		atomic_load(&file->gone_begin), atomic_load(&file->gone_end),
		atomic_load(&file->marked), (unsigned long long)file->inode);
	return false;
}

static bool is_in(const struct audit *audit, const struct journal_file *file)
{
	return audit->is_kept[journal_index(audit->journal, file)];
}

/* A file may have come back as it was: then it is several of the journal. */
static bool note_open(struct audit *audit, bool *are_there, const char *name,
	int fd)
{
	uint32_t family = journal_family_of(name);
	struct journal_file *file = family == JOURNAL_FAMILIES ? NULL :
		journal_newest(audit->journal, family);
	struct stat status;
	bool is_known = false;

	if (fstat(fd, &status) < 0)
		return false;
	for (; file != NULL; file = journal_older(audit->journal, file)) {
		if (file->inode != status.st_ino)
			continue;
		are_there[journal_index(audit->journal, file)] = true;
		is_known |= witness_has_content(file, fd);
	}
	if (!is_known)
		journal_fail(audit->journal, "nobody made %s", name);
	return is_known;
}

static bool note_name(struct audit *audit, bool *are_there, int folder_fd,
	const char *name)
{
	int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	bool is_right;

	if (fd < 0) {
		journal_fail(audit->journal, "can't open %s", name);
		return false;
	}
	is_right = note_open(audit, are_there, name, fd);
	close(fd);
	return is_right;
}

/* A folder that is not there has nothing in it. */
static bool note_folder(struct audit *audit, bool *are_there,
	const char *path)
{
	int fd = openat(audit->witness.root_fd, path, O_RDONLY |
		O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	bool is_right = true;

	if (directory == NULL)
		return true;
	while (is_right && (entry = readdir(directory)) != NULL)
		if (entry->d_name[0] != '.')
			is_right = note_name(audit, are_there, fd,
				entry->d_name);
	closedir(directory);
	return is_right;
}

static bool note_all(struct audit *audit)
{
	memset(audit->is_kept, 0, sizeof(audit->is_kept));
	memset(audit->is_trashed, 0, sizeof(audit->is_trashed));
	return note_folder(audit, audit->is_kept, "new") &&
		note_folder(audit, audit->is_kept, "cur") &&
		note_folder(audit, audit->is_trashed, "postern.trash/new") &&
		note_folder(audit, audit->is_trashed, "postern.trash/cur");
}

/*
 * Whether another program has touched the family of a file since 'time', or is
 * at it, or has given the file another size before, which an index does not
 * know.  What is claimed no more was touched before that.
 */
static bool is_touched(const struct audit *audit,
	const struct journal_file *file, unsigned long long time)
{
	const struct journal_family *family =
		&audit->journal->families[file->family];

	return atomic_load(&file->is_double) ||
		atomic_load(&file->grown) != 0 ||
		atomic_load(&family->is_claimed) ||
		atomic_load(&family->touched) > time;
}

static bool check_file(struct audit *audit, struct journal_file *file)
{
	uint32_t idx = journal_index(audit->journal, file);
	unsigned long long now = journal_now(audit->journal);

	if (audit->is_trashed[idx] && !audit->may_be_trashed[idx] &&
		journal_marked(audit->journal, file) == 0)
		return complain(audit, "the trash has, unmarked", file);
	if (is_in(audit, file))
		return true;
	if (journal_was_there(audit->journal, file, now, now))
		return complain(audit, "is lost", file);
	return true;
}

/* Nothing is gone that nobody removed. */
static bool check_files(struct audit *audit)
{
	uint32_t count = atomic_load(&audit->journal->file_count);

	for (uint32_t i = 0; i < count && i < JOURNAL_FILES; i++)
		if (!check_file(audit, &audit->journal->files[i]))
			return false;
	return true;
}

static void mark_files(struct audit *audit, uint32_t idx)
{
	struct witness *witness = &audit->witness;

	for (struct journal_file *file = witness_file(witness, idx, NULL);
			file != NULL; file = witness_file(witness, idx,
				file)) {
		if (audit->quit.rules.has_trash)
			audit->may_be_trashed[journal_index(audit->journal,
				file)] = true;
		if (journal_may_be_there(file, witness->begin,
				audit->quit.begin))
			atomic_store(&file->marked, audit->quit.begin);
	}
}

static void choose_marks(struct audit *audit, struct chance *chance)
{
	memset(&audit->quit, 0, sizeof(audit->quit));
	audit->quit.begin = journal_now(audit->journal);
	audit->quit.rules = (struct update_rules){
		.has_trash = chance_below(chance, 2) == 0,
		.trash_days = 30,
		.mark_seen = chance_below(chance, 2) == 0,
		.expire.today = TODAY, .quota_root_fd = -1,
	};
	for (uint32_t idx = 0; idx < audit->witness.count; idx++) {
		uint32_t what = chance_below(chance, 32);

		if (what > 2)
			continue;
		if (what > 0)
			bits_set(audit->quit.retrieved, idx);
		if (what > 1)
			continue;
		bits_set(audit->quit.marked, idx);
		audit->quit.marks++;
		mark_files(audit, idx);
	}
}

/* A marked file that is gone is so from now on; one that is not, is not. */
static void settle_file(struct audit *audit, struct journal_file *file)
{
	if (is_in(audit, file)) {
		atomic_store(&file->marked, 0);
		return;
	}
	atomic_store(&file->settled, audit->quit.end);
	if (atomic_load(&file->gone_begin) != 0)
		return;
	atomic_store(&file->gone_begin, audit->quit.begin);
	atomic_store(&file->gone_end, audit->quit.end);
	atomic_fetch_sub(&audit->journal->living, 1);
}

/*
 * What became of message 'idx', which was marked: counts it as remaining if
 * only a failure explains that, and as touched if others explain a failure.
 */
static bool check_marked(struct audit *audit, uint32_t idx,
	uint32_t *remaining, uint32_t *touched)
{
	struct witness *witness = &audit->witness;
	bool remains = false, is_quiet = true;

	for (struct journal_file *file = witness_file(witness, idx, NULL);
			file != NULL; file = witness_file(witness, idx,
				file)) {
		bool is_calm = !is_touched(audit, file, witness->begin);

		is_quiet &= is_calm;
		if (atomic_load(&file->marked) != audit->quit.begin)
			continue;
		if (is_calm && is_in(audit, file))
			return complain(audit, "was marked and is there", file);
		if (is_calm && audit->quit.rules.has_trash &&
			!audit->is_trashed[journal_index(audit->journal,
				file)] &&
			atomic_load(&file->gone_begin) == 0)
			return complain(audit, "is not in the trash", file);
		remains |= is_in(audit, file) &&
			!atomic_load(&file->is_double) &&
			atomic_load(&file->gone_begin) == 0;
		settle_file(audit, file);
	}
	*remaining += remains;
	*touched += !is_quiet;
	return true;
}

/* Who had a marked file's name when it was removed may be gone as well. */
static void settle_followers(struct audit *audit)
{
	uint32_t count = atomic_load(&audit->journal->file_count);

	for (uint32_t i = 0; i < count && i < JOURNAL_FILES; i++) {
		struct journal_file *file = &audit->journal->files[i];

		if (atomic_load(&file->marked) == 0 && !is_in(audit, file) &&
			atomic_load(&file->gone_begin) == 0 &&
			atomic_load(&file->born_end) != 0 &&
			journal_marked(audit->journal, file) != 0) {
			atomic_store(&file->marked, audit->quit.begin);
			settle_file(audit, file);
		}
	}
}

static bool check_result(struct audit *audit)
{
	const struct update_result *result = &audit->quit.result;
	uint32_t remaining = 0, touched = 0;

	for (uint32_t idx = 0; idx < audit->witness.count; idx++)
		if (bits_has(audit->quit.marked, idx) && !check_marked(audit,
				idx, &remaining, &touched))
			return false;
	settle_followers(audit);
	audit->removed += result->removed;
	audit->failed += result->failed;
	if (result->removed + result->failed == audit->quit.marks &&
		result->expired == 0 && result->not_expired == 0 &&
		remaining <= result->failed && result->failed <= touched)
		return true;
	journal_fail(audit->journal, "login %llu: of %u marked %u were "
		"removed, %u failed; %u are there, others touched %u",
		audit->witness.begin, audit->quit.marks, result->removed,
		result->failed, remaining, touched);
	return false;
}

bool audit_disk(struct audit *audit)
{
	return note_all(audit) && check_files(audit);
}

void audit_begin_quit(struct audit *audit, struct chance *chance)
{
	struct audit_quit *quit = &audit->quit;
	struct update_marks marks = { quit->marked, quit->retrieved };

	choose_marks(audit, chance);
	quit->result = update_maildrop(&audit->witness.drop.scan,
		audit->witness.root_fd, &marks, &quit->rules);
}

bool audit_end_quit(struct audit *audit)
{
	audit->quit.end = journal_now(audit->journal);
	return note_all(audit) && check_result(audit) && check_files(audit);
}
