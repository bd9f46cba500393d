/*
 * uidls.c - give each message of a scan a unique-id that no other one has
 *
 * Pure.  Runs in: the keeper.
 * Distrusts: names, some of which may imitate the unique-id of another.
 */
#include "config.h"

#include "maildir/uidls.h"

#include <stdlib.h>
#include <string.h>

#include "maildir/gather.h"

/* Each attempt hashes something else; one is enough unless somebody cheats. */
#define ATTEMPTS 8
#define ATTEMPT_SHIFT 56

/* 'h' and 32 hex digits. */
#define HASHED_OCTETS 33

/*
 * The messages that may share a unique-id with another: their unique part is
 * their neighbour's, or their unique-id has the form of a hash.  All others
 * have a unique part that no other message has, as it stands.
 */
struct suspects {
	uint32_t *idx;
	uint32_t count;
};

static const char *uidl_of(const struct scan *scan, uint32_t idx)
{
	return scan->names + scan->messages[idx].uidl;
}

static bool is_hash_like(const char *uidl)
{
	return uidl[0] == 'h' && strlen(uidl) == HASHED_OCTETS;
}

static bool is_like_next(const struct scan *scan, uint32_t idx)
{
	return idx + 1 < scan->count &&
		strcmp(uidl_of(scan, idx), uidl_of(scan, idx + 1)) == 0;
}

static bool is_suspect(const struct scan *scan, uint32_t idx)
{
	return is_hash_like(uidl_of(scan, idx)) || is_like_next(scan, idx) ||
		(idx > 0 && is_like_next(scan, idx - 1));
}

static int find_suspects(const struct scan *scan, struct suspects *suspects)
{
	uint32_t count = 0;

	for (uint32_t idx = 0; idx < scan->count; idx++)
		count += is_suspect(scan, idx);
	suspects->count = 0;
	suspects->idx = calloc((size_t)count + 1, sizeof(*suspects->idx));
	if (suspects->idx == NULL)
		return -1;
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (is_suspect(scan, idx))
			suspects->idx[suspects->count++] = idx;
	return 0;
}

/* By unique-id, then age, then inode; the message number settles the rest. */
static int compare_suspects(const void *left, const void *right, void *context)
{
	const uint32_t *l = left, *r = right;
	const struct scan *scan = context;
	const struct scan_message *a = &scan->messages[*l];
	const struct scan_message *b = &scan->messages[*r];
	int order = strcmp(uidl_of(scan, *l), uidl_of(scan, *r));

	if (order != 0)
		return order;
	if (a->mtime_ns != b->mtime_ns)
		return a->mtime_ns < b->mtime_ns ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (*l > *r) - (*l < *r);
}

/* Give a twin its next unique-id, or give it up after the last attempt. */
static int part_twin(struct scan *scan, uint32_t idx,
	const struct scan_hooks *hooks, unsigned int attempt)
{
	struct scan_message *message = &scan->messages[idx];
	const char *name = scan->names + message->name;
	char uidl[NAME_UIDL_OCTETS + 1];
	uint64_t salt = (uint64_t)attempt << ATTEMPT_SHIFT;

	if (attempt == ATTEMPTS) {
		message->state = GATHER_LEFT_OUT;
		hooks->left_out(hooks->context, name, "unique-id is taken");
		return 0;
	}
	name_uidl_of_twin(name, message->inode ^ salt, hooks->digest, uidl);
	return gather_string(scan, &message->uidl, uidl);
}

/*
 * Part all suspects that share a unique-id.  Returns 1 if there were any, 0 if
 * not, or -1 with errno.
 */
static int part_twins(struct scan *scan, const struct suspects *suspects,
	const struct scan_hooks *hooks, unsigned int attempt)
{
	int result = 0;

	/* POSIX.1-2024 has qsort_r as glibc and musl do. */
	qsort_r(suspects->idx, suspects->count, sizeof(*suspects->idx),
		compare_suspects, scan);
	/* From the end, so that the one before still has its old one. */
	for (uint32_t i = suspects->count; i-- > 1;) {
		uint32_t idx = suspects->idx[i];

		if (strcmp(uidl_of(scan, suspects->idx[i - 1]),
			uidl_of(scan, idx)) != 0)
			continue;
		result = 1;
		if (part_twin(scan, idx, hooks, attempt) < 0)
			return -1;
	}
	return result;
}

static int assign_plain(struct scan *scan, name_digest *digest)
{
	char uidl[NAME_UIDL_OCTETS + 1];

	for (uint32_t idx = 0; idx < scan->count; idx++) {
		struct scan_message *message = &scan->messages[idx];

		name_uidl(scan->names + message->name, digest, uidl);
		message->uidl = UINT32_MAX;
		if (gather_string(scan, &message->uidl, uidl) < 0)
			return -1;
	}
	return 0;
}

int uidls_assign(struct scan *scan, const struct scan_hooks *hooks)
{
	struct suspects suspects;
	int result = 1;

	if (assign_plain(scan, hooks->digest) < 0)
		return -1;
	if (find_suspects(scan, &suspects) < 0)
		return -1;
	for (unsigned int i = 0; i <= ATTEMPTS && result > 0; i++)
		result = part_twins(scan, &suspects, hooks, i);
	free(suspects.idx);
	return result < 0 ? -1 : 0;
}
