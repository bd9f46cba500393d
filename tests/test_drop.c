/*
 * test_drop.c - what a login sees of a maildrop, with an index and without
 */
#include "config.h"

#include "maildir/drop.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "maildir/checksum.h"
#include "maildir/index_format.h"
#include "maildir/listing.h"
#include "maildir_fixture.h"

static void tell(void *context, const char *text)
{
	struct fixture *fixture = context;

	assert_non_null(text);
	fixture->told++;
}

static struct drop_rules rules_of(struct fixture *fixture)
{
	return (struct drop_rules){
		.hooks = fixture->hooks,
		.import = {
			.from = IMPORT_AUTO, .uidl_format = "%08Xu%08Xv",
			.md5 = fixture_digest, .tell = tell,
			.context = fixture,
		},
		.may_write = true,
		.most_image_bytes = 4000,
	};
}

/* One login: open, hand out the listing, settle. */
struct login {
	struct drop drop;
	struct drop_rules rules;
	struct listing listing;
	void *image;
	bool was_scanned;
};

static void take_image(struct login *login)
{
	const struct drop *drop = &login->drop;

	login->image = malloc(drop->image_bytes);
	assert_non_null(login->image);
	memcpy(login->image, drop->image, drop->image_bytes);
	assert_int_equal(listing_check(&login->listing, login->image,
		drop->image_bytes), 0);
}

static void take_memfd(struct login *login)
{
	assert_int_equal(fixture_map_listing(&login->drop, &login->listing),
		0);
}

/* Log in without a look at a long listing. */
static void open_drop(struct fixture *fixture, struct login *login,
	bool may_write)
{
	struct drop *drop = &login->drop;

	login->rules = rules_of(fixture);
	login->rules.may_write = may_write;
	login->listing = (struct listing){ .map = NULL };
	login->image = NULL;
	assert_int_equal(drop_open(drop, fixture->root_fd, &login->rules), 0);
	login->was_scanned = drop->is_loaded;
	if (drop->image != NULL)
		take_image(login);
	assert_int_equal(drop_settle(drop), 0);
}

static void log_in(struct fixture *fixture, struct login *login)
{
	open_drop(fixture, login, true);
	if (login->image == NULL)
		take_memfd(login);
	assert_int_equal(login->listing.count, login->drop.count);
	assert_int_equal(login->listing.octets, login->drop.octets);
}

static void log_out(struct login *login)
{
	listing_unmap(&login->listing);
	free(login->image);
	drop_close(&login->drop);
}

/* Log in and out, and say whether the folders had to be read. */
static bool is_scanned(struct fixture *fixture)
{
	struct login login;

	log_in(fixture, &login);
	log_out(&login);
	return login.was_scanned;
}

static void expect_message(const struct login *login, uint32_t idx,
	const char *uidl, uint64_t octets)
{
	assert_string_equal(listing_uidl(&login->listing, idx), uidl);
	assert_int_equal(login->listing.entries[idx].octets, octets);
}

static void write_three(struct fixture *fixture)
{
	fixture_write(fixture, "new/1.a", "one\n");
	fixture_write(fixture, "cur/2.b:2,S", "two\n");
	fixture_write(fixture, "cur/3.c:2,", "three\n");
	fixture_age(fixture);
}

static void expect_three(const struct login *login)
{
	assert_int_equal(login->listing.count, 3);
	assert_int_equal(login->listing.octets, 5 + 5 + 7);
	expect_message(login, 0, "1.a", 5);
	expect_message(login, 1, "2.b", 5);
	expect_message(login, 2, "3.c", 7);
}

static void unchanged(void **state)
{
	struct login login;

	write_three(*state);
	for (int i = 0; i < 3; i++) {
		log_in(*state, &login);
		assert_int_equal(login.was_scanned, i == 0);
		expect_three(&login);
		log_out(&login);
	}
}

/* From now on this process can read no directory. */
static int forbid_readdir(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getdents64, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]), .filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

#define CAN_NOT_FORBID 100

static int log_in_blind(struct fixture *fixture)
{
	struct login login;

	(void)is_scanned(fixture);
	if (forbid_readdir() < 0)
		return CAN_NOT_FORBID;
	log_in(fixture, &login);
	expect_three(&login);
	log_out(&login);
	if (login.was_scanned)
		return 1;
	/* Without the index nothing can be seen. */
	fixture_remove(fixture, "postern.index");
	login.rules = rules_of(fixture);
	if (drop_open(&login.drop, fixture->root_fd, &login.rules) == 0)
		return 2;
	drop_close(&login.drop);
	return 0;
}

