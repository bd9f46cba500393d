/*
 * test_ledger.c - the ledger: what it holds, and its file
 */
#include "config.h"

#include "maildir/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/ledger_file.h"
#include "maildir_fixture.h"

#define FILE_BYTES (1 << 16)

static int add(struct ledger *ledger, const char *unique, uint64_t inode,
	const char *uidl, uint32_t rank)
{
	struct ledger_entry facts = { .inode = inode, .rank = rank };

	return ledger_add(ledger, unique, strlen(unique), uidl, &facts);
}

static void assert_refused(int error, int result)
{
	assert_int_equal(errno, error);
	assert_int_equal(result, -1);
}

static void assert_uidl(const struct ledger *ledger, const char *name,
	uint64_t inode, const char *uidl)
{
	const struct ledger_entry *entry = ledger_find(ledger, name, inode);

	if (uidl == NULL) {
		assert_null(entry);
		return;
	}
	assert_non_null(entry);
	assert_string_equal(ledger->strings + entry->uidl, uidl);
	assert_true(ledger_has_uidl(ledger, uidl, strlen(uidl)));
	assert_true(ledger_has_unique(ledger, name));
}

/* All that the file holds, as a string. */
static const char *text_of(struct fixture *fixture, const char *name)
{
	static char text[FILE_BYTES];
	int fd = openat(fixture->root_fd, name, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	assert_true(fd >= 0);
	got = read(fd, text, sizeof(text) - 1);
	assert_true(got >= 0);
	close(fd);
	text[got] = '\0';
	return text;
}

static void parse(struct ledger *ledger, const char *text)
{
	assert_int_equal(ledger_parse(ledger, text, strlen(text)), 0);
}

static void read_back(struct fixture *fixture, struct ledger *ledger)
{
	assert_int_equal(ledger_read(ledger, fixture->root_fd), 0);
}

static void missing(void **state)
{
	struct ledger ledger;

	read_back(*state, &ledger);
	assert_true(ledger.is_missing);
	assert_int_equal(ledger.count, 0);
	assert_int_equal(ledger.bad_lines, 0);
	assert_uidl(&ledger, "1.a", 5, NULL);
	assert_false(ledger_has_unique(&ledger, "1.a"));
	assert_false(ledger_has_uidl(&ledger, "x", 1));
	ledger_free(&ledger);
}

static void found(void **state)
{
	struct ledger ledger = { .entries = NULL };

	(void)state;	/* pure */
	assert_int_equal(add(&ledger, "1.a", 0, "first", 1), 0);
	assert_int_equal(add(&ledger, "2.b", 0, "second", 2), 0);
	assert_true(ledger.is_changed);
	assert_uidl(&ledger, "1.a", 0, "first");
	assert_uidl(&ledger, "1.a,S=3:2,S", 77, "first");
	assert_uidl(&ledger, "2.b:2,", 77, "second");
	assert_uidl(&ledger, "1.", 77, NULL);
	assert_uidl(&ledger, "1.ab", 77, NULL);
	assert_int_equal(ledger_find(&ledger, "2.b", 1)->rank, 2);
	assert_false(ledger_has_uidl(&ledger, "firs", 4));
	assert_true(ledger_has_uidl(&ledger, "firstly", 5));
	ledger_free(&ledger);
}

static void by_inode(void **state)
{
	struct ledger ledger = { .entries = NULL };

	(void)state;	/* pure */
	assert_int_equal(add(&ledger, "1.a", 7, "seven", 0), 0);
	assert_true(ledger_has_unique(&ledger, "1.a"));
	assert_uidl(&ledger, "1.a", 7, "seven");
	assert_uidl(&ledger, "1.a", 8, NULL);
	assert_uidl(&ledger, "1.a", 0, NULL);
	assert_int_equal(add(&ledger, "1.a", 0, "any", 0), 0);
	assert_int_equal(add(&ledger, "1.a", 9, "nine", 0), 0);
	assert_uidl(&ledger, "1.a", 7, "seven");
	assert_uidl(&ledger, "1.a", 8, "any");
	assert_uidl(&ledger, "1.a", 9, "nine");
	ledger_free(&ledger);
}

static void doubles(void **state)
{
	struct ledger ledger = { .entries = NULL };

	(void)state;	/* pure */
	assert_int_equal(add(&ledger, "1.a", 0, "x", 1), 0);
	assert_int_equal(add(&ledger, "2.b", 3, "y", 1), 0);
	assert_refused(EEXIST, add(&ledger, "2.b", 0, "x", 1));
	assert_refused(EEXIST, add(&ledger, "1.a", 0, "z", 1));
	assert_refused(EEXIST, add(&ledger, "2.b", 3, "z", 1));
	assert_int_equal(ledger.count, 2);
	assert_false(ledger_has_uidl(&ledger, "z", 1));
	ledger_free(&ledger);
}

static void illegal(void **state)
{
	struct ledger ledger = { .entries = NULL };
	struct ledger_entry facts = { .rank = 1 };
	char long_text[300];

	(void)state;	/* pure */
	memset(long_text, 'u', sizeof(long_text));
	long_text[71] = '\0';
	assert_refused(EINVAL, add(&ledger, "1.a", 0, "", 1));
	assert_refused(EINVAL, add(&ledger, "1.a", 0, "a b", 1));
	assert_refused(EINVAL, add(&ledger, "1.a", 0, "\xc3\xa4", 1));
	assert_refused(EINVAL, add(&ledger, "1.a", 0, "a\x7f", 1));
	assert_refused(EINVAL, add(&ledger, "1.a", 0, "a\n", 1));
	assert_refused(EINVAL, add(&ledger, "1.a", 0, long_text, 1));
	assert_int_equal(add(&ledger, "1.a", 0, long_text + 1, 1), 0);
	assert_refused(EINVAL, add(&ledger, "1/a", 0, "x", 1));
	assert_refused(EINVAL, ledger_add(&ledger, "1\0a", 3, "x", &facts));
	memset(long_text, 'u', sizeof(long_text));
	assert_refused(EINVAL, ledger_add(&ledger, long_text, 256, "x",
		&facts));
	assert_int_equal(ledger_add(&ledger, long_text, 255, "x", &facts), 0);
	assert_int_equal(ledger.count, 2);
	ledger_free(&ledger);
}

static void round_trip(void **state)
{
	static const char *const uniques[] = { "1.a", "1.M1 P%.h\xc3\xb6st",
		"\n\r\t", "", "%", "%41", "\x7f\xff\x01", "end", "~" };
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };
	char uidl[] = "u0";

	for (size_t i = 0; i < sizeof(uniques) / sizeof(*uniques); i++) {
		uidl[1] = (char)('0' + i);
		assert_int_equal(add(&ledger, uniques[i], i * i * i, uidl,
			(uint32_t)i), 0);
	}
	assert_int_equal(add(&ledger, "big", UINT64_MAX, "%20~!",
		UINT32_MAX), 0);
	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	ledger_free(&ledger);
	read_back(fixture, &ledger);
	assert_false(ledger.is_missing);
	assert_false(ledger.is_changed);
	assert_int_equal(ledger.bad_lines, 0);
	assert_int_equal(ledger.count, 10);
	for (size_t i = 0; i < sizeof(uniques) / sizeof(*uniques); i++) {
		uidl[1] = (char)('0' + i);
		assert_uidl(&ledger, uniques[i], i * i * i, uidl);
		assert_int_equal(ledger.entries[i].rank, i);
	}
	assert_uidl(&ledger, "big,S=1", UINT64_MAX, "%20~!");
	assert_int_equal(ledger.entries[9].rank, UINT32_MAX);
	ledger_free(&ledger);
}

