/*
 * test_index.c - an index that is right is read, and no other one
 */
#include "config.h"

#include "maildir/index.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/checksum.h"
#include "maildir/gather.h"
#include "maildir/index_format.h"
#include "maildir_fixture.h"

#define FILE_BYTES 4096

/* The octets of an index, to be spoilt. */
struct octets {
	char all[FILE_BYTES];
	size_t count;
};

static void write_three(struct fixture *fixture)
{
	fixture_write(fixture, "new/1.a", "one\n");
	fixture_write(fixture, "cur/2.b,S=4:2,S", "two\n");
	fixture_write(fixture, "cur/3.not legal:2,", "three\n");
	fixture_age(fixture);
}

/* Scan the fixture and write what it has as an index. */
static void make_index(struct fixture *fixture, struct scan *scan)
{
	struct index_draft draft;

	assert_int_equal(index_begin(&draft, fixture->root_fd), 0);
	fixture_scan(fixture, scan);
	assert_int_equal(index_finish(&draft, fixture->root_fd, scan), 0);
	assert_false(fixture_has(fixture, "postern.index.new"));
}

static void make_index_of_three(struct fixture *fixture)
{
	struct scan scan;

	write_three(fixture);
	make_index(fixture, &scan);
	scan_free(&scan);
}

static int count_sink(void *context, const void *octets, size_t count)
{
	size_t *sum = context;

	(void)octets;
	*sum += count;
	return 0;
}

/* Where reading fails: "open", "listing", "load", or NULL. */
static const char *find_failure(struct fixture *fixture)
{
	struct index index;
	struct scan scan;
	const char *failure = NULL;
	size_t bytes = 0;

	scan_begin(&scan);
	if (index_open(&index, fixture->root_fd) < 0)
		failure = "open";
	else if (index_listing(&index, count_sink, &bytes) < 0)
		failure = "listing";
	else if (index_load(&index, &scan, GATHER_COUNTED) < 0)
		failure = "load";
	index_close(&index);
	scan_free(&scan);
	return failure;
}

static void read_octets(struct fixture *fixture, struct octets *octets)
{
	int fd = openat(fixture->root_fd, "postern.index", O_RDONLY);
	ssize_t count = read(fd, octets->all, sizeof(octets->all));

	assert_true(count > 0 && count < FILE_BYTES);
	octets->count = (size_t)count;
	close(fd);
}

static void write_octets(struct fixture *fixture, const struct octets *octets,
	size_t count)
{
	int fd = openat(fixture->root_fd, "postern.index",
		O_WRONLY | O_TRUNC | O_CREAT, 0600);

	assert_int_equal(write(fd, octets->all, count), count);
	close(fd);
}

/* Write octets whose sums are made right, as an enemy would. */
static void write_forged(struct fixture *fixture, struct octets *octets)
{
	struct index_frame frame;
	size_t details;

	memcpy(&frame, octets->all, sizeof(frame));
	details = sizeof(frame) + frame.listing_bytes;
	if (details < octets->count)
		frame.details_sum = checksum_of(octets->all + details,
			octets->count - details);
	if (details <= octets->count)
		frame.listing_sum = checksum_of(octets->all + sizeof(frame),
			frame.listing_bytes);
	frame.sum = checksum_of(&frame, offsetof(struct index_frame, sum));
	memcpy(octets->all, &frame, sizeof(frame));
	write_octets(fixture, octets, octets->count);
}

static void round_trip(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan, again;
	struct index index;
	size_t bytes, sum = 0;

	write_three(fixture);
	make_index(fixture, &scan);
	scan_begin(&again);
	assert_int_equal(index_open(&index, fixture->root_fd), 0);
	assert_int_equal(index.count, 3);
	assert_int_equal(index_load(&index, &again, GATHER_COUNTED), 0);
	assert_int_equal(again.count, 3);
	for (uint32_t idx = 0; idx < 3; idx++) {
		assert_string_equal(scan_name(&again, idx),
			scan_name(&scan, idx));
		assert_string_equal(fixture_uidl(&again, idx),
			fixture_uidl(&scan, idx));
		assert_int_equal(again.messages[idx].octets,
			scan.messages[idx].octets);
		assert_int_equal(again.messages[idx].inode,
			scan.messages[idx].inode);
	}
	free(listing_build(&scan, &bytes));
	assert_int_equal(index_listing(&index, count_sink, &sum), 0);
	assert_int_equal(sum, bytes);
	index_close(&index);
	scan_free(&again);
	scan_free(&scan);
}