static void no_folder_is_read(void **state)
{
	int result;

	write_three(*state);
	result = fixture_as_nobody(*state, log_in_blind);
	if (result == CAN_NOT_FORBID)
		skip();
	assert_int_equal(result, 0);
}

static int log_in_after_delivery(struct fixture *fixture)
{
	struct login login;

	if (is_scanned(fixture) != true)
		return 1;
	/* The old ones can't be opened any more. */
	assert_int_equal(fchmodat(fixture->root_fd, "new/1.a", 0, 0), 0);
	assert_int_equal(fchmodat(fixture->root_fd, "cur/3.c:2,", 0, 0), 0);
	fixture_write(fixture, "new/4.d", "four\nlines\n\n\n");
	fixture_rename(fixture, "cur/2.b:2,S", "cur/2.b,S=4:2,RS");
	log_in(fixture, &login);
	assert_true(login.was_scanned);
	assert_int_equal(login.listing.count, 4);
	expect_message(&login, 0, "1.a", 5);
	expect_message(&login, 1, "2.b", 5);
	expect_message(&login, 2, "3.c", 7);
	expect_message(&login, 3, "4.d", 17);
	assert_string_equal(scan_name(&login.drop.scan, 1), "2.b,S=4:2,RS");
	log_out(&login);
	return fixture->left_out == 0 ? 0 : 2;
}

static void only_new_are_opened(void **state)
{
	write_three(*state);
	assert_int_equal(fixture_as_nobody(*state, log_in_after_delivery), 0);
}

static void gone_are_gone(void **state)
{
	struct login login;

	write_three(*state);
	assert_true(is_scanned(*state));
	fixture_remove(*state, "cur/2.b:2,S");
	log_in(*state, &login);
	assert_int_equal(login.listing.count, 2);
	expect_message(&login, 0, "1.a", 5);
	expect_message(&login, 1, "3.c", 7);
	log_out(&login);
}

static int log_in_by_names(struct fixture *fixture)
{
	struct login login;

	log_in(fixture, &login);
	assert_int_equal(login.listing.count, 2);
	expect_message(&login, 0, "1.a", 9);
	expect_message(&login, 1, "2.b", 8);
	log_out(&login);
	return fixture->corrected == 0 && fixture->left_out == 0 ? 0 : 1;
}

static void names_tell_sizes(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, "new/1.a,S=7,W=9", "a\nb\ncde");
	fixture_write(fixture, "cur/2.b,S=6,W=8:2,S", "a\nbcd\n");
	assert_int_equal(fchmodat(fixture->root_fd, "new/1.a,S=7,W=9", 0, 0),
		0);
	assert_int_equal(fchmodat(fixture->root_fd, "cur/2.b,S=6,W=8:2,S", 0,
		0), 0);
	assert_int_equal(fixture_as_nobody(fixture, log_in_by_names), 0);
}

static void names_that_lie(void **state)
{
	static const char *const names[] = {
		"new/1.a,S=5,W=6", "new/2.b,S=25,W=27", "new/3.c,W=27",
		"new/4.d,S=7,W=6", "new/5.e,S=7,W=17", "new/6.f,S=7,W=x",
		"new/7.g,S=18446744073709551615,W=18446744073709551615",
		"new/8.h,S=0,W=0", "new/9.i,S=7", "new/10.j,S=7,W=16:2,W=17",
	};
	struct fixture *fixture = *state;
	struct login login;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fixture_write(fixture, names[i], "a\nb\ncde");
	log_in(fixture, &login);
	assert_int_equal(login.listing.count, 10);
	for (uint32_t idx = 0; idx < 9; idx++)
		assert_int_equal(login.listing.entries[idx].octets, 11);
	/* It is possible: the tenth is believed until it is sent. */
	assert_int_equal(login.listing.entries[9].octets, 16);
	assert_int_equal(fixture->corrected, 7);
	log_out(&login);
}

