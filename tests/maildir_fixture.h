/*
 * maildir_fixture.h - a real temporary Maildir for each test case
 */
#ifndef POSTERN_TESTS_MAILDIR_FIXTURE_H
#define POSTERN_TESTS_MAILDIR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "maildir/drop.h"
#include "maildir/listing.h"
#include "scan_maildir.h"

struct fixture {
	char root[128];
	int root_fd;
	uint32_t left_out;		/* how often that hook was called */
	uint32_t corrected;		/* how often that one was called */
	uint32_t told;
	char left_out_name[256];	/* with this name the last time */
	struct scan_hooks hooks;
};

/* One row of a group: a sentence that can be false, and its function. */
#define CASE(sentence, function) \
	{ sentence, function, fixture_setup, fixture_teardown, NULL }
#define PURE_CASE(sentence, function) { sentence, function, NULL, NULL, NULL }

/* Make an empty Maildir in $TMPDIR or /tmp; remove it with all in it. */
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Create or replace the file 'path', relative to the Maildir. */
void fixture_write(struct fixture *fixture, const char *path,
	const char *text);

/* Rename or remove a file of the Maildir. */
void fixture_rename(struct fixture *fixture, const char *from,
	const char *to);
void fixture_remove(struct fixture *fixture, const char *path);

/* Say whether 'path' exists in the Maildir. */
bool fixture_has(struct fixture *fixture, const char *path);

/* Set the time of the last change of 'path'. */
void fixture_date(struct fixture *fixture, const char *path, time_t time_s);

/* Make both folders look unchanged for an hour. */
void fixture_age(struct fixture *fixture);

/* Scan, and fail the test if that fails. */
void fixture_scan(struct fixture *fixture, struct scan *scan);

/* The unique-id of message 'idx' as a string, good for the next four calls. */
const char *fixture_uidl(const struct scan *scan, uint32_t idx);

/*
 * Map the long listing of 'drop', as a worker does.  Returns 0, or -1 with
 * errno; listing_unmap() ends it.
 */
int fixture_map_listing(struct drop *drop, struct listing *listing);

/*
 * Give the Maildir to user 65534, run 'check' in a child as that user (as
 * ourselves, if we are not root), and return what 'check' returned, or 255 if
 * it crashed.
 */
int fixture_as_nobody(struct fixture *fixture,
	int (*check)(struct fixture *));

/* A stand-in for the digest that the keeper brings: 128-bit FNV-1a, twice. */
void fixture_digest(const void *octets, size_t count, uint8_t digest[16]);

#endif