static bool is_current(struct fixture *fixture)
{
	struct folder_stamps now[FOLDERS];
	struct index index;
	bool result = false;

	assert_int_equal(folder_look(fixture->root_fd, now), 0);
	if (index_open(&index, fixture->root_fd) == 0)
		result = index_is_current(&index, now);
	index_close(&index);
	return result;
}

static void current_while_unchanged(void **state)
{
	struct fixture *fixture = *state;

	make_index_of_three(fixture);
	assert_true(is_current(fixture));
	assert_true(is_current(fixture));
	fixture_rename(fixture, "new/1.a", "cur/1.a:2,S");
	assert_false(is_current(fixture));
	/* Even if somebody sets the clock of the folders back. */
	fixture_rename(fixture, "cur/1.a:2,S", "new/1.a");
	fixture_age(fixture);
	assert_false(is_current(fixture));
}

static void not_current_when_racy(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	fixture_write(fixture, "new/1.a", "one\n");
	make_index(fixture, &scan);
	scan_free(&scan);
	assert_false(is_current(fixture));
}

static void not_current_when_set_back(void **state)
{
	struct folder_stamps stamps[FOLDERS] = {
		{ .inode = 1, .mtime_s = 1000, .ctime_s = 5000 },
		{ .inode = 2, .mtime_s = 1000, .ctime_s = 1000 },
	};
	struct index index = { .facts = { .begun_s = 5001 } };

	(void)state;	/* not used */
	memcpy(index.facts.stamps, stamps, sizeof(stamps));
	assert_false(index_is_current(&index, stamps));
	index.facts.begun_s = 5000 + FOLDER_RACY_S + 1;
	assert_true(index_is_current(&index, stamps));
	/* What shows more than seconds is not the same after a change. */
	index.facts.begun_s = 5001;
	index.facts.stamps[0].ctime_ns = stamps[0].ctime_ns = 1;
	assert_true(index_is_current(&index, stamps));
}

static void replaced_folder(void **state)
{
	struct fixture *fixture = *state;

	make_index_of_three(fixture);
	fixture_rename(fixture, "new", "old");
	assert_int_equal(mkdirat(fixture->root_fd, "new", 0700), 0);
	fixture_age(fixture);
	assert_false(is_current(fixture));
}

static void truncated(void **state)
{
	struct fixture *fixture = *state;
	struct octets octets;

	make_index_of_three(fixture);
	read_octets(fixture, &octets);
	for (size_t count = 0; count < octets.count; count++) {
		write_octets(fixture, &octets, count);
		assert_non_null(find_failure(fixture));
	}
	octets.all[octets.count] = '\0';
	write_octets(fixture, &octets, octets.count + 1);
	assert_non_null(find_failure(fixture));
	write_octets(fixture, &octets, octets.count);
	assert_null(find_failure(fixture));
}

static void flipped(void **state)
{
	struct fixture *fixture = *state;
	struct octets octets;
	struct index_frame frame;

	make_index_of_three(fixture);
	read_octets(fixture, &octets);
	memcpy(&frame, octets.all, sizeof(frame));
	for (size_t at = 0; at < octets.count; at++) {
		const char *part = at < sizeof(frame) ? "open" :
			at < sizeof(frame) + frame.listing_bytes ? "listing" :
			"load";

		octets.all[at] ^= 0x10;
		write_octets(fixture, &octets, octets.count);
		assert_string_equal(find_failure(fixture), part);
		octets.all[at] ^= 0x10;
	}
}

static void foreign(void **state)
{
	struct fixture *fixture = *state;
	struct octets octets;
	struct index_frame frame;

	make_index_of_three(fixture);
	read_octets(fixture, &octets);
	memcpy(&frame, octets.all, sizeof(frame));
	frame.magic = __builtin_bswap64(frame.magic);
	memcpy(octets.all, &frame, sizeof(frame));
	write_forged(fixture, &octets);
	assert_string_equal(find_failure(fixture), "open");
	frame.magic = __builtin_bswap64(frame.magic);
	frame.version = INDEX_VERSION - 1;
	memcpy(octets.all, &frame, sizeof(frame));
	write_forged(fixture, &octets);
	assert_string_equal(find_failure(fixture), "open");
}