static void doubt_corrects(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	fixture_write(fixture, "new/1.a,S=7,W=9", "a\nb\ncde");
	fixture_write(fixture, "new/2.b", "two\n");
	fixture_age(fixture);
	log_in(fixture, &login);
	expect_message(&login, 0, "1.a", 9);
	assert_int_equal(drop_doubt(&login.drop, 1), 0);
	assert_int_equal(drop_doubt(&login.drop, 0), 1);
	assert_int_equal(drop_message(&login.drop, 0), -1);
	assert_int_equal(errno, ESTALE);
	log_out(&login);
	for (int i = 0; i < 2; i++) {
		log_in(fixture, &login);
		assert_false(login.was_scanned);
		expect_message(&login, 0, "1.a", 11);
		expect_message(&login, 1, "2.b", 5);
		assert_int_equal(drop_doubt(&login.drop, 0), 0);
		log_out(&login);
	}
}

static void changed_in_place(void **state)
{
	struct fixture *fixture = *state;
	struct login login;
	int fd;

	write_three(fixture);
	assert_true(is_scanned(fixture));
	fixture_write(fixture, "cur/2.b:2,S", "two and more\n");
	log_in(fixture, &login);
	assert_false(login.was_scanned);
	expect_message(&login, 1, "2.b", 5);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(drop_message(&login.drop, 1), -1);
		assert_int_equal(errno, ESTALE);
	}
	fd = drop_message(&login.drop, 2);
	assert_true(fd >= 0);
	close(fd);
	log_out(&login);
	log_in(fixture, &login);
	assert_false(login.was_scanned);
	expect_message(&login, 1, "2.b", 14);
	fd = drop_message(&login.drop, 1);
	assert_true(fd >= 0);
	close(fd);
	log_out(&login);
}

static void spoil_index(struct fixture *fixture, off_t at)
{
	int fd = openat(fixture->root_fd, "postern.index", O_RDWR);
	struct stat status;
	char octet;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &status), 0);
	if (at < 0)
		at += status.st_size;
	assert_int_equal(pread(fd, &octet, 1, at), 1);
	octet ^= 1;
	assert_int_equal(pwrite(fd, &octet, 1, at), 1);
	close(fd);
}

static void damaged_frame(void **state)
{
	static const off_t places[] = { 0, 20, 180, 200 };
	struct login login;

	write_three(*state);
	assert_true(is_scanned(*state));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		spoil_index(*state, places[i]);
		log_in(*state, &login);
		assert_true(login.was_scanned);
		expect_three(&login);
		log_out(&login);
		assert_false(is_scanned(*state));
	}
}

static void expect_octets(struct login *login, uint32_t idx,
	const char *octets)
{
	char text[100] = "";
	int fd = drop_message(&login->drop, idx);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), strlen(octets));
	assert_string_equal(text, octets);
	close(fd);
}

/* What is read only when the first message is opened. */
static void log_in_with_damaged_details(struct fixture *fixture,
	struct login *login)
{
	write_three(fixture);
	assert_true(is_scanned(fixture));
	spoil_index(fixture, -2);
	log_in(fixture, login);
	assert_false(login->was_scanned);
}

static void damaged_details(void **state)
{
	struct login login;

	log_in_with_damaged_details(*state, &login);
	expect_three(&login);
	expect_octets(&login, 2, "three\n");
	assert_true(login.drop.is_loaded);
	log_out(&login);
	log_in(*state, &login);
	assert_false(login.was_scanned);
	expect_three(&login);
	expect_octets(&login, 0, "one\n");
	log_out(&login);
}

/* The numbers that the client knows would be those of other messages. */
static void damaged_details_after_a_change(void **state)
{
	struct login login;

	log_in_with_damaged_details(*state, &login);
	fixture_remove(*state, "new/1.a");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(drop_message(&login.drop, 1), -1);
		assert_int_equal(errno, ESTALE);
		assert_int_equal(drop_load(&login.drop), -1);
		assert_int_equal(drop_doubt(&login.drop, 0), -1);
	}
	log_out(&login);
	log_in(*state, &login);
	assert_int_equal(login.listing.count, 2);
	expect_octets(&login, 0, "two\n");
	log_out(&login);
}

/* A scan that fails half-way: its messages are not those that were listed. */
static void damaged_details_and_no_scan(void **state)
{
	struct fixture *fixture = *state;
	struct login login;
	char path[64];

	log_in_with_damaged_details(fixture, &login);
	for (int i = 10; i < 400; i++) {
		snprintf(path, sizeof(path), "new/%d.late", i);
		fixture_write(fixture, path, "late\n");
	}
	(void)unlinkat(fixture->root_fd, "postern.uidls", 0);
	assert_int_equal(mkdirat(fixture->root_fd, "postern.uidls", 0700), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(drop_message(&login.drop, 0), -1);
		assert_int_equal(drop_load(&login.drop), -1);
		assert_false(login.drop.is_loaded);
		assert_int_equal(login.drop.scan.count, 0);
		assert_int_equal(login.drop.draft.fd, -1);
	}
	log_out(&login);
}

