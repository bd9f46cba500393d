/*
 * journal.h - what other programs did to a Maildir, and when
 *
 * It lies in memory that all processes of a test share, and has no lock: who
 * looks at it waits for nobody, and disturbs no race.  Each change is stamped
 * before it is made and after, from one clock that only counts.
 */
#ifndef POSTERN_TESTS_JOURNAL_H
#define POSTERN_TESTS_JOURNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maildir/scan.h"

#define JOURNAL_FILES 30000
#define JOURNAL_FAMILIES 15000
#define JOURNAL_CONTENT_BYTES 4096
#define JOURNAL_PATH_BYTES 160

/* A stamp; 0: not so far. */
typedef atomic_ullong journal_stamp;

/* A file, from when it came into the Maildir until it went, for good. */
struct journal_file {
	uint32_t family;	/* tells its unique part */
	uint32_t content;	/* whoever has the same has the same octets */
	uint64_t inode;
	uint32_t older;		/* of its family, plus 1; 0: none */
	uint32_t follows;	/* who had its name before it, plus 1; 0 */
	journal_stamp born_begin, born_end, gone_begin, gone_end;
	journal_stamp marked;	/* an UPDATE that may remove it began */
	journal_stamp settled;	/* that one ended */
	journal_stamp uidl;	/* a hash; 0: it was never listed */
	journal_stamp grown;	/* one line was, or will be, appended */
	atomic_bool is_double;	/* has, or had, two names at once */
	/* For the other programs only: */
	uint32_t twin;		/* tells its name from its twins'; 0: none */
	bool is_shared;		/* its inode is another message's, too */
	bool is_away;		/* in away/, from where it may return */
	bool is_in_cur, has_sizes;
	unsigned int flags;	/* bits of FLAGS in others.c */
	char path[JOURNAL_PATH_BYTES];	/* where it was last */
};

/* All files with one unique part; the other programs' claim is on them all. */
struct journal_family {
	atomic_uint newest;	/* of its files, plus 1; 0: none */
	atomic_bool is_claimed;
	atomic_bool has_twins;	/* two files at once */
	journal_stamp touched;	/* the last operation began, or has ended */
};

struct journal {
	atomic_ullong clock;
	atomic_uint file_count, family_count;
	atomic_int living;	/* files; about */
	atomic_uint ages;	/* how often a folder's time was set back */
	atomic_ulong operations, read_only_logins;
	atomic_bool is_over, has_failed;
	char failure[400];
	struct journal_family families[JOURNAL_FAMILIES];
	struct journal_file files[JOURNAL_FILES];
};

/* Make an empty one, or NULL.  journal_free() ends it. */
struct journal *journal_new(void);
void journal_free(struct journal *journal);

/* The time, which nothing else has had or will have. */
unsigned long long journal_now(struct journal *journal);

/* Say what is wrong, once: the first to do so is heard. */
void journal_fail(struct journal *journal, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Enter a file, which begins to come into the Maildir.  Returns NULL if the
 * journal is full.
 */
struct journal_file *journal_add(struct journal *journal,
	const struct journal_file *facts);

uint32_t journal_index(const struct journal *journal,
	const struct journal_file *file);

/* The one before 'file' in its family, or NULL; the newest of a family. */
struct journal_file *journal_older(struct journal *journal,
	const struct journal_file *file);
struct journal_file *journal_newest(struct journal *journal, uint32_t family);

/* The family of a file's name; JOURNAL_FAMILIES: none. */
uint32_t journal_family_of(const char *name);

/* Write the unique part of a family's names. */
void journal_unique(uint32_t family, char unique[NAME_UIDL_OCTETS + 1]);

/* Write the content of a file.  Returns its bytes, and its octets in POP3. */
size_t journal_content(const struct journal_file *file, bool is_grown,
	char text[JOURNAL_CONTENT_BYTES], uint64_t *octets);

/* Whether it may have been there at any time from 'begin' to 'end'. */
bool journal_may_be_there(const struct journal_file *file,
	unsigned long long begin, unsigned long long end);

/* Whether it was there all the time, whatever its name. */
bool journal_was_there(struct journal *journal,
	const struct journal_file *file, unsigned long long begin,
	unsigned long long end);

/*
 * When an UPDATE began that may remove it: one of a message that the client
 * marked, or of one that had its name.  No system call removes a file by its
 * inode, so who puts another in its place at that moment may lose that, too.
 */
unsigned long long journal_marked(struct journal *journal,
	const struct journal_file *file);

#endif