/* Change message 'idx' of a fresh index, with sums that are right. */
static void forge(struct fixture *fixture, uint32_t idx,
	void (*change)(struct scan_message *, char *names))
{
	struct octets octets;
	struct index_frame frame;
	struct scan_message message;
	size_t messages_at, at;

	make_index_of_three(fixture);
	read_octets(fixture, &octets);
	memcpy(&frame, octets.all, sizeof(frame));
	messages_at = sizeof(frame) + frame.listing_bytes;
	at = messages_at + idx * sizeof(message);
	memcpy(&message, octets.all + at, sizeof(message));
	change(&message, octets.all + messages_at +
		frame.count * sizeof(message));
	memcpy(octets.all + at, &message, sizeof(message));
	write_forged(fixture, &octets);
}

static void name_leads_away(struct scan_message *message, char *names)
{
	memcpy(names + message->name, "../", 3);
}

static void name_has_a_slash(struct scan_message *message, char *names)
{
	names[message->name + 1] = '/';
}

static void name_is_hidden(struct scan_message *message, char *names)
{
	names[message->name] = '.';
}

static void name_is_empty(struct scan_message *message, char *names)
{
	names[message->name] = '\0';
}

static void name_is_outside(struct scan_message *message, char *names)
{
	(void)names;	/* not changed */
	message->name = UINT32_MAX;
}

static void uidl_is_outside(struct scan_message *message, char *names)
{
	(void)names;	/* not changed */
	message->uidl = UINT32_MAX - 2;
}

static void uidl_is_none(struct scan_message *message, char *names)
{
	(void)names;	/* not changed */
	message->uidl = SCAN_UIDL_NONE;
}

static void uidl_is_illegal(struct scan_message *message, char *names)
{
	message->uidl = message->name;
	names[message->name] = ' ';
}

static void uidl_would_be_illegal(struct scan_message *message, char *names)
{
	names[message->name + 1] = ' ';
}

static void folder_is_none(struct scan_message *message, char *names)
{
	(void)names;	/* not changed */
	message->folder = FOLDERS;
}

static void names_overlap(struct scan_message *message, char *names)
{
	/* The second string is then a part of the first, as "a" of "1.a". */
	(void)names;	/* not changed */
	message->name -= 2;
}

static void uidl_is_in_a_name(struct scan_message *message, char *names)
{
	message->uidl = message->name;
	memset(names + message->name, 'x', 3);
}

static void hostile(void **state)
{
	static void (*const changes[])(struct scan_message *, char *) = {
		name_leads_away, name_has_a_slash, name_is_hidden,
		name_is_empty, name_is_outside, uidl_is_outside, uidl_is_none,
		uidl_is_illegal, uidl_would_be_illegal, folder_is_none,
		uidl_is_in_a_name,
	};

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		forge(*state, 0, changes[i]);
		assert_string_equal(find_failure(*state), "load");
	}
	forge(*state, 1, names_overlap);
	assert_string_equal(find_failure(*state), "load");
}

static void long_names(void **state)
{
	struct fixture *fixture = *state;
	char name[NAME_MAX + 2] = "1.a,";
	struct scan scan;

	memset(name + 4, 'x', NAME_MAX - 3);
	for (int extra = 1; extra >= 0; extra--) {
		struct index_draft draft;

		write_three(fixture);
		assert_int_equal(index_begin(&draft, fixture->root_fd), 0);
		fixture_scan(fixture, &scan);
		name[NAME_MAX + extra] = '\0';
		assert_int_equal(gather_string(&scan, &scan.messages[0].name,
			name), 0);
		assert_int_equal(index_finish(&draft, fixture->root_fd,
			&scan), 0);
		if (extra == 1)
			assert_string_equal(find_failure(fixture), "load");
		else
			assert_null(find_failure(fixture));
		scan_free(&scan);
	}
}

static void absurd_frame(void **state)
{
	struct fixture *fixture = *state;
	struct octets octets;
	struct index_frame good, frame;

	make_index_of_three(fixture);
	read_octets(fixture, &octets);
	memcpy(&good, octets.all, sizeof(good));
	for (int i = 0; i < 5; i++) {
		frame = good;
		if (i == 0)
			frame.count = UINT32_MAX;
		if (i == 1)
			frame.names_bytes = UINT64_MAX;
		if (i == 2)
			frame.listing_bytes = UINT64_MAX - 100;
		if (i == 3)
			frame.count = 4;
		if (i == 4)
			frame.names_bytes -= sizeof(struct scan_message);
		memcpy(octets.all, &frame, sizeof(frame));
		frame.sum = checksum_of(&frame,
			offsetof(struct index_frame, sum));
		memcpy(octets.all, &frame, sizeof(frame));
		write_octets(fixture, &octets, octets.count);
		assert_string_equal(find_failure(fixture), "open");
	}
}