static void write_many(struct fixture *fixture)
{
	char path[64];

	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "cur/%d.many:2,", i);
		fixture_write(fixture, path, "x\n");
	}
	fixture_age(fixture);
}

static void damaged_long_listing(void **state)
{
	struct login login;

	write_many(*state);
	assert_true(is_scanned(*state));
	for (int may_write = 0; may_write < 2; may_write++) {
		spoil_index(*state, 6000);
		open_drop(*state, &login, may_write);
		/* Who can't make a new one looks first. */
		assert_int_equal(login.was_scanned, !may_write);
		assert_int_equal(login.drop.count, 300);
		assert_int_equal(login.drop.octets, 900);
		take_memfd(&login);
		assert_true(login.drop.is_loaded);
		assert_int_equal(login.listing.count, 300);
		expect_message(&login, 299, "299.many", 3);
		expect_octets(&login, 299, "x\n");
		log_out(&login);
		if (!may_write)
			spoil_index(*state, 6000);	/* as it was */
		assert_false(is_scanned(*state));
	}
}

static void damaged_long_listing_after_a_change(void **state)
{
	struct login login;

	write_many(*state);
	assert_true(is_scanned(*state));
	spoil_index(*state, 6000);
	open_drop(*state, &login, true);
	assert_false(login.was_scanned);
	fixture_write(*state, "new/1000.new", "y\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(drop_listing(&login.drop), -1);
		assert_int_equal(errno, ESTALE);
		assert_int_equal(drop_message(&login.drop, 0), -1);
		assert_int_equal(errno, ESTALE);
	}
	log_out(&login);
	log_in(*state, &login);
	assert_int_equal(login.listing.count, 301);
	expect_message(&login, 300, "1000.new", 3);
	log_out(&login);
}

static bool has_bad_block;

/* In place of libc's: a disk may fail behind the first block of a file. */
ssize_t pread(int fd, void *octets, size_t count, off_t at)
{
	typedef ssize_t read_at(int fd, void *octets, size_t count, off_t at);
	static read_at *next;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT,
			sizeof(off_t) > sizeof(long) ? "pread64" : "pread");
	if (has_bad_block && at + (off_t)count > 4096) {
		errno = EIO;
		return -1;
	}
	return next(fd, octets, count, at);
}

static void bad_block(void **state)
{
	struct login login;

	write_many(*state);
	assert_true(is_scanned(*state));
	has_bad_block = true;
	log_in(*state, &login);
	has_bad_block = false;
	assert_false(login.was_scanned);
	assert_int_equal(login.listing.count, 300);
	expect_octets(&login, 299, "x\n");
	log_out(&login);

	/* The listing is read, and then the names can't be. */
	log_in(*state, &login);
	assert_false(login.was_scanned);
	has_bad_block = true;
	assert_int_equal(drop_load(&login.drop), 0);
	has_bad_block = false;
	expect_octets(&login, 0, "x\n");
	log_out(&login);
	assert_false(is_scanned(*state));
}

/* Let the listing in an index tell of 'more' messages, with right sums. */
static void forge_listing(struct fixture *fixture, int more)
{
	int fd = openat(fixture->root_fd, "postern.index", O_RDWR);
	char listing[2000];
	struct index_frame frame;
	uint64_t uidls_bytes;
	uint32_t count;

	assert_int_equal(pread(fd, &frame, sizeof(frame), 0), sizeof(frame));
	assert_in_range(frame.listing_bytes, 32, sizeof(listing));
	assert_int_equal(pread(fd, listing, frame.listing_bytes,
		sizeof(frame)), frame.listing_bytes);
	memcpy(&uidls_bytes, listing + 16, sizeof(uidls_bytes));
	memcpy(&count, listing + 28, sizeof(count));
	uidls_bytes -= (uint64_t)(more * (int)sizeof(struct listing_entry));
	count += (uint32_t)more;
	memcpy(listing + 16, &uidls_bytes, sizeof(uidls_bytes));
	memcpy(listing + 28, &count, sizeof(count));
	frame.listing_sum = checksum_of(listing, frame.listing_bytes);
	frame.sum = checksum_of(&frame, offsetof(struct index_frame, sum));
	assert_int_equal(pwrite(fd, &frame, sizeof(frame), 0), sizeof(frame));
	assert_int_equal(pwrite(fd, listing, frame.listing_bytes,
		sizeof(frame)), frame.listing_bytes);
	close(fd);
}

