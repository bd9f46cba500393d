/*
 * counters.h - what has happened since the start, in numbers
 *
 * The master counts; posternctl tells.  Both take the meaning of each number
 * from the table of families, and so do the metrics.
 */
#ifndef POSTERN_COUNTERS_H
#define POSTERN_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "mechanism.h"
#include "wire.h"

/* Behind the last mechanism: USER and PASS. */
#define COUNT_MECHANISMS (MECHANISMS + 1)

enum count_tls {
	COUNT_TLS_NONE, COUNT_TLS_1_0, COUNT_TLS_1_1, COUNT_TLS_1_2,
	COUNT_TLS_1_3, COUNT_TLS_OTHER, COUNT_TLS_KINDS
};

enum count {
	COUNT_CONNECTIONS,
	COUNT_REFUSED_ADDRESS, COUNT_REFUSED_FAILURES, COUNT_REFUSED_BUSY,
	COUNT_LOGINS,
	COUNT_LOGINS_DENIED = COUNT_LOGINS + COUNT_MECHANISMS,
	COUNT_SESSIONS,		/* that are over, by how they ended */
	COUNT_TLS = COUNT_SESSIONS + WIRE_ENDS,
	COUNT_WORKERS_LOST = COUNT_TLS + COUNT_TLS_KINDS,
	COUNT_WORKERS_KILLED,
	COUNT_OCTETS_SENT, COUNT_RETR, COUNT_TOP, COUNT_REMOVED, COUNT_EXPIRED,
	COUNT_RELOADS_DONE, COUNT_RELOADS_REFUSED,
	COUNTS
};

struct counters {
	uint64_t all[COUNTS];
};

/* Numbers that are one thing, told apart by a label. */
struct counter_family {
	const char *name;	/* of the metric, without "_total" */
	const char *help;
	const char *title;	/* for people */
	uint32_t first, count;	/* of enum count */
	const char *label;	/* NULL: it is one number */
	/* What the label is for number 0 .. count - 1. */
	const char *(*value)(uint32_t which);
};

extern const struct counter_family counter_families[];
extern const size_t counter_family_count;

/* One more. */
void counters_add(struct counters *counters, uint32_t which);

/* The kind of the TLS version 'name', as GnuTLS calls it; "": none. */
enum count_tls counters_tls(const char *name);

#endif
