/*
 * crew.c - count the messages of a scan, many of them by several threads
 *
 * Runs in: the keeper, as the mail user.
 *
 * On the first visit to a large Maildir nearly all time goes into opening and
 * reading each file.  Processors, and disks with a queue, do several at once.
 */
#include "config.h"

#include "maildir/crew.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "maildir/count.h"
#include "maildir/gather.h"

/* A helper for so many messages each: for fewer it costs more than it saves. */
#define PER_HELPER 500
#define MOST_HELPERS 3

/* How many messages one takes at a time, so that two seldom meet. */
#define BATCH 64

struct crew {
	struct scan *scan;
	const struct scan_hooks *hooks;
	pthread_mutex_t is_telling;	/* held while a hook is called */
	_Atomic uint64_t next;		/* nobody has taken those from here */
	_Atomic int error;		/* the errno that ended it, or 0 */
};

static void left_out(void *context, const char *name, const char *why)
{
	struct crew *crew = context;

	pthread_mutex_lock(&crew->is_telling);
	crew->hooks->left_out(crew->hooks->context, name, why);
	pthread_mutex_unlock(&crew->is_telling);
}

static void corrected(void *context, const char *name, const char *why)
{
	struct crew *crew = context;

	pthread_mutex_lock(&crew->is_telling);
	crew->hooks->corrected(crew->hooks->context, name, why);
	pthread_mutex_unlock(&crew->is_telling);
}

static void count_batch(struct crew *crew, const struct scan_hooks *hooks,
	uint64_t first)
{
	struct scan *scan = crew->scan;

	for (uint64_t idx = first; idx < first + BATCH && idx < scan->count;
			idx++) {
		struct scan_message *message = &scan->messages[idx];

		if (gather_is_seen(message) &&
				count_message(scan, message, hooks) < 0)
			crew->error = errno;
	}
}

/* What each of the crew does: take batches until there are none. */
static void *count_batches(void *context)
{
	struct crew *crew = context;
	const struct scan_hooks hooks = {
		.digest = crew->hooks->digest,
		.left_out = left_out, .corrected = corrected, .context = crew,
	};
	uint64_t first;

	while (crew->error == 0 && (first = atomic_fetch_add(&crew->next,
			BATCH)) < crew->scan->count)
		count_batch(crew, &hooks, first);
	return NULL;
}

/* How many processors we may use. */
static uint32_t count_processors(void)
{
#ifdef HAVE_SCHED_GETAFFINITY
	cpu_set_t set;

	/* It fails where there are more of them than the set can hold. */
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return MOST_HELPERS + 1;
	return (uint32_t)CPU_COUNT(&set);
#else
	return 1;
#endif
}

static uint32_t count_helpers(const struct scan *scan)
{
	uint32_t seen = 0, most;

	for (uint32_t idx = 0; idx < scan->count; idx++)
		seen += gather_is_seen(&scan->messages[idx]);
	if (seen < PER_HELPER)
		return 0;
	most = count_processors() - 1;
	if (most > MOST_HELPERS)
		most = MOST_HELPERS;
	return most < seen / PER_HELPER ? most : seen / PER_HELPER;
}

int crew_count(struct scan *scan, const struct scan_hooks *hooks)
{
	struct crew crew = {
		.scan = scan, .hooks = hooks,
		.is_telling = PTHREAD_MUTEX_INITIALIZER,
	};
	pthread_t helpers[MOST_HELPERS];
	uint32_t wanted = count_helpers(scan), have = 0;
	sigset_t all, saved;

	/* Signals are for the thread that the process began with. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	/* Without a helper the others have more to do. */
	while (have < wanted && pthread_create(&helpers[have], NULL,
			count_batches, &crew) == 0)
		have++;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	count_batches(&crew);
	while (have > 0)
		pthread_join(helpers[--have], NULL);
	if (crew.error == 0)
		return 0;
	errno = crew.error;
	return -1;
}
