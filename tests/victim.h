/*
 * victim.h - what a keeper does to a Maildir, for tests that kill it
 *
 * A victim is a function for kill_at(): it does to the files just what the
 * keeper does, and writes what it found into memory that the test shares with
 * it.  What the client did is in the names of the messages: ".marked." in one
 * says that it was marked, ".read." that it was retrieved.
 */
#ifndef POSTERN_TESTS_VICTIM_H
#define POSTERN_TESTS_VICTIM_H

#include <stdbool.h>

#include "census.h"
#include "maildir/update.h"

struct victim {
	/* What to do. */
	struct fixture *fixture;
	struct update_rules rules;
	/* What another program does between login and QUIT, or NULL. */
	void (*meanwhile)(struct fixture *fixture);

	/* What was done. */
	bool is_quitting;	/* it is logged in */
	bool is_done;		/* it came to the end */
	bool was_listed[CENSUS_MESSAGES];	/* the client saw it */
	struct update_result result;
};

/* Memory for a victim that its child and we share; munmap(2) ends it. */
struct victim *victim_new(void);

/*
 * Log in, and QUIT.  context: a struct victim.  Returns 0, or 1 if it could not
 * log in.
 */
int victim_update(void *context);

#endif