/* Else its worker would be blamed for asking for what is not there. */
static void forged_listing(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	fixture_write(fixture, "new/1.a-name-that-is-long-enough", "one\n");
	write_three(fixture);
	for (int i = 0; i < 4; i++) {
		log_in(fixture, &login);
		assert_int_equal(login.was_scanned, i != 1);
		assert_int_equal(login.listing.count, 4);
		log_out(&login);
		if (i > 0)
			forge_listing(fixture, i == 1 ? 1 : -1);
	}
}

static void uidls_without_index(void **state)
{
	struct fixture *fixture = *state;
	char before[4][NAME_UIDL_OCTETS + 1];
	struct login login;

	fixture_write(fixture, "new/1.a b", "an illegal unique-id\n");
	fixture_write(fixture, "new/2.b", "twin\n");
	fixture_write(fixture, "cur/2.b:2,S", "twin, too\n");
	fixture_write(fixture, "cur/3.c,S=9:2,", "three\n");
	for (int i = 0; i < 2; i++) {
		log_in(fixture, &login);
		assert_int_equal(login.listing.count, 4);
		for (uint32_t idx = 0; idx < 4; idx++) {
			const char *uidl = listing_uidl(&login.listing, idx);

			if (i == 0)
				snprintf(before[idx], sizeof(before[idx]),
					"%s", uidl);
			else
				assert_string_equal(uidl, before[idx]);
		}
		log_out(&login);
		fixture_remove(fixture, "postern.index");
	}
}

static void moved_in_later(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	(void)is_scanned(fixture);
	fixture_age(fixture);
	(void)is_scanned(fixture);
	assert_false(is_scanned(fixture));
	fixture_write(fixture, "cur/1.a:2,S", "one\n");
	fixture_write(fixture, "cur/2.b:2,", "two\n");
	fixture_write(fixture, "dovecot-uidlist", "3 V16\n1 :2.b\n2 :1.a\n");
	log_in(fixture, &login);
	assert_int_equal(login.listing.count, 2);
	expect_message(&login, 0, "0000000100000010", 5);
	expect_message(&login, 1, "0000000200000010", 5);
	log_out(&login);
	assert_true(fixture_has(fixture, "postern.uidls"));
}

/* The unique-id of the message whose size is 'octets'. */
static const char *uidl_of_size(const struct login *login, uint64_t octets)
{
	for (uint32_t idx = 0; idx < login->listing.count; idx++)
		if (login->listing.entries[idx].octets == octets)
			return listing_uidl(&login->listing, idx);
	return "none";
}

static void no_uidl_is_inherited(void **state)
{
	struct fixture *fixture = *state;
	char young[NAME_UIDL_OCTETS + 1];
	struct login login;

	fixture_write(fixture, "new/2.b", "old\n");
	fixture_write(fixture, "cur/2.b:2,S", "young\n");
	fixture_date(fixture, "new/2.b", 1000000);
	log_in(fixture, &login);
	assert_string_equal(uidl_of_size(&login, 5), "2.b");
	snprintf(young, sizeof(young), "%s", uidl_of_size(&login, 7));
	log_out(&login);

	/* Made before: or it might get the inode of the one removed. */
	fixture_write(fixture, "third", "a third one\n");
	fixture_remove(fixture, "new/2.b");
	fixture_rename(fixture, "third", "new/2.b");
	for (int i = 0; i < 2; i++) {
		log_in(fixture, &login);
		assert_int_equal(login.listing.count, 2);
		assert_string_equal(uidl_of_size(&login, 7), young);
		assert_string_not_equal(uidl_of_size(&login, 13), "none");
		assert_string_not_equal(uidl_of_size(&login, 13), "2.b");
		assert_string_not_equal(uidl_of_size(&login, 13), young);
		log_out(&login);
		fixture_remove(fixture, "postern.index");
	}
}