static void text(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };
	struct stat status;

	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	assert_string_equal(text_of(fixture, "postern.uidls"),
		"postern.uidls 1\nend 0\n");
	assert_int_equal(add(&ledger, "1.a b", 0, "x", 1), 0);
	assert_int_equal(add(&ledger, "2", 12, "y", 0), 0);
	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	assert_string_equal(text_of(fixture, "postern.uidls"),
		"postern.uidls 1\n1 - x 1.a%20b\n0 12 y 2\nend 2\n");
	assert_int_equal(fstatat(fixture->root_fd, "postern.uidls", &status,
		0), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_false(fixture_has(fixture, "postern.uidls.new"));
	assert_false(fixture_has(fixture, "postern.uidls.damaged"));
	ledger_free(&ledger);
}

/* Each text has so many bad lines; the entry "1.a" of "x" is in all. */
static void bad_lines(void **state)
{
	static const struct {
		const char *text;
		uint32_t bad, count;
	} cases[] = {
		{ "postern.uidls 1\n1 - x 1.a\nend 1\n", 0, 1 },
		{ "postern.uidls 1\r\n1 - x 1.a\r\nend 1\r\n", 0, 1 },
		{ "1 - x 1.a\n", 2, 1 },
		{ "postern.uidls 2\n1 - x 1.a\nend 1\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\nend 2\n", 2, 1 },
		{ "postern.uidls 1\n1 - x 1.a\nend 0\n", 2, 1 },
		{ "postern.uidls 1\n1 - x 1.a\nend 1\nend 1\n", 3, 1 },
		{ "postern.uidls 1\n1 - x 1.a\nend 1\n\n", 3, 1 },
		{ "postern.uidls 1\n1 - x 1.a\nend 1", 2, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y 1", 2, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - x 2\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y 1.a\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 0 y 2\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2  - y 2\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 -  2\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y 2/3\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y %00\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y %2F\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y %4\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y %\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - y 2 \nend 2\n", 0, 2 },
		{ "postern.uidls 1\n1 - x 1.a\n2 - \x80 2\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n-1 - y 2\nend 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n4294967296 - y 2\nend 2\n",
			1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n1 18446744073709551616 y 2\n"
			"end 2\n", 1, 1 },
		{ "postern.uidls 1\n1 - x 1.a\n4294967295 "
			"18446744073709551615 y 2\nend 2\n", 0, 2 },
		{ "postern.uidls 1\n\n\n1 - x 1.a\nend 3\n", 2, 1 },
		{ "postern.uidls 1\nend 0\n1 - x 1.a\nend 2\n", 1, 1 },
	};

	(void)state;	/* pure */
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct ledger ledger;

		parse(&ledger, cases[i].text);
		if (ledger.bad_lines != cases[i].bad ||
				ledger.count != cases[i].count)
			print_error("%s", cases[i].text);
		assert_int_equal(ledger.bad_lines, cases[i].bad);
		assert_int_equal(ledger.count, cases[i].count);
		assert_uidl(&ledger, "1.a:2,S", 4, "x");
		ledger_free(&ledger);
	}
}

