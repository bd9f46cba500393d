/*
 * others.c - other programs that change a Maildir, at random
 */
#include "config.h"

#include "others.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deeds.h"

#define LIVING 450	/* so many messages, about */
#define RECENT 1500	/* the last families are busier than the others */
#define OLD_S 1600000000

static bool claim(struct other *other, uint32_t family)
{
	bool is_claimed = false;

	return atomic_compare_exchange_strong(
		&other->journal->families[family].is_claimed, &is_claimed,
		true);
}

/* The newest file of a family, or one before it. */
static struct journal_file *pick(struct other *other, uint32_t family)
{
	struct journal_file *file = journal_newest(other->journal, family);

	while (file != NULL && journal_older(other->journal, file) != NULL &&
		other_has_twins(other, file) && other_choose(other, 2) == 0)
		file = journal_older(other->journal, file);
	return file;
}

static void operate(struct other *other, struct journal_file *file)
{
	static deed *const deeds[] = {
		deeds_set_flags, deeds_set_flags, deeds_set_flags,
		deeds_set_flags, deeds_set_flags, deeds_set_flags,
		deeds_set_flags, deeds_set_flags, deeds_to_cur, deeds_to_cur,
		deeds_to_cur, deeds_to_new, deeds_to_new, deeds_to_new,
		deeds_set_sizes, deeds_set_sizes, deeds_set_sizes,
		deeds_move_by_links, deeds_grow, deeds_copy, deeds_share,
		deeds_replace, deeds_erase, deeds_put_away,
	};
	uint32_t which = other_choose(other, sizeof(deeds) /
		sizeof(deeds[0]));

	deeds[which](other, file);
}

/* One deed to a family, unless another program has it. */
static void touch(struct other *other, uint32_t which)
{
	struct journal_family *family = &other->journal->families[which];
	struct journal_file *file;

	if (!claim(other, which))
		return;
	file = pick(other, which);
	if (file != NULL && atomic_load(&file->born_end) != 0) {
		other_stamp(other, &family->touched);
		if (atomic_load(&file->gone_begin) == 0)
			operate(other, file);
		else if (atomic_load(&file->gone_end) != 0 &&
			other_choose(other, 16) == 0)
			deeds_restore(other, file);
		/* A session may have begun meanwhile. */
		other_stamp(other, &family->touched);
	}
	atomic_store(&family->is_claimed, false);
}

/* Any family, or one of the last. */
static uint32_t choose_family(struct other *other)
{
	uint32_t count = atomic_load(&other->journal->family_count);

	if (count <= RECENT || other_choose(other, 8) == 0)
		return other_choose(other, count);
	return count - RECENT + other_choose(other, RECENT);
}

static void make_progress(struct other *other)
{
	struct journal *journal = other->journal;
	uint32_t what = other_choose(other, 4000);
	bool are_few = atomic_load(&journal->living) < LIVING;

	if (other_choose(other, are_few ? 4 : 64) == 0)
		deeds_deliver(other);
	else
		touch(other, choose_family(other));
	if (what < 20)
		others_age(journal, other->root_fd);
	else if (what == 20)
		unlinkat(other->root_fd, "postern.index", 0);
	else if (what < 30)
		(void)poll(NULL, 0, (int)other_choose(other, 20));
	atomic_fetch_add(&journal->operations, 1);
}

void others_age(struct journal *journal, int root_fd)
{
	struct timespec times[2];

	for (int i = 0; i < 2; i++)
		times[i] = (struct timespec){ OLD_S + (time_t)
			atomic_fetch_add(&journal->ages, 1), 0 };
	utimensat(root_fd, "new", (struct timespec[2]){ times[0], times[0] },
		0);
	utimensat(root_fd, "cur", (struct timespec[2]){ times[1], times[1] },
		0);
}

int others_begin(struct journal *journal, int root_fd, unsigned int count)
{
	struct other other = { journal, root_fd, { count } };

	if (mkdirat(root_fd, "tmp", 0700) < 0 ||
		mkdirat(root_fd, "away", 0700) < 0)
		return -1;
	for (unsigned int i = 0; i < count; i++)
		deeds_deliver(&other);
	return atomic_load(&journal->has_failed) ? -1 : 0;
}

pid_t others_start(struct journal *journal, int root_fd, uint64_t seed)
{
	struct other other = { journal, root_fd, { seed } };
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!atomic_load(&journal->has_failed) &&
		!atomic_load(&journal->is_over))
		make_progress(&other);
	_exit(0);
}