static void imitated(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	fixture_write(fixture, "dovecot-uidlist", "3 V16\n1 PX.1 :2.b\n");
	fixture_write(fixture, "new/2.b", "imported\n");
	fixture_write(fixture, "new/X.1", "an imitator\n");
	for (int i = 1; i <= 2; i++) {
		/* Whichever of them looks older. */
		fixture_date(fixture, i == 1 ? "new/X.1" : "new/2.b", 1000000);
		log_in(fixture, &login);
		assert_int_equal(login.listing.count, 2);
		assert_string_equal(uidl_of_size(&login, 10), "X.1");
		assert_string_not_equal(uidl_of_size(&login, 13), "none");
		log_out(&login);
		fixture_remove(fixture, "postern.index");
	}
}

static void moved_later(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	fixture_age(fixture);
	(void)is_scanned(fixture);
	assert_false(is_scanned(fixture));
	fixture_write(fixture, "dovecot-uidlist", "3 V16\n1 Pmine :1.a\n");
	write_three(fixture);
	log_in(fixture, &login);
	expect_message(&login, 0, "mine", 5);
	log_out(&login);
	assert_true(fixture_has(fixture, "postern.uidls"));
}

static void lost_ledger(void **state)
{
	static const char *const spoilt[] = { NULL, "", "rubbish" };
	struct fixture *fixture = *state;
	struct login login;

	fixture_write(fixture, "dovecot-uidlist",
		"3 V16\n1 Pyours :3.c\n2 Pmine :1.a\n");
	write_three(fixture);
	(void)is_scanned(fixture);
	fixture_remove(fixture, "dovecot-uidlist");
	for (size_t i = 0; i < 3; i++) {
		if (spoilt[i] == NULL)
			fixture_remove(fixture, "postern.uidls");
		else
			fixture_write(fixture, "postern.uidls", spoilt[i]);
		/* What is new makes it be read. */
		fixture_write(fixture, "new/4.d", "four\n");
		assert_true(is_scanned(fixture));
		fixture_remove(fixture, "new/4.d");
		fixture_remove(fixture, "postern.index");
		log_in(fixture, &login);
		assert_int_equal(login.listing.count, 3);
		expect_message(&login, 0, "yours", 7);
		expect_message(&login, 1, "mine", 5);
		expect_message(&login, 2, "2.b", 5);
		log_out(&login);
	}
}

/* Else the unique-ids would be lost with the index. */
static void no_index_without_ledger(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	fixture_write(fixture, "dovecot-uidlist", "3 V16\n1 Pmine :1.a\n");
	write_three(fixture);
	/* In its place no file can be made. */
	assert_int_equal(mkdirat(fixture->root_fd, "postern.uidls.new", 0700),
		0);
	log_in(fixture, &login);
	assert_string_equal(uidl_of_size(&login, 7), "3.c");
	expect_message(&login, 0, "mine", 5);
	assert_false(fixture_has(fixture, "postern.index"));
	fixture_write(fixture, "new/1.a", "one and more\n");
	assert_int_equal(drop_doubt(&login.drop, 0), 1);
	assert_int_equal(drop_store(&login.drop), 0);
	log_out(&login);
	assert_false(fixture_has(fixture, "postern.index"));
	assert_false(fixture_has(fixture, "postern.uidls"));

	/* The next login makes up for it. */
	assert_int_equal(unlinkat(fixture->root_fd, "postern.uidls.new",
		AT_REMOVEDIR), 0);
	assert_true(is_scanned(fixture));
	assert_true(fixture_has(fixture, "postern.uidls"));
	assert_false(is_scanned(fixture));
}

static bool is_stale;

/* In place of libc's: NFS may show a name that can't be opened for a while. */
struct dirent *readdir(DIR *directory)
{
	typedef struct dirent *read_entry(DIR *directory);
	static read_entry *next;
	struct dirent *entry;

	if (next == NULL)
		*(void **)&next = dlsym(RTLD_NEXT,
			sizeof(off_t) > sizeof(long) ? "readdir64" :
			"readdir");
	entry = next(directory);
	if (is_stale && entry != NULL && entry->d_name[0] == '2')
		entry->d_name[0] = '9';
	return entry;
}

static void shown_before_it_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	write_three(fixture);
	is_stale = true;
	log_in(fixture, &login);
	assert_int_equal(login.listing.count, 2);
	log_out(&login);
	is_stale = false;
	for (int i = 0; i < 2; i++) {
		log_in(fixture, &login);
		assert_int_equal(login.was_scanned, i == 0);
		expect_three(&login);
		log_out(&login);
	}
}