static void nul(void **state)
{
	static const char text[] = "postern.uidls 1\n1 - x a\0b\n2 - y 2\n"
		"end 2\n";
	struct ledger ledger;

	(void)state;	/* pure */
	assert_int_equal(ledger_parse(&ledger, text, sizeof(text) - 1), 0);
	assert_int_equal(ledger.bad_lines, 1);
	assert_uidl(&ledger, "2", 4, "y");
	assert_uidl(&ledger, "a", 4, NULL);
	ledger_free(&ledger);
}

static void empty(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger;

	fixture_write(fixture, "postern.uidls", "");
	read_back(fixture, &ledger);
	assert_false(ledger.is_missing);
	assert_int_equal(ledger.bad_lines, 2);
	assert_int_equal(ledger.count, 0);
	ledger_free(&ledger);
}

/* Whatever is cut off its end, a file shows that it is torn. */
static void torn(void **state)
{
	static const char whole[] = "postern.uidls 1\n1 - x 1.a\n"
		"12 345 y 2.b\nend 2\n";
	struct ledger ledger;

	(void)state;	/* pure */
	for (size_t bytes = 0; bytes < sizeof(whole) - 1; bytes++) {
		assert_int_equal(ledger_parse(&ledger, whole, bytes), 0);
		assert_true(ledger.bad_lines > 0);
		assert_true(ledger.count <= 2);
		ledger_free(&ledger);
	}
	parse(&ledger, whole);
	assert_int_equal(ledger.bad_lines, 0);
	ledger_free(&ledger);
}

static void damaged(void **state)
{
	static const char first[] = "postern.uidls 1\n1 - x 1.a\nrubbish\n";
	struct fixture *fixture = *state;
	struct ledger ledger;

	fixture_write(fixture, "postern.uidls", first);
	read_back(fixture, &ledger);
	assert_int_equal(ledger.bad_lines, 2);
	assert_int_equal(add(&ledger, "2.b", 0, "y", 2), 0);
	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	ledger_free(&ledger);
	assert_string_equal(text_of(fixture, "postern.uidls.damaged"), first);
	assert_string_equal(text_of(fixture, "postern.uidls"),
		"postern.uidls 1\n1 - x 1.a\n2 - y 2.b\nend 2\n");
	fixture_write(fixture, "postern.uidls", "more rubbish\n");
	read_back(fixture, &ledger);
	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	ledger_free(&ledger);
	assert_string_equal(text_of(fixture, "postern.uidls.damaged"), first);
}

static void leftovers(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };
	char outside[160];

	fixture_write(fixture, "precious", "mine");
	snprintf(outside, sizeof(outside), "%s/precious", fixture->root);
	assert_int_equal(symlinkat(outside, fixture->root_fd,
		"postern.uidls.new"), 0);
	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	assert_string_equal(text_of(fixture, "precious"), "mine");
	assert_string_equal(text_of(fixture, "postern.uidls"),
		"postern.uidls 1\nend 0\n");
	fixture_write(fixture, "postern.uidls.new", "half a li");
	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	assert_false(fixture_has(fixture, "postern.uidls.new"));
	ledger_free(&ledger);
}

