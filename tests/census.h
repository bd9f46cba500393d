/*
 * census.h - some known messages, and how often each is where
 */
#ifndef POSTERN_TESTS_CENSUS_H
#define POSTERN_TESTS_CENSUS_H

#include <stdbool.h>

#include "maildir_fixture.h"

#define CENSUS_MESSAGES 8

/*
 * How often each message is where, octet for octet.  A file that has two names
 * in a Maildir is there once.
 */
struct census {
	unsigned int kept[CENSUS_MESSAGES];	/* in new/ and cur/ */
	bool is_seen[CENSUS_MESSAGES];	/* in cur/ with the flag S */
	unsigned int trashed[CENSUS_MESSAGES];	/* in the trash's */
	unsigned int strange;	/* files there that are none of them */
	char strange_name[256];	/* the last one of those */
};

/*
 * Store message 'number' (0 .. CENSUS_MESSAGES - 1) as 'path', whose name has
 * to begin with "<CENSUS_TIME + number>.".
 */
#define CENSUS_TIME 1700000000
void census_store(struct fixture *fixture, unsigned int number,
	const char *path);

/* How many bytes message 'number' has. */
long census_bytes(unsigned int number);

/* The number of the message that is called 'name', or CENSUS_MESSAGES. */
unsigned int census_number(const char *name);

/* Count what is there. */
void census_take(struct fixture *fixture, struct census *census);

#endif