static int log_in_read_only(struct fixture *fixture)
{
	struct login login;

	for (int i = 0; i < 2; i++) {
		struct drop *drop = &login.drop;

		login.rules = rules_of(fixture);
		if (drop_open(drop, fixture->root_fd, &login.rules) < 0)
			return 1;
		if (drop->count != 3 || !drop->is_loaded)
			return 2;
		(void)drop_settle(drop);	/* it fails, or does nothing */
		drop_close(drop);
	}
	return fixture_has(fixture, "postern.index") ||
		fixture_has(fixture, "postern.uidls") ? 3 : 0;
}

static void read_only(void **state)
{
	struct fixture *fixture = *state;

	write_three(fixture);
	assert_int_equal(fchmod(fixture->root_fd, 0500), 0);
	assert_int_equal(fixture_as_nobody(fixture, log_in_read_only), 0);
}

static void without_lock(void **state)
{
	struct fixture *fixture = *state;
	struct drop_rules rules = rules_of(fixture);
	struct drop drop;

	write_three(fixture);
	rules.may_write = false;
	assert_int_equal(drop_open(&drop, fixture->root_fd, &rules), 0);
	assert_int_equal(drop_settle(&drop), 0);
	assert_int_equal(drop_store(&drop), 0);
	drop_close(&drop);
	assert_false(fixture_has(fixture, "postern.index"));
	assert_false(fixture_has(fixture, "postern.index.new"));
	assert_false(fixture_has(fixture, "postern.uidls"));
	/* But what others have stored is used. */
	assert_true(is_scanned(fixture));
	assert_int_equal(drop_open(&drop, fixture->root_fd, &rules), 0);
	assert_false(drop.is_loaded);
	drop_close(&drop);
}

static void what_is_no_file_costs_no_scan(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	write_three(fixture);
	assert_int_equal(mkdirat(fixture->root_fd, "cur/4.d", 0700), 0);
	assert_int_equal(symlinkat("2.b:2,S", fixture->root_fd, "cur/5.e"), 0);
	fixture_age(fixture);
	for (int i = 0; i < 2; i++) {
		log_in(fixture, &login);
		assert_int_equal(login.was_scanned, i == 0);
		expect_three(&login);
		log_out(&login);
		assert_int_equal(fixture->left_out, 2);
	}
}

static int log_in_unreadable(struct fixture *fixture)
{
	struct login login;

	fixture_age(fixture);
	for (int i = 0; i < 2; i++) {
		log_in(fixture, &login);
		if (!login.was_scanned || login.listing.count != 2)
			return 1;
		log_out(&login);
	}
	/* No folder tells that. */
	if (fchmodat(fixture->root_fd, "cur/2.b:2,S", 0600, 0) < 0)
		return 2;
	log_in(fixture, &login);
	expect_three(&login);
	log_out(&login);
	return fixture->left_out == 2 ? 0 : 3;
}

static void unreadable_is_looked_at_again(void **state)
{
	struct fixture *fixture = *state;

	write_three(fixture);
	assert_int_equal(fchmodat(fixture->root_fd, "cur/2.b:2,S", 0, 0), 0);
	assert_int_equal(fixture_as_nobody(fixture, log_in_unreadable), 0);
}

static void replaced_while_scanned(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	/* What a scan has after it saw both: the old inode is gone by then. */
	write_three(fixture);
	log_in(fixture, &login);
	assert_int_equal(drop_load(&login.drop), 0);
	login.drop.scan.messages[1].inode++;
	assert_int_equal(drop_store(&login.drop), 0);
	log_out(&login);
	fixture_rename(fixture, "new/1.a", "cur/1.a:2,");
	log_in(fixture, &login);
	expect_three(&login);
	log_out(&login);
}

static void compressed(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	fixture_write(fixture, "new/1.a,S=4000,W=4100", "\x1f\x8b\x08 zipped");
	fixture_write(fixture, "new/2.b,S=9", "\x28\xb5\x2f\xfd zstd");
	fixture_write(fixture, "new/3.c", "\x1f\x8b\x08 is no name's lie\n");
	log_in(fixture, &login);
	/* The second has the size that its name tells: it is plain. */
	assert_int_equal(login.listing.count, 2);
	expect_message(&login, 0, "2.b", 11);
	assert_int_equal(fixture->left_out, 1);
	log_out(&login);
}

