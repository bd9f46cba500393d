/*
 * import_list.c - what another server called its messages, and their order
 *
 * Pure.  Runs in: the keeper.
 * Distrusts: the files of that server: names and unique-ids may be anything,
 * and may be there twice.
 */
#include "config.h"

#include "maildir/import_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/name.h"

/* A list, the files that are there, and the records by their names. */
struct names {
	struct import_list *list;
	const struct scan *scan;
	uint32_t *idx;
};

static int grow_records(struct import_list *list)
{
	uint64_t room = (uint64_t)list->count + list->count / 2 + 64;
	struct import_record *records;

	if (room > UINT32_MAX || room > SIZE_MAX / sizeof(*records)) {
		errno = EOVERFLOW;
		return -1;
	}
	records = realloc(list->records, (size_t)room * sizeof(*records));
	if (records == NULL)
		return -1;
	list->records = records;
	list->room = (uint32_t)room;
	return 0;
}

static int grow_strings(struct import_list *list, size_t more)
{
	uint64_t need = (uint64_t)list->strings_bytes + more;
	uint64_t room = need + need / 2 + 4096;
	char *strings;

	if (need <= list->strings_room)
		return 0;
	if (need > UINT32_MAX || room > SIZE_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	strings = realloc(list->strings, (size_t)room);
	if (strings == NULL)
		return -1;
	list->strings = strings;
	list->strings_room = (size_t)room;
	return 0;
}

/* Append a string for which there is room; return where it begins. */
static uint32_t append(struct import_list *list, const char *octets,
	size_t count)
{
	size_t at = list->strings_bytes;

	memcpy(list->strings + at, octets, count);
	list->strings[at + count] = '\0';
	list->strings_bytes = at + count + 1;
	return (uint32_t)at;
}

int import_list_add(struct import_list *list,
	const struct import_record *place, const char *name, const char *uidl)
{
	size_t name_octets = strcspn(name, ":");
	size_t uidl_octets = strlen(uidl);
	struct import_record *record;

	if (name_octets < 1 || name_octets > LEDGER_UNIQUE_OCTETS ||
			memchr(name, '/', name_octets) != NULL) {
		list->broken++;
		return 0;
	}
	if (!name_is_uidl(uidl, uidl_octets)) {
		list->illegal++;
		return 0;
	}
	if (list->count == list->room && grow_records(list) < 0)
		return -1;
	if (grow_strings(list, name_octets + uidl_octets + 2) < 0)
		return -1;
	record = &list->records[list->count];
	*record = *place;
	record->name = append(list, name, name_octets);
	record->uidl = append(list, uidl, uidl_octets);
	record->is_replaced = false;
	record->sequence = list->count++;
	return 0;
}

static const char *name_of(const struct import_list *list,
	const struct import_record *record)
{
	return list->strings + record->name;
}

static int compare_places(const void *left, const void *right)
{
	const struct import_record *a = left, *b = right;

	if (a->major != b->major)
		return a->major < b->major ? -1 : 1;
	if (a->minor != b->minor)
		return a->minor < b->minor ? -1 : 1;
	return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

/* Most lists are in order already. */
static void sort_by_place(struct import_list *list)
{
	for (uint32_t i = 1; i < list->count; i++)
		if (compare_places(&list->records[i - 1],
				&list->records[i]) > 0) {
			qsort(list->records, list->count,
				sizeof(*list->records), compare_places);
			return;
		}
}

/* By unique part, base name, file; those that were added later behind. */
static int compare_names(const void *left, const void *right, void *context)
{
	const struct import_list *list = context;
	const struct import_record *a =
		&list->records[*(const uint32_t *)left];
	const struct import_record *b =
		&list->records[*(const uint32_t *)right];
	int order = name_compare(name_of(list, a), name_of(list, b));

	if (order != 0)
		return order;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static void sort_by_name(struct names *names)
{
	struct import_list *list = names->list;

	for (uint32_t i = 1; i < list->count; i++)
		if (compare_names(&names->idx[i - 1], &names->idx[i],
				list) > 0) {
			/* POSIX.1-2024 has qsort_r as glibc and musl do. */
			qsort_r(names->idx, list->count, sizeof(*names->idx),
				compare_names, list);
			return;
		}
}

static bool is_base_of(const char *base, const char *name)
{
	size_t octets = strlen(base);

	return strncmp(base, name, octets) == 0 &&
		(name[octets] == '\0' || name[octets] == ':');
}

/* Find the first message whose unique part is that of 'base' or later. */
static uint32_t find_unique(const struct scan *scan, const char *base)
{
	uint32_t low = 0, high = scan->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (name_compare_unique(scan_name(scan, middle), base) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Return the inode of the file with that base name, or LEDGER_ANY_INODE. */
static uint64_t inode_of(const struct scan *scan, const char *base)
{
	for (uint32_t idx = find_unique(scan, base); idx < scan->count &&
			name_compare_unique(scan_name(scan, idx), base) == 0;
			idx++)
		if (is_base_of(base, scan_name(scan, idx)))
			return scan->messages[idx].inode;
	return LEDGER_ANY_INODE;
}

static struct import_record *record_of(const struct names *names, uint32_t i)
{
	return &names->list->records[names->idx[i]];
}

static bool is_same_unique(const struct names *names, uint32_t i, uint32_t j)
{
	return name_compare_unique(name_of(names->list, record_of(names, i)),
		name_of(names->list, record_of(names, j))) == 0;
}

static bool is_same_file(const struct names *names, uint32_t i, uint32_t j)
{
	return record_of(names, i)->inode == record_of(names, j)->inode &&
		strcmp(name_of(names->list, record_of(names, i)),
			name_of(names->list, record_of(names, j))) == 0;
}

/* Of each base name keep the last record; find its file; count the files. */
static uint32_t find_files(struct names *names, uint32_t from, uint32_t to)
{
	uint32_t files = 0;

	for (uint32_t i = from; i < to; i++)
		record_of(names, i)->is_replaced =
			i + 1 < to && is_same_file(names, i, i + 1);
	for (uint32_t i = from; i < to; i++) {
		struct import_record *record = record_of(names, i);

		if (record->is_replaced)
			continue;
		if (record->inode == LEDGER_ANY_INODE)
			record->inode = inode_of(names->scan,
				name_of(names->list, record));
		files += record->inode != LEDGER_ANY_INODE;
	}
	return files;
}

/* Keep one record, the last one, of those whose file is there if 'has_file'. */
static void keep_last(struct names *names, uint32_t from, uint32_t to,
	bool has_file)
{
	struct import_record *last = NULL;

	for (uint32_t i = from; i < to; i++) {
		struct import_record *record = record_of(names, i);

		if (!record->is_replaced &&
			(!has_file || record->inode != LEDGER_ANY_INODE) &&
			(last == NULL || record->sequence > last->sequence))
			last = record;
		record->is_replaced = true;
	}
	if (last != NULL) {
		last->is_replaced = false;
		last->inode = LEDGER_ANY_INODE;
	}
}

/* Settle which records of one unique part hold, and for which files. */
static void settle_group(struct names *names, uint32_t from, uint32_t to)
{
	uint32_t files = find_files(names, from, to);

	if (files < 2) {
		keep_last(names, from, to, files == 1);
		return;
	}
	for (uint32_t i = from; i < to; i++)
		if (record_of(names, i)->inode == LEDGER_ANY_INODE)
			record_of(names, i)->is_replaced = true;
}

static void settle(struct names *names)
{
	uint32_t count = names->list->count, to;

	for (uint32_t from = 0; from < count; from = to) {
		to = from + 1;
		while (to < count && is_same_unique(names, from, to))
			to++;
		settle_group(names, from, to);
	}
}

static int settle_names(struct import_list *list, const struct scan *scan)
{
	struct names names = {
		.list = list, .scan = scan,
		.idx = calloc((size_t)list->count + 1, sizeof(*names.idx)),
	};

	if (names.idx == NULL)
		return -1;
	for (uint32_t i = 0; i < list->count; i++)
		names.idx[i] = i;
	sort_by_name(&names);
	settle(&names);
	free(names.idx);
	return 0;
}

/* Whether the ledger has an entry for just that name and inode. */
static bool is_known(const struct ledger *ledger, const char *name,
	uint64_t inode)
{
	const struct ledger_entry *entry = ledger_find(ledger, name, inode);

	return entry != NULL && entry->inode == inode;
}

static int add_record(struct import_list *list, uint32_t idx,
	struct ledger *ledger, uint32_t *added)
{
	const struct import_record *record = &list->records[idx];
	const char *name = name_of(list, record);
	struct ledger_entry facts = {
		.inode = record->inode, .rank = idx + 1,
	};

	if (is_known(ledger, name, record->inode))
		return 0;
	if (ledger_add(ledger, name, name_unique(name),
			list->strings + record->uidl, &facts) == 0) {
		(*added)++;
		return 0;
	}
	if (errno != EEXIST)
		return -1;
	list->doubled++;
	return 0;
}

int import_list_into(struct import_list *list, const struct scan *scan,
	struct ledger *ledger, uint32_t *added)
{
	*added = 0;
	sort_by_place(list);
	if (settle_names(list, scan) < 0)
		return -1;
	for (uint32_t idx = 0; idx < list->count; idx++)
		if (!list->records[idx].is_replaced &&
				add_record(list, idx, ledger, added) < 0)
			return -1;
	return 0;
}

void import_list_free(struct import_list *list)
{
	free(list->records);
	free(list->strings);
	*list = (struct import_list){ .records = NULL };
}
