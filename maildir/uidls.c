/*
 * uidls.c - give each new message of a scan a unique-id that no other one has
 *
 * Pure.  Runs in: the keeper.
 * Distrusts: names, some of which may imitate the unique-id of another.
 */
#include "config.h"

#include "maildir/uidls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/gather.h"

/* Each attempt hashes something else; one is enough unless somebody cheats. */
#define ATTEMPTS 8
#define ATTEMPT_SHIFT 56

/* Where the unique-id is that a message claims. */
enum source {
	FROM_NAME,	/* the unique part of its name */
	FROM_NAMES,	/* at claim.at in scan.names */
	FROM_LEDGER	/* at claim.at in ledger.strings: nobody else's ever */
};

/* A message that wants a unique-id.  Small: at first all messages do. */
struct claim {
	uint32_t idx;
	uint32_t at;
	uint8_t source;		/* enum source */
	bool is_refused;
};

struct claims {
	struct scan *scan;
	struct ledger *ledger;
	const struct scan_hooks *hooks;
	struct claim *all;
	uint32_t count;
};

static const char *name_of(const struct scan *scan, uint32_t idx)
{
	return scan->names + scan->messages[idx].name;
}

/* The unique-id that is claimed; its octets end with no NUL. */
static const char *uidl_of(const struct claims *claims,
	const struct claim *claim, size_t *octets)
{
	const char *uidl = name_of(claims->scan, claim->idx);

	if (claim->source == FROM_NAME) {
		*octets = name_unique(uidl);
		return uidl;
	}
	uidl = claim->source == FROM_NAMES ? claims->scan->names + claim->at :
		claims->ledger->strings + claim->at;
	*octets = strlen(uidl);
	return uidl;
}

static int collect(struct claims *claims)
{
	const struct scan *scan = claims->scan;
	uint32_t count = 0;

	for (uint32_t idx = 0; idx < scan->count; idx++)
		count += scan->messages[idx].uidl == SCAN_UIDL_NONE;
	claims->count = 0;
	claims->all = calloc((size_t)count + 1, sizeof(*claims->all));
	if (claims->all == NULL)
		return -1;
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].uidl == SCAN_UIDL_NONE)
			claims->all[claims->count++].idx = idx;
	return 0;
}

/* Claim a unique-id that is stored nowhere yet. */
static int claim_text(const struct claims *claims, struct claim *claim,
	const char *uidl)
{
	claim->source = FROM_NAMES;
	claim->at = UINT32_MAX;
	return gather_string(claims->scan, &claim->at, uidl);
}

/* The first attempt: what the ledger or the name says. */
static int claim_usual(const struct claims *claims, struct claim *claim)
{
	struct scan_message *message = &claims->scan->messages[claim->idx];
	const char *name = name_of(claims->scan, claim->idx);
	const struct ledger_entry *entry = ledger_find(claims->ledger, name,
		message->inode);
	char uidl[NAME_UIDL_OCTETS + 1];

	if (entry != NULL) {
		claim->source = FROM_LEDGER;
		claim->at = entry->uidl;
		message->rank = entry->rank;
		return 0;
	}
	claim->source = FROM_NAME;
	if (name_has_uidl(name))
		return 0;
	name_uidl(name, claims->hooks->digest, uidl);
	return claim_text(claims, claim, uidl);
}

/* Each further attempt: a hash that nobody else should have. */
static int claim_hash(const struct claims *claims, struct claim *claim,
	unsigned int attempt)
{
	uint64_t inode = claims->scan->messages[claim->idx].inode;
	uint64_t salt = (uint64_t)(attempt - 1) << ATTEMPT_SHIFT;
	char uidl[NAME_UIDL_OCTETS + 1];

	name_uidl_of_twin(name_of(claims->scan, claim->idx), inode ^ salt,
		claims->hooks->digest, uidl);
	return claim_text(claims, claim, uidl);
}

static int claim_all(const struct claims *claims, unsigned int attempt)
{
	for (uint32_t i = 0; i < claims->count; i++) {
		struct claim *claim = &claims->all[i];
		int status = attempt == 0 ? claim_usual(claims, claim) :
			claim_hash(claims, claim, attempt);

		if (status < 0)
			return -1;
		claim->is_refused = false;
	}
	return 0;
}

/* Compare a claim with 'octets' octets at 'uidl'. */
static int compare_uidl(const struct claims *claims,
	const struct claim *claim, const char *uidl, size_t octets)
{
	size_t own_octets;
	const char *own = uidl_of(claims, claim, &own_octets);
	int order = memcmp(own, uidl,
		own_octets < octets ? own_octets : octets);

	return order != 0 ? order :
		(own_octets > octets) - (own_octets < octets);
}

/*
 * By unique-id; then what the ledger says, which a name may imitate; then age,
 * inode, and the place in the scan.
 */
static int compare_claims(const void *left, const void *right, void *context)
{
	const struct claims *claims = context;
	const struct claim *l = left, *r = right;
	const struct scan_message *a = &claims->scan->messages[l->idx];
	const struct scan_message *b = &claims->scan->messages[r->idx];
	size_t octets;
	const char *uidl = uidl_of(claims, r, &octets);
	int order = compare_uidl(claims, l, uidl, octets);

	if (order != 0)
		return order;
	if ((l->source == FROM_LEDGER) != (r->source == FROM_LEDGER))
		return l->source == FROM_LEDGER ? -1 : 1;
	if (a->mtime_ns != b->mtime_ns)
		return a->mtime_ns < b->mtime_ns ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (l->idx > r->idx) - (l->idx < r->idx);
}