static void retrieved_day_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct login login;

	write_three(fixture);
	log_in(fixture, &login);
	assert_int_equal(drop_load(&login.drop), 0);
	login.drop.scan.messages[1].retrieved_day = 20000;
	assert_int_equal(drop_store(&login.drop), 0);
	log_out(&login);
	/* By the index as it is, and by a scan that merges it. */
	for (int i = 0; i < 2; i++) {
		if (i == 1)
			fixture_rename(fixture, "cur/2.b:2,S", "cur/2.b:2,ST");
		log_in(fixture, &login);
		assert_int_equal(login.was_scanned, i);
		assert_int_equal(drop_load(&login.drop), 0);
		assert_int_equal(login.drop.scan.messages[0].retrieved_day, 0);
		assert_int_equal(login.drop.scan.messages[1].retrieved_day,
			20000);
		log_out(&login);
	}
}

static void many(void **state)
{
	struct fixture *fixture = *state;
	struct login login;
	char path[64];

	for (int i = 0; i < 2000; i++) {
		snprintf(path, sizeof(path), "cur/%d.many:2,", i);
		fixture_write(fixture, path, "x\n");
	}
	fixture_age(fixture);
	for (int i = 0; i < 2; i++) {
		log_in(fixture, &login);
		assert_int_equal(login.was_scanned, i == 0);
		assert_non_null(login.listing.map);
		assert_int_equal(login.listing.count, 2000);
		assert_int_equal(login.listing.octets, 6000);
		expect_message(&login, 1999, "1999.many", 3);
		log_out(&login);
	}
}

static void no_maildir(void **state)
{
	struct fixture *fixture = *state;
	struct drop_rules rules = rules_of(fixture);
	struct drop drop;

	assert_int_equal(drop_open(&drop, -1, &rules), 0);
	assert_int_equal(drop.count, 0);
	assert_true(drop.image_bytes > 0);
	assert_int_equal(drop_settle(&drop), 0);
	assert_int_equal(drop_load(&drop), 0);
	drop_close(&drop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("an unchanged Maildir is scanned once", unchanged),
		CASE("an unchanged Maildir's folders are not read",
			no_folder_is_read),
		CASE("after a change only new messages are opened",
			only_new_are_opened),
		CASE("a message that is gone is not listed", gone_are_gone),
		CASE("a message whose name tells its size is not opened",
			names_tell_sizes),
		CASE("a name that lies about its size is not believed",
			names_that_lie),
		CASE("a size that proved wrong is right the next time",
			doubt_corrects),
		CASE("a message that was changed in place is not served, and "
			"right the next time", changed_in_place),
		CASE("a damaged index is made anew", damaged_frame),
		CASE("an index damaged where the names are is replaced by a "
			"scan that finds the same", damaged_details),
		CASE("an index damaged where the names are serves no wrong "
			"message", damaged_details_after_a_change),
		CASE("a scan that fails when it is to replace an index has no "
			"message", damaged_details_and_no_scan),
		CASE("an index that can't be read is replaced like a damaged "
			"one", bad_block),
		CASE("a damaged long listing is replaced by the same one",
			damaged_long_listing),
		CASE("a damaged long listing is replaced by no other one",
			damaged_long_listing_after_a_change),
		CASE("an index whose parts tell of different numbers of "
			"messages is not used", forged_listing),
		CASE("unique-ids outlive the index", uidls_without_index),
		CASE("mail moved into an empty Maildir keeps its unique-ids",
			moved_in_later),
		CASE("no file inherits the unique-id of another",
			no_uidl_is_inherited),
		CASE("an imported unique-id is not lost to a file that is "
			"called so", imitated),
		CASE("what is moved into an empty Maildir later keeps its "
			"unique-ids", moved_later),
		CASE("a ledger that was lost or spoilt is mended by the index",
			lost_ledger),
		CASE("there is no index of unique-ids that no ledger has",
			no_index_without_ledger),
		CASE("a message that is shown before it can be opened is not "
			"forgotten", shown_before_it_is_there),
		CASE("a read-only Maildir is served without a cache",
			read_only),
		CASE("without the lock nothing is written", without_lock),
		CASE("a directory and a link in a folder cost no scan",
			what_is_no_file_costs_no_scan),
		CASE("what can't be read is looked at again",
			unreadable_is_looked_at_again),
		CASE("a file with another inode number is not its own twin",
			replaced_while_scanned),
		CASE("a compressed message is left out", compressed),
		CASE("the day of retrieval is kept", retrieved_day_is_kept),
		CASE("two thousand messages are listed by a memfd", many),
		CASE("a missing Maildir is an empty maildrop", no_maildir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