static void names_without_end(void **state)
{
	struct fixture *fixture = *state;
	struct octets octets;

	make_index_of_three(fixture);
	read_octets(fixture, &octets);
	octets.all[octets.count - 1] = 'x';
	write_forged(fixture, &octets);
	assert_string_equal(find_failure(fixture), "load");
}

static void odd_files(void **state)
{
	struct fixture *fixture = *state;

	make_index_of_three(fixture);
	fixture_rename(fixture, "postern.index", "elsewhere");
	assert_int_equal(symlinkat("elsewhere", fixture->root_fd,
		"postern.index"), 0);
	assert_string_equal(find_failure(fixture), "open");
	fixture_remove(fixture, "postern.index");
	assert_int_equal(mkfifoat(fixture->root_fd, "postern.index", 0600), 0);
	assert_string_equal(find_failure(fixture), "open");
	fixture_remove(fixture, "postern.index");
	assert_string_equal(find_failure(fixture), "open");
	assert_int_equal(mkdirat(fixture->root_fd, "postern.index", 0700), 0);
	assert_string_equal(find_failure(fixture), "open");
}

static void stale_draft(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "outside", "mine");
	assert_int_equal(symlinkat("outside", fixture->root_fd,
		"postern.index.new"), 0);
	make_index_of_three(fixture);
	assert_null(find_failure(fixture));
	assert_true(fixture_has(fixture, "outside"));
}

static void abandoned(void **state)
{
	struct fixture *fixture = *state;
	struct index_draft draft;

	make_index_of_three(fixture);
	assert_int_equal(index_begin(&draft, fixture->root_fd), 0);
	assert_true(fixture_has(fixture, "postern.index.new"));
	index_abandon(&draft, fixture->root_fd);
	assert_false(fixture_has(fixture, "postern.index.new"));
	assert_true(is_current(fixture));
}

static int write_read_only(struct fixture *fixture)
{
	struct index_draft draft;
	struct scan scan;

	if (index_begin(&draft, fixture->root_fd) < 0 || draft.fd >= 0)
		return 1;
	if (scan_maildir(&scan, fixture->root_fd, &fixture->hooks) < 0)
		return 2;
	if (index_finish(&draft, fixture->root_fd, &scan) == 0)
		return 3;
	scan_free(&scan);
	return find_failure(fixture) == NULL ? 0 : 4;
}

static void read_only(void **state)
{
	struct fixture *fixture = *state;

	make_index_of_three(fixture);
	assert_int_equal(fchmod(fixture->root_fd, 0500), 0);
	assert_int_equal(fixture_as_nobody(fixture, write_read_only), 0);
}

static void empty_maildir(void **state)
{
	struct fixture *fixture = *state;
	struct scan scan;

	fixture_age(fixture);
	make_index(fixture, &scan);
	scan_free(&scan);
	assert_null(find_failure(fixture));
	assert_true(is_current(fixture));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("what was written is read", round_trip),
		CASE("an index is current until a folder changes",
			current_while_unchanged),
		CASE("an index of a folder that has just changed is not "
			"current", not_current_when_racy),
		PURE_CASE("an index of a folder whose time was just set back "
			"is not current if its clock shows seconds",
			not_current_when_set_back),
		CASE("an index of a folder that was replaced is not current",
			replaced_folder),
		CASE("an index of any other length is not read", truncated),
		CASE("an index with one octet changed is not read", flipped),
		CASE("an index of another byte order or version is not read",
			foreign),
		CASE("an index that lies with right sums is not read", hostile),
		CASE("a name longer than any file's is not read", long_names),
		CASE("a frame with absurd numbers is not read", absurd_frame),
		CASE("names that do not end are not read", names_without_end),
		CASE("links, FIFOs and directories are not read", odd_files),
		CASE("a draft that was left behind is replaced, not followed",
			stale_draft),
		CASE("an abandoned draft leaves the old index as it was",
			abandoned),
		CASE("where nothing can be written the old index stays",
			read_only),
		CASE("an empty maildrop has an index", empty_maildir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