static void odd_files(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger;

	assert_int_equal(mkfifoat(fixture->root_fd, "postern.uidls", 0600),
		0);
	assert_refused(EOPNOTSUPP, ledger_read(&ledger, fixture->root_fd));
	assert_false(ledger.is_missing);
	ledger_free(&ledger);
	fixture_remove(fixture, "postern.uidls");
	fixture_write(fixture, "other", "postern.uidls 1\nend 0\n");
	assert_int_equal(symlinkat("other", fixture->root_fd,
		"postern.uidls"), 0);
	assert_refused(ELOOP, ledger_read(&ledger, fixture->root_fd));
	assert_false(ledger.is_missing);
	ledger_free(&ledger);
	fixture_remove(fixture, "postern.uidls");
	assert_int_equal(mkdirat(fixture->root_fd, "postern.uidls", 0700), 0);
	assert_refused(EOPNOTSUPP, ledger_read(&ledger, fixture->root_fd));
	ledger_free(&ledger);
}

static void huge(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger;
	int fd = openat(fixture->root_fd, "postern.uidls",
		O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, ((off_t)256 << 20) + 1), 0);
	close(fd);
	assert_refused(EFBIG, ledger_read(&ledger, fixture->root_fd));
	ledger_free(&ledger);
}

/* In a child: no file may grow beyond some bytes. */
static int write_on_full_disk(struct fixture *fixture)
{
	struct rlimit limit = { 40, 40 };
	struct ledger ledger;

	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR ||
			setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	if (ledger_read(&ledger, fixture->root_fd) < 0 ||
			add(&ledger, "2.b", 0, "a-long-unique-id", 2) < 0)
		return 2;
	if (ledger_write(&ledger, fixture->root_fd) == 0 || errno != EFBIG)
		return 3;
	if (faccessat(fixture->root_fd, "postern.uidls.new", F_OK, 0) == 0)
		return 4;
	ledger_free(&ledger);
	return 0;
}

static void full_disk(void **state)
{
	static const char before[] = "postern.uidls 1\n1 - x 1.a\nend 1\n";
	struct fixture *fixture = *state;

	fixture_write(fixture, "postern.uidls", before);
	assert_int_equal(fixture_as_nobody(fixture, write_on_full_disk), 0);
	assert_string_equal(text_of(fixture, "postern.uidls"), before);
}

/* In a child: the directory permits nothing but reading. */
static int write_without_rights(struct fixture *fixture)
{
	struct ledger ledger = { .entries = NULL };

	if (fchmod(fixture->root_fd, 0500) < 0)
		return 1;
	if (ledger_write(&ledger, fixture->root_fd) == 0)
		return 2;
	return errno == EACCES ? 0 : 3;
}

static void read_only(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fixture_as_nobody(fixture, write_without_rights), 0);
	assert_false(fixture_has(fixture, "postern.uidls"));
}

static void many(void **state)
{
	static const uint32_t count = 100000;
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };
	char name[64], uidl[64];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%" PRIu32, i % (count / 2));
		snprintf(uidl, sizeof(uidl), "u%" PRIu32, i);
		assert_int_equal(add(&ledger, name, i / (count / 2), uidl,
			i + 1), 0);
	}
	assert_int_equal(ledger_write(&ledger, fixture->root_fd), 0);
	ledger_free(&ledger);
	read_back(fixture, &ledger);
	assert_int_equal(ledger.count, count);
	assert_int_equal(ledger.bad_lines, 0);
	for (uint32_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%" PRIu32 ":2,S",
			i % (count / 2));
		snprintf(uidl, sizeof(uidl), "u%" PRIu32, i);
		assert_uidl(&ledger, name, i / (count / 2), uidl);
	}
	ledger_free(&ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("a Maildir without a ledger has an empty one", missing),
		PURE_CASE("an entry is found by any name with its unique part",
			found),
		PURE_CASE("an entry for one inode goes before that for any",
			by_inode),
		PURE_CASE("no unique-id and no key is in the ledger twice",
			doubles),
		PURE_CASE("illegal unique-ids and unique parts are refused",
			illegal),
		CASE("what is written is read back, whatever octets it has",
			round_trip),
		CASE("the file is text, and for its owner alone", text),
		PURE_CASE("broken lines are counted and cost no other entry",
			bad_lines),
		PURE_CASE("a line with a NUL costs no other entry", nul),
		CASE("an empty file is damaged, not missing", empty),
		PURE_CASE("a file that was cut anywhere is noticed", torn),
		CASE("a damaged file is kept, once, before it is replaced",
			damaged),
		CASE("what a killed keeper left is removed, not followed",
			leftovers),
		CASE("a FIFO, link or directory is no empty ledger",
			odd_files),
		CASE("a file above 256 MiB is not read", huge),
		CASE("a full disk leaves the old file and no other",
			full_disk),
		CASE("a Maildir that can't be written says so", read_only),
		CASE("100000 entries are all found again", many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