static void sort(struct claims *claims)
{
	uint32_t i = 1;

	/* Names of the usual form come in this order. */
	while (i < claims->count && compare_claims(&claims->all[i - 1],
			&claims->all[i], claims) < 0)
		i++;
	/* POSIX.1-2024 has qsort_r as glibc and musl do. */
	if (i < claims->count)
		qsort_r(claims->all, claims->count, sizeof(*claims->all),
			compare_claims, claims);
}

/* Refuse the first claim to what another message has already. */
static void refuse_taken(const struct claims *claims, uint32_t idx)
{
	size_t octets;
	const char *uidl = scan_uidl(claims->scan, idx, &octets);
	uint32_t low = 0, high = claims->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_uidl(claims, &claims->all[middle], uidl,
				octets) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < claims->count && compare_uidl(claims, &claims->all[low],
			uidl, octets) == 0)
		claims->all[low].is_refused = true;
}

/* Judge the claims, which are sorted: the first of each run may be granted. */
static void judge(const struct claims *claims)
{
	const struct scan *scan = claims->scan;

	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].uidl != SCAN_UIDL_NONE)
			refuse_taken(claims, idx);
	for (uint32_t i = 0; i < claims->count; i++) {
		struct claim *claim = &claims->all[i];
		size_t octets;
		const char *uidl = uidl_of(claims, claim, &octets);

		if (i > 0 && compare_uidl(claims, &claims->all[i - 1], uidl,
				octets) == 0)
			claim->is_refused = true;
		else if (claim->source != FROM_LEDGER && ledger_has_uidl(
				claims->ledger, uidl, octets))
			claim->is_refused = true;
	}
}

static int grant(struct claims *claims, const struct claim *claim)
{
	struct scan *scan = claims->scan;
	struct scan_message *message = &scan->messages[claim->idx];
	uint32_t at = UINT32_MAX;

	switch (claim->source) {
	case FROM_NAME:
		message->uidl = SCAN_UIDL_UNIQUE;
		return 0;
	case FROM_NAMES:
		message->uidl = claim->at;
		return 0;
	default:
		if (gather_string(scan, &at,
				claims->ledger->strings + claim->at) < 0)
			return -1;
		message->uidl = at;
		return 0;
	}
}

/* Grant what is not refused; the others stay claims. */
static int grant_all(struct claims *claims)
{
	uint32_t refused = 0;

	for (uint32_t i = 0; i < claims->count; i++) {
		if (claims->all[i].is_refused)
			claims->all[refused++] = claims->all[i];
		else if (grant(claims, &claims->all[i]) < 0)
			return -1;
	}
	claims->count = refused;
	return 0;
}

static int attempt_all(struct claims *claims)
{
	for (unsigned int i = 0; i <= ATTEMPTS && claims->count > 0; i++) {
		if (claim_all(claims, i) < 0)
			return -1;
		sort(claims);
		judge(claims);
		if (grant_all(claims) < 0)
			return -1;
	}
	return 0;
}

static void leave_out(const struct claims *claims)
{
	for (uint32_t i = 0; i < claims->count; i++) {
		uint32_t idx = claims->all[i].idx;

		claims->scan->messages[idx].state = GATHER_LEFT_OUT;
		claims->hooks->left_out(claims->hooks->context,
			name_of(claims->scan, idx), "unique-id is taken");
	}
}

/* The unique part does not tell twins apart for ever: the ledger does. */
static int enter_twin(struct ledger *ledger, const struct scan *scan,
	uint32_t idx)
{
	const struct scan_message *message = &scan->messages[idx];
	const char *name = name_of(scan, idx);
	const struct ledger_entry *known = ledger_find(ledger, name,
		message->inode);
	struct ledger_entry facts = {
		.inode = message->inode, .rank = message->rank,
	};
	char uidl[NAME_UIDL_OCTETS + 1];
	size_t octets;
	const char *own;

	if (message->state != GATHER_COUNTED ||
			(known != NULL && known->inode == message->inode))
		return 0;
	own = scan_uidl(scan, idx, &octets);
	memcpy(uidl, own, octets);
	uidl[octets] = '\0';
	if (ledger_add(ledger, name, name_unique(name), uidl, &facts) == 0 ||
			errno == EEXIST)
		return 0;
	return -1;
}

/* Twins are neighbours, by their identities. */
static int enter_twins(struct ledger *ledger, const struct scan *scan)
{
	for (uint32_t idx = 1; idx < scan->count; idx++) {
		if (name_compare_unique(name_of(scan, idx - 1),
				name_of(scan, idx)) != 0)
			continue;
		if (enter_twin(ledger, scan, idx - 1) < 0 ||
				enter_twin(ledger, scan, idx) < 0)
			return -1;
	}
	return 0;
}

int uidls_assign(struct scan *scan, struct ledger *ledger,
	const struct scan_hooks *hooks)
{
	struct claims claims = {
		.scan = scan, .ledger = ledger, .hooks = hooks,
	};
	int status = 0;

	if (collect(&claims) < 0)
		return -1;
	if (claims.count > 0) {
		status = attempt_all(&claims);
		if (status == 0) {
			leave_out(&claims);
			status = enter_twins(ledger, scan);
		}
	}
	free(claims.all);
	return status;
}
