/*
 * imported.c - print what a server would list after an import
 *
 * usage: imported MAILDIR SOURCE [UIDL-FORMAT]
 *
 * Reads the ledger of the Maildir; if there is none, imports from SOURCE (auto,
 * dovecot, courier, qmail, solid or popa3d) and writes it, as a first login
 * does.  Prints a line for each message, in the order of the ledger: unique-id
 * ("-": the ledger has none), octets, file name.  What the import tells goes to
 * standard error.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/import.h"
#include "scan_maildir.h"

static const char *const sources[] = {
	[IMPORT_AUTO] = "auto", [IMPORT_NONE] = "none",
	[IMPORT_DOVECOT] = "dovecot", [IMPORT_COURIER] = "courier",
	[IMPORT_QMAIL] = "qmail", [IMPORT_SOLID] = "solid",
	[IMPORT_POPA3D] = "popa3d",
};

#define SOURCES (sizeof(sources) / sizeof(*sources))

/* A message and its entry. */
struct row {
	const struct ledger_entry *entry;
	uint32_t idx;
};

static void fail(const char *what)
{
	fprintf(stderr, "imported: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static void md5(const void *octets, size_t count, uint8_t digest[16])
{
	if (gnutls_hash_fast(GNUTLS_DIG_MD5, octets, count, digest) < 0)
		abort();
}

static void digest(const void *octets, size_t count, uint8_t result[16])
{
	uint8_t whole[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, octets, count, whole) < 0)
		abort();
	memcpy(result, whole, 16);
}

static void tell(void *context, const char *text)
{
	(void)context;	/* none */
	fprintf(stderr, "%s\n", text);
}

static void left_out(void *context, const char *name, const char *why)
{
	(void)context;	/* none */
	fprintf(stderr, "left out %s: %s\n", name, why);
}

static enum import_from source_of(const char *name)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (strcmp(name, sources[i]) == 0)
			return (enum import_from)i;
	errno = EINVAL;
	fail(name);
	return IMPORT_NONE;
}

/* Messages of the ledger first, by rank, then the others. */
static int compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	uint32_t a_rank = a->entry != NULL ? a->entry->rank : UINT32_MAX;
	uint32_t b_rank = b->entry != NULL ? b->entry->rank : UINT32_MAX;

	if (a_rank != b_rank)
		return a_rank < b_rank ? -1 : 1;
	return (a->idx > b->idx) - (a->idx < b->idx);
}

static void print(const struct ledger *ledger, const struct scan *scan)
{
	struct row *rows = calloc((size_t)scan->count + 1, sizeof(*rows));

	if (rows == NULL)
		fail("rows");
	for (uint32_t idx = 0; idx < scan->count; idx++) {
		rows[idx].idx = idx;
		rows[idx].entry = ledger_find(ledger, scan_name(scan, idx),
			scan->messages[idx].inode);
	}
	qsort(rows, scan->count, sizeof(*rows), compare_rows);
	for (uint32_t i = 0; i < scan->count; i++)
		printf("%s %" PRIu64 " %s\n", rows[i].entry != NULL ?
			ledger->strings + rows[i].entry->uidl : "-",
			scan->messages[rows[i].idx].octets,
			scan_name(scan, rows[i].idx));
	free(rows);
}

int main(int argc, char **argv)
{
	struct scan_hooks hooks = { .digest = digest, .left_out = left_out };
	struct import_rules rules = {
		.uidl_format = argc > 3 ? argv[3] : "%08Xu%08Xv",
		.md5 = md5, .tell = tell,
	};
	struct ledger ledger;
	struct scan scan;
	int root_fd;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: imported MAILDIR SOURCE [FORMAT]\n");
		return EXIT_FAILURE;
	}
	rules.from = source_of(argv[2]);
	root_fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		fail(argv[1]);
	if (scan_maildir(&scan, root_fd, &hooks) < 0)
		fail("scan");
	if (ledger_read(&ledger, root_fd) < 0)
		fail("read the ledger");
	if (ledger.is_missing) {
		if (import_uidls(&ledger, root_fd, &scan, &rules) < 0)
			fail("import");
		if (ledger_write(&ledger, root_fd) < 0)
			fail("write the ledger");
	}
	print(&ledger, &scan);
	ledger_free(&ledger);
	scan_free(&scan);
	return EXIT_SUCCESS;
}
