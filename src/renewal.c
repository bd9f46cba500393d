/*
 * renewal.c - certificates that are renewed on disk, and what else gets old
 *
 * Runs in: the master.  A certificate client writes its files when it likes,
 * one after the other, perhaps slowly: nothing is tried before two looks in a
 * row have seen the same, and what is wrong then may be right a look later.
 */
#include "config.h"

#include "renewal.h"

#include "deadline.h"
#include "log.h"
#include "stamp.h"

/* How often the files are looked at: a stat for each. */
#define LOOK_MS 2000

#define DAY_S 86400

static void restart(struct renewal *renewal,
	const struct generation *generation)
{
	renewal->tickets_ms = deadline_in_s(
		generation->settings->ticket_lifetime_s);
	renewal->warn_ms = deadline_in_s(DAY_S);
}

void renewal_begin(struct renewal *renewal,
	const struct generation *generation)
{
	*renewal = (struct renewal){ .look_ms = DEADLINE_NEVER };
	if (generation->tls_context == NULL)
		return;
	renewal->look_ms = deadline_now_ms() + LOOK_MS;
	restart(renewal, generation);
}

int64_t renewal_due_ms(const struct renewal *renewal)
{
	/* Nothing else is due more often, or needs to be on time. */
	return renewal->look_ms;
}

/* Returns whether the files are worth a try: new, at rest, not yet refused. */
static bool is_worth_a_try(struct renewal *renewal,
	const struct generation *generation)
{
	const char *strange;
	uint64_t stamp = stamp_files(generation->settings, &strange);
	bool is_at_rest = stamp == renewal->seen;

	renewal->seen = stamp;
	return is_at_rest && stamp != generation->file_stamp &&
		stamp != renewal->refused;
}

static void renew(struct renewal *renewal, struct generation *generation,
	struct pool *pool, int root_fd)
{
	struct generation next;

	if (generation_renew(&next, generation, root_fd) < 0) {
		renewal->refused = renewal->seen;
		log_error("changed certificate files are refused: the old "
			"certificates stay in use");
		return;
	}
	pool_set_stale(pool);
	generation_end(generation);
	*generation = next;
	renewal->refused = 0;
	restart(renewal, generation);
	log_info("certificates renewed from their files");
	generation_warn(generation);
}

/* What was refused may be good in the meantime, if it is only too early. */
static void warn(struct renewal *renewal, const struct generation *generation)
{
	generation_warn(generation);
	renewal->refused = 0;
	renewal->warn_ms = deadline_in_s(DAY_S);
}

static void renew_tickets(struct renewal *renewal,
	const struct generation *generation, struct pool *pool)
{
	tls_context_renew_tickets(generation->tls_context);
	pool_set_stale(pool);
	renewal->tickets_ms = deadline_in_s(
		generation->settings->ticket_lifetime_s);
	log_debug("the keys of session tickets are replaced");
}

void renewal_serve(struct renewal *renewal, struct generation *generation,
	struct pool *pool, int root_fd)
{
	if (!deadline_has_passed(renewal->look_ms))
		return;
	renewal->look_ms = deadline_now_ms() + LOOK_MS;
	if (is_worth_a_try(renewal, generation))
		renew(renewal, generation, pool, root_fd);
	if (deadline_has_passed(renewal->warn_ms))
		warn(renewal, generation);
	if (deadline_has_passed(renewal->tickets_ms))
		renew_tickets(renewal, generation, pool);
}
