/*
 * test_import.c - taking over unique-ids and order from other servers
 */
#include "config.h"

#include "maildir/import.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/import_popa3d.h"
#include "maildir/ledger_file.h"
#include "maildir_fixture.h"

#define DOVECOT "dovecot-uidlist"
#define COURIER "courierpop3dsizelist"
#define FORMAT "%08Xu%08Xv"

static char told[1000];

static void md5(const void *octets, size_t count, uint8_t digest[16])
{
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_MD5, octets, count,
		digest), 0);
}

static void tell(void *context, const char *text)
{
	(void)context;	/* none */
	snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s\n",
		text);
}

/* Scan the Maildir and import into 'ledger'; returns what the import did. */
static int import_into(struct fixture *fixture, struct ledger *ledger,
	enum import_from from, const char *format)
{
	struct import_rules rules = {
		.from = from, .uidl_format = format, .md5 = md5, .tell = tell,
	};
	struct scan scan;
	int result, saved;

	told[0] = '\0';
	fixture_scan(fixture, &scan);
	result = import_uidls(ledger, fixture->root_fd, &scan, &rules);
	saved = errno;
	scan_free(&scan);
	errno = saved;
	return result;
}

static void assert_lines(const struct ledger *ledger, const char *expected)
{
	static char lines[1 << 16];
	size_t used = 0;

	lines[0] = '\0';
	for (uint32_t idx = 0; idx < ledger->count; idx++) {
		assert_true(used + LEDGER_LINE_BYTES <= sizeof(lines));
		used += ledger_line(ledger, idx, lines + used);
	}
	assert_string_equal(lines, expected);
}

/* Import into an empty ledger; twice, which must change nothing. */
static void assert_import(struct fixture *fixture, enum import_from from,
	const char *format, const char *expected)
{
	struct ledger ledger = { .entries = NULL };
	char first[sizeof(told)];

	assert_int_equal(import_into(fixture, &ledger, from, format), 0);
	assert_lines(&ledger, expected);
	memcpy(first, told, sizeof(first));
	ledger.is_changed = false;
	assert_int_equal(import_into(fixture, &ledger, from, format), 0);
	assert_false(ledger.is_changed);
	assert_lines(&ledger, expected);
	memcpy(told, first, sizeof(told));
	ledger_free(&ledger);
}

static void assert_told(const char *part)
{
	if (strstr(told, part) == NULL)
		print_error("told: %s\n", told);
	assert_non_null(strstr(told, part));
}

static void assert_dovecot(struct fixture *fixture, const char *uidlist,
	const char *expected)
{
	fixture_write(fixture, DOVECOT, uidlist);
	assert_import(fixture, IMPORT_DOVECOT, FORMAT, expected);
}

static void assert_courier(struct fixture *fixture, const char *sizelist,
	const char *expected)
{
	fixture_write(fixture, COURIER, sizelist);
	assert_import(fixture, IMPORT_COURIER, FORMAT, expected);
}

static void write_octets(struct fixture *fixture, const char *path,
	const char *octets, size_t count)
{
	int fd = openat(fixture->root_fd, path,
		O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, octets, count), count);
	close(fd);
}

/* --- Dovecot --- */

static void dovecot_3(void **state)
{
	assert_dovecot(*state,
		"3 V1234567890 N8 G0123456789abcdef0123456789abcdef\n"
		"3 :1700000000.a\n"
		"4 S25 W27 :1700000001.b,S=25,W=27\n"
		"5 PUID77-1111 O1 :1700000002.M1P1.host,S=25,W=27\n"
		"7 P Gabc Zx :1700000003.d,S=3\n",
		"1 - UID77-1111 1700000002.M1P1.host\n"
		"2 - 00000003499602d2 1700000000.a\n"
		"3 - 00000004499602d2 1700000001.b\n"
		"4 - 1700000003.d,S=3 1700000003.d\n");
	assert_string_equal(told,
		"imported 4 unique-ids from dovecot-uidlist\n");
}

static void dovecot_1(void **state)
{
	assert_dovecot(*state, "1 1234567890 9\n"
		"1 1700000000.a\n"
		"2 1700000001.b c,S=2:2,S\n"
		"8 :2,S\n"
		"4294967294 17.x\n",
		"1 - 00000001499602d2 1700000000.a\n"
		"2 - 00000002499602d2 1700000001.b%20c\n"
		"3 - fffffffe499602d2 17.x\n");
}

static void dovecot_flags(void **state)
{
	assert_dovecot(*state, "3 N3 V16\n"
		"1 :1700000000.a:2,S\n2 O5 :1700000001.b,S=2:2,\n",
		"1 - 0000000200000010 1700000001.b\n"
		"2 - 0000000100000010 1700000000.a\n");
}

static void dovecot_order(void **state)
{
	assert_dovecot(*state, "3 V16\n"
		"1 :1.a\n2 O9 :1.b\n3 O4294967295 :1.c\n4 O2 :1.d\n"
		"5 O2 :1.e\n6 O4294967296 :1.f\n7 Ox :1.g\n8 O :1.h\n",
		"1 - 0000000400000010 1.d\n"
		"2 - 0000000500000010 1.e\n"
		"3 - 0000000200000010 1.b\n"
		"4 - 0000000300000010 1.c\n"
		"5 - 0000000100000010 1.a\n"
		"6 - 0000000600000010 1.f\n"
		"7 - 0000000700000010 1.g\n"
		"8 - 0000000800000010 1.h\n");
}

static void dovecot_broken(void **state)
{
	assert_dovecot(*state, "3 V16 N9\n"
		"\n"
		"x\n"
		"5 :1.e\n"
		"5 :1.same-uid\n"
		"4 :1.lower-uid\n"
		"0 :1.zero\n"
		"-6 :1.minus\n"
		"6:1.no-blank\n"
		"6\n"
		"6 \n"
		"6 :\n"
		"6 ::2,S\n"
		"6 S5\n"
		"6 S5 \n"
		"6 S5 1.no-colon\n"
		"6 s5 :1.lower-key\n"
		"6  :1.two-blanks\n"
		"6 :../../etc/passwd\n"
		"4294967295 :1.no-uid\n"
		"18446744073709551622 :1.huge\n"
		"99999999999999999999999999 :1.huger\n"
		"7 S99999999999999999999999999 W- :1.g\n"
		"8 :1.torn",
		"1 - 0000000500000010 1.e\n"
		"2 - 0000000700000010 1.g\n");
	assert_told("passed over in dovecot-uidlist: 21 broken lines");
}

static void dovecot_octets(void **state)
{
	static const char nul[] = "3 V16\n1 :1.a\0b\n2 :1.b\n\0\n3 :1.\xff\n";
	struct fixture *fixture = *state;

	write_octets(fixture, DOVECOT, nul, sizeof(nul) - 1);
	assert_import(fixture, IMPORT_DOVECOT, FORMAT,
		"1 - 0000000200000010 1.b\n"
		"2 - 0000000300000010 1.%FF\n");
	assert_dovecot(fixture, "3 V16\r\n1 :1.a\r\n2 PX :1.b\r\n",
		"1 - 0000000100000010 1.a\n2 - X 1.b\n");
}

static void dovecot_empty(void **state)
{
	struct fixture *fixture = *state;

	assert_dovecot(fixture, "", "");
	assert_string_equal(told, "");
	assert_dovecot(fixture, "3 V16 N1\n", "");
	assert_string_equal(told, "");
	assert_dovecot(fixture, "3 V16 N1", "");
	assert_dovecot(fixture, "rubbish\n1 Pp :1.a\n", "1 - p 1.a\n");
	assert_told("1 broken line");
}

static void no_validity(void **state)
{
	static const char *const headers[] = { "3", "3 N5", "3 V0", "3 V",
		"3 Vx", "3 V4294967296", "3 V12x", "3 v16", "3  N5" };
	struct fixture *fixture = *state;
	char uidlist[100];

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		snprintf(uidlist, sizeof(uidlist), "%s\n1 :1.a\n2 Px :1.b\n",
			headers[i]);
		assert_dovecot(fixture, uidlist, "1 - x 1.b\n");
		assert_told("1 unique-ids that need a uidvalidity");
		assert_import(fixture, IMPORT_DOVECOT, "%f",
			"1 - 1.a 1.a\n2 - x 1.b\n");
	}
}

static void dovecot_versions(void **state)
{
	static const char *const headers[] = { "0 1 2", "2 V16", "4 V16",
		"18446744073709551615" };
	struct fixture *fixture = *state;
	char uidlist[100];

	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		struct ledger ledger = { .entries = NULL };

		snprintf(uidlist, sizeof(uidlist), "%s\n1 :1.a\n",
			headers[i]);
		fixture_write(fixture, DOVECOT, uidlist);
		assert_int_equal(import_into(fixture, &ledger,
			IMPORT_DOVECOT, FORMAT), -1);
		assert_int_equal(errno, EPROTONOSUPPORT);
		assert_told("can't import unique-ids from dovecot-uidlist: "
			"its version is not known");
		assert_int_equal(ledger.count, 0);
		ledger_free(&ledger);
	}
}

static void formats(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };

	fixture_write(fixture, DOVECOT, "3 V16 N5\n"
		"10 G0a :1700000003.a,S=4:2,S\n11 :1.b\n");
	assert_import(fixture, IMPORT_DOVECOT, "%v.%u",
		"1 - 16.10 1700000003.a\n2 - 16.11 1.b\n");
	assert_import(fixture, IMPORT_DOVECOT, "%{uid|hex(8)}",
		"1 - 0000000a 1700000003.a\n2 - 0000000b 1.b\n");
	assert_import(fixture, IMPORT_DOVECOT, "%f",
		"1 - 1700000003.a,S=4 1700000003.a\n2 - 1.b 1.b\n");
	assert_import(fixture, IMPORT_DOVECOT, "%g",
		"1 - 0a 1700000003.a\n2 - 1.b 1.b\n");
	assert_int_equal(import_into(fixture, &ledger, IMPORT_DOVECOT, "%m"),
		-1);
	assert_int_equal(errno, EINVAL);
	assert_told("uidl-format \"%m\" names %m, which only mbox");
	ledger_free(&ledger);
}

static void doubled(void **state)
{
	assert_dovecot(*state, "3 V16\n"
		"1 Px :1.a\n2 Px :1.b\n3 :1.c\n4 P0000000300000010 :1.d\n"
		"5 P\x80 :1.e\n"
		"6 P01234567890123456789012345678901234567890123456789"
		"012345678901234567890 :1.f\n",
		"1 - x 1.a\n3 - 0000000300000010 1.c\n");
	assert_told("2 unique-ids that POP3 does not permit, "
		"2 unique-ids that another message has");
}

static void same_unique(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, DOVECOT, "3 V16\n"
		"1 Pone :1.a,S=1\n2 Ptwo :1.a,S=2\n3 Pthree :1.a,S=3\n"
		"4 Pfour :1.a,S=2\n");
	assert_import(fixture, IMPORT_DOVECOT, FORMAT, "4 - four 1.a\n");
	fixture_write(fixture, "cur/1.a,S=1:2,S", "one\n");
	assert_import(fixture, IMPORT_DOVECOT, FORMAT, "1 - one 1.a\n");
	fixture_rename(fixture, "cur/1.a,S=1:2,S", "new/1.a,S=2");
	assert_import(fixture, IMPORT_DOVECOT, FORMAT, "4 - four 1.a\n");
	fixture_rename(fixture, "new/1.a,S=2", "new/1.a,S=4");
	assert_import(fixture, IMPORT_DOVECOT, FORMAT, "4 - four 1.a\n");
}

static void twins(void **state)
{
	struct fixture *fixture = *state;
	char expected[200];
	struct stat one, three;

	fixture_write(fixture, DOVECOT, "3 V16\n"
		"1 Pone :1.a,S=1\n2 Ptwo :1.a,S=2\n3 Pthree :1.a,S=3\n");
	fixture_write(fixture, "cur/1.a,S=1:2,S", "one\n");
	fixture_write(fixture, "cur/1.a,S=3:2,", "three\n");
	assert_int_equal(fstatat(fixture->root_fd, "cur/1.a,S=1:2,S", &one,
		0), 0);
	assert_int_equal(fstatat(fixture->root_fd, "cur/1.a,S=3:2,", &three,
		0), 0);
	snprintf(expected, sizeof(expected),
		"1 %llu one 1.a\n3 %llu three 1.a\n",
		(unsigned long long)one.st_ino,
		(unsigned long long)three.st_ino);
	assert_import(fixture, IMPORT_DOVECOT, FORMAT, expected);
}

/* --- Courier --- */

static void courier_3(void **state)
{
	assert_courier(*state, "/3 5 1795758817\n"
		"1700000000.M1.host:2, 17 1:1795758817:0\n"
		"1700000001.M1.ho st:2,S 17 2:1795758817:1\n"
		"1700000002.c:2,S 17 3:0:0\n"
		"1600000005.M1P1.ho st+x:2,S 25 0:0:0\n",
		"1 - UID1-1795758817 1700000000.M1.host\n"
		"2 - UID2-1795758817 1700000001.M1.ho%20st\n"
		"3 - UID3 1700000002.c\n"
		"4 - 1600000005.M1P1.ho+20st+2Bx 1600000005.M1P1.ho%20st+x\n");
	assert_string_equal(told,
		"imported 4 unique-ids from courierpop3dsizelist\n");
}

static void courier_others(void **state)
{
	assert_courier(*state, "/2 5 9\n1.a:2,S 17 1:9\n1.b 17 2:0\n",
		"1 - UID1-9 1.a\n2 - UID2 1.b\n");
	assert_courier(*state, "/1 5\n1.a:2,S 17 1\n1.b c 17 2\n1.d 3 0\n",
		"1 - UID1 1.a\n2 - UID2 1.b%20c\n3 - 1.d 1.d\n");
	assert_courier(*state, "1.a:2,S 17\n1.b c 17\n1.'\"+\xff 0\n",
		"1 - 1.a 1.a\n2 - 1.b+20c 1.b%20c\n"
		"3 - 1.+27+22+2B+FF 1.'\"+%FF\n");
}

static void courier_broken(void **state)
{
	assert_courier(*state, "/3 5 9\n"
		"\n"
		"1.a\n"
		"1.a 17\n"
		"1.a x 1:9:0\n"
		"1.a 17 x:9:0\n"
		"1.a 17 1:x:0\n"
		"1.a 17 1:9:x\n"
		"1.a 17 1:9:0x\n"
		"1.a 17 1:9:0:0\n"
		"1.a 17 1:\n"
		"1.a 17 -1:9:0\n"
		"1.a 17 18446744073709551616:9:0\n"
		"1.a 18446744073709551616 1:9:0\n"
		" 17 1:9:0\n"
		"../a 17 1:9:0\n"
		":2,S 17 1:9:0\n"
		"/3 5 9\n"
		"1.b 18446744073709551615 18446744073709551615:"
		"18446744073709551615:0\r\n"
		"1.c 17 1:9:0",
		"1 - UID18446744073709551615-18446744073709551615 1.b\n");
	assert_told("18 broken lines");
}

static void courier_long(void **state)
{
	struct fixture *fixture = *state;
	char sizelist[1200] = "", name[300];

	memset(name, 'n', 70);
	name[70] = '\0';
	snprintf(sizelist, sizeof(sizelist), "%s 5\n%sx 5\n%.*s+ 5\n%.*s+ 5\n"
		"%.*s+ 5\n", name, name, 67, name, 68, name, 69, name);
	fixture_write(fixture, COURIER, sizelist);
	snprintf(sizelist, sizeof(sizelist), "1 - %s %s\n2 - %.*s+2B %.*s+\n",
		name, name, 67, name, 67, name);
	assert_import(fixture, IMPORT_COURIER, FORMAT, sizelist);
	assert_told("3 unique-ids that POP3 does not permit");
	memset(name, 'n', 256);
	name[256] = '\0';
	snprintf(sizelist, sizeof(sizelist), "/1 5\n%s 5 1\n%s 5 2\n", name,
		name + 1);
	fixture_write(fixture, COURIER, sizelist);
	snprintf(sizelist, sizeof(sizelist), "1 - UID2 %s\n", name + 1);
	assert_import(fixture, IMPORT_COURIER, FORMAT, sizelist);
	assert_told("1 broken line");
}

static void courier_versions(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };

	fixture_write(fixture, COURIER, "/4 1 2\n1.a 17 1:9:0\n");
	assert_int_equal(import_into(fixture, &ledger, IMPORT_COURIER,
		FORMAT), -1);
	assert_int_equal(errno, EPROTONOSUPPORT);
	fixture_write(fixture, COURIER, "/0 1 2\n");
	assert_int_equal(import_into(fixture, &ledger, IMPORT_COURIER,
		FORMAT), -1);
	ledger_free(&ledger);
	assert_courier(fixture, "", "");
	assert_courier(fixture, "/", "");
	assert_courier(fixture, "/3", "");
	assert_courier(fixture, "/x\n1.a 17 1:9:0\n", "1 - UID1-9 1.a\n");
}

/* --- rules --- */

static void write_aged(struct fixture *fixture, const char *path,
	const char *text, time_t time_s)
{
	fixture_write(fixture, path, text);
	fixture_date(fixture, path, time_s);
}

static void qmail(void **state)
{
	struct fixture *fixture = *state;

	write_aged(fixture, "new/1700000003.a", "x\n", 3000);
	write_aged(fixture, "cur/1700000001.b,S=2:2,S", "x\n", 2000);
	write_aged(fixture, "cur/1700000002.c", "x\n", 3000);
	write_aged(fixture, "cur/1700000000.d e:2,", "x\n", 1000);
	assert_import(fixture, IMPORT_QMAIL, FORMAT,
		"1 - 1700000001.b,S=2 1700000001.b\n"
		"2 - 1700000002.c 1700000002.c\n"
		"3 - 1700000003.a 1700000003.a\n");
	assert_told("imported 3 unique-ids from the file names, as qmail");
	assert_told("1 unique-ids that POP3 does not permit");
}

static void solid(void **state)
{
	struct fixture *fixture = *state;

	write_aged(fixture, "cur/1700000003.a:2,S", "x\n", 1000);
	write_aged(fixture, "new/1700000001.b", "x\n", -1000);
	assert_import(fixture, IMPORT_SOLID, FORMAT,
		"1 - 2f447fe0752187b90d4c23fb18e73776 1700000001.b\n"
		"2 - cabdf1e951580df7feccd8cbb3ab38cb 1700000003.a\n");
}

static void rule_twins(void **state)
{
	struct fixture *fixture = *state;
	char expected[200];
	struct stat plain, sized;

	write_aged(fixture, "cur/1.a:2,S", "x\n", 1000);
	write_aged(fixture, "cur/1.a,S=2:2,S", "x\n", 2000);
	assert_int_equal(fstatat(fixture->root_fd, "cur/1.a:2,S", &plain, 0),
		0);
	assert_int_equal(fstatat(fixture->root_fd, "cur/1.a,S=2:2,S", &sized,
		0), 0);
	snprintf(expected, sizeof(expected),
		"1 %llu 1.a 1.a\n2 %llu 1.a,S=2 1.a\n",
		(unsigned long long)plain.st_ino,
		(unsigned long long)sized.st_ino);
	assert_import(fixture, IMPORT_QMAIL, FORMAT, expected);
}

static void assert_popa3d(const char *header, const char *expected)
{
	char buffer[1000], uidl[POPA3D_UIDL_BYTES];

	assert_true(strlen(header) < sizeof(buffer));
	memcpy(buffer, header, strlen(header));
	import_popa3d_header(buffer, strlen(header), md5, uidl);
	assert_string_equal(uidl, expected);
}

/* What an MD5 over 'lines' makes. */
static const char *popa3d_of(const char *lines)
{
	static char uidl[POPA3D_UIDL_BYTES];
	uint8_t digest[16];

	md5(lines, strlen(lines), digest);
	snprintf(uidl, sizeof(uidl), "%02x%02x%02x%02x%02x%02x%02x%02x",
		digest[3], digest[2], digest[1], digest[0], digest[7],
		digest[6], digest[5], digest[4]);
	return uidl;
}

static void popa3d_header(void **state)
{
	(void)state;	/* pure */
	assert_popa3d("Date: Mon, 1 Jan 2024 00:00:00 +0000\n"
		"Message-ID: <x2@y>\n folded\nSubject: hi2\n"
		"X-Delivery-ID: 42\n\nbody\n", "f7204fab09f526a5");
	assert_popa3d("", popa3d_of(""));
	assert_popa3d("\nDate: x\n", popa3d_of(""));
	assert_popa3d("Subject: x\n\nDate: x\n", popa3d_of(""));
	assert_popa3d("dAtE: x\n", popa3d_of("dAtE: x\n"));
	assert_popa3d("Date: x", popa3d_of("Date: x"));
	assert_popa3d("x-delivery-id: 1\nX-delivery-ID: 2\n",
		popa3d_of("X-delivery-ID: 2\n"));
	assert_popa3d("Received: a\n\tb\nReceived: c\n\td\nDate: x\n"
		"Message-ID: y\nDelivered-To: u\nDelivered-To: v\n",
		popa3d_of("Received: a\n\tb\nDelivered-To: u\n"
			"Delivered-To: v\n"));
	assert_popa3d("Date: x\nReceived: a\nDate: y\n",
		popa3d_of("Date: x\nReceived: a\n"));
	assert_popa3d(" lonely\nDates: x\nDate : x\n", popa3d_of(""));
	assert_popa3d("Date: x\r\n\r\nDate: y\n", popa3d_of("Date: x\r\n"));
}

static void popa3d(void **state)
{
	struct fixture *fixture = *state;

	write_aged(fixture, "cur/2.b:2,S", "Date: Mon, 1 Jan 2024 00:00:00 "
		"+0000\nMessage-ID: <x2@y>\n folded\nSubject: hi2\n"
		"X-Delivery-ID: 42\n\nbody\n", 1000);
	write_aged(fixture, "new/1.a", "Subject: x\n\nDate: no\n", 2000);
	write_aged(fixture, "new/3.c", "", 500);
	assert_import(fixture, IMPORT_POPA3D, FORMAT,
		"1 - d98c1dd404b2008f 1.a\n"
		"2 - f7204fab09f526a5 2.b\n");
	assert_told("1 unique-ids that another message has");
}

static void popa3d_long(void **state)
{
	struct fixture *fixture = *state;
	size_t count = (size_t)3 << 20;
	char *message = malloc(count + 1), *expected, line[100];

	assert_non_null(message);
	memset(message, 'x', count);
	memcpy(message, "Date: ", 6);
	message[count] = '\0';
	fixture_write(fixture, "new/1.a", message);
	message[POPA3D_HEADER_BYTES] = '\0';
	expected = strdup(popa3d_of(message));
	snprintf(line, sizeof(line), "1 - %s 1.a\n", expected);
	assert_import(fixture, IMPORT_POPA3D, FORMAT, line);
	memset(message, 'x', count);
	memcpy(message, "Date: 1\nSubject: ", 17);
	memcpy(message + 16383, "\n\nDate: no\n", 11);
	message[count] = '\0';
	fixture_write(fixture, "new/1.a", message);
	snprintf(line, sizeof(line), "1 - %s 1.a\n", popa3d_of("Date: 1\n"));
	assert_import(fixture, IMPORT_POPA3D, FORMAT, line);
	free(expected);
	free(message);
}

/* A message that was renamed after the scan, and one that was removed. */
static void popa3d_moved(void **state)
{
	struct fixture *fixture = *state;
	struct import_rules rules = {
		.from = IMPORT_POPA3D, .uidl_format = FORMAT, .md5 = md5,
		.tell = tell,
	};
	struct ledger ledger = { .entries = NULL };
	struct scan scan;

	fixture_write(fixture, "new/1.a", "Date: a\n\n");
	fixture_write(fixture, "new/2.b", "Date: b\n\n");
	fixture_scan(fixture, &scan);
	fixture_rename(fixture, "new/1.a", "cur/1.a:2,S");
	fixture_remove(fixture, "new/2.b");
	told[0] = '\0';
	assert_int_equal(import_uidls(&ledger, fixture->root_fd, &scan,
		&rules), 0);
	assert_int_equal(ledger.count, 1);
	assert_string_equal(ledger.strings + ledger.entries[0].uidl,
		popa3d_of("Date: a\n"));
	assert_told("1 messages that can't be read");
	scan_free(&scan);
	ledger_free(&ledger);
}

/* --- which one --- */

static void automatic(void **state)
{
	struct fixture *fixture = *state;

	assert_import(fixture, IMPORT_AUTO, FORMAT, "");
	assert_string_equal(told, "");
	fixture_write(fixture, "new/1.a", "x\n");
	assert_import(fixture, IMPORT_AUTO, FORMAT, "");
	assert_told("neither dovecot-uidlist nor courierpop3dsizelist is here");
	write_aged(fixture, COURIER, "/3 5 9\n1.a 17 1:9:0\n", 2000);
	assert_import(fixture, IMPORT_AUTO, FORMAT, "1 - UID1-9 1.a\n");
	write_aged(fixture, DOVECOT, "3 V16\n1 :1.a\n", 1000);
	assert_import(fixture, IMPORT_AUTO, FORMAT, "1 - UID1-9 1.a\n");
	assert_told("both dovecot-uidlist and courierpop3dsizelist are here: "
		"courierpop3dsizelist was changed last");
	fixture_date(fixture, DOVECOT, 3000);
	assert_import(fixture, IMPORT_AUTO, FORMAT,
		"1 - 0000000100000010 1.a\n");
	assert_told("dovecot-uidlist was changed last");
	assert_import(fixture, IMPORT_NONE, FORMAT, "");
	assert_string_equal(told, "");
	fixture_remove(fixture, COURIER);
	assert_import(fixture, IMPORT_AUTO, FORMAT,
		"1 - 0000000100000010 1.a\n");
}

static void not_there(void **state)
{
	struct fixture *fixture = *state;

	assert_import(fixture, IMPORT_DOVECOT, FORMAT, "");
	assert_string_equal(told, "");
	fixture_write(fixture, "new/1.a", "x\n");
	assert_import(fixture, IMPORT_DOVECOT, FORMAT, "");
	assert_told("dovecot-uidlist is not here");
	assert_import(fixture, IMPORT_COURIER, FORMAT, "");
	assert_told("courierpop3dsizelist is not here");
}

static void assert_fails(struct fixture *fixture, enum import_from from,
	int error)
{
	struct ledger ledger = { .entries = NULL };

	assert_int_equal(import_into(fixture, &ledger, from, FORMAT), -1);
	assert_int_equal(errno, error);
	assert_told("can't import unique-ids from");
	assert_int_equal(ledger.count, 0);
	ledger_free(&ledger);
}

static void odd_files(void **state)
{
	struct fixture *fixture = *state;
	int fd;

	assert_int_equal(mkfifoat(fixture->root_fd, DOVECOT, 0600), 0);
	assert_fails(fixture, IMPORT_DOVECOT, EOPNOTSUPP);
	assert_fails(fixture, IMPORT_AUTO, EOPNOTSUPP);
	fixture_write(fixture, "other", "/3 5 9\n1.a 17 1:9:0\n");
	assert_int_equal(symlinkat("other", fixture->root_fd, COURIER), 0);
	assert_fails(fixture, IMPORT_COURIER, ELOOP);
	fixture_remove(fixture, COURIER);
	fd = openat(fixture->root_fd, COURIER, O_WRONLY | O_CREAT | O_CLOEXEC,
		0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, ((off_t)256 << 20) + 1), 0);
	close(fd);
	assert_fails(fixture, IMPORT_COURIER, EFBIG);
}

/* In a child: what the mail user may not read is not taken for nothing. */
static int import_forbidden(struct fixture *fixture)
{
	struct ledger ledger = { .entries = NULL };

	if (fchmodat(fixture->root_fd, DOVECOT, 0000, 0) < 0)
		return 1;
	if (import_into(fixture, &ledger, IMPORT_AUTO, FORMAT) == 0)
		return 2;
	return errno == EACCES && ledger.count == 0 ? 0 : 3;
}

static void forbidden(void **state)
{
	struct fixture *fixture = *state;

	fixture_write(fixture, DOVECOT, "3 V16\n1 :1.a\n");
	assert_int_equal(fixture_as_nobody(fixture, import_forbidden), 0);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static void untouched(void **state)
{
	static const char *const names[] = { DOVECOT, COURIER };
	struct fixture *fixture = *state;
	struct stat before[2], after;

	write_aged(fixture, DOVECOT, "3 V16\n1 :1.a:2,S\nbroken\n", 1000);
	write_aged(fixture, COURIER, "/1 5\n1.a b 17 1\nbroken", 2000);
	fixture_write(fixture, "new/1.a", "x\n");
	for (int i = 0; i < 2; i++)
		assert_int_equal(fstatat(fixture->root_fd, names[i],
			&before[i], 0), 0);
	assert_import(fixture, IMPORT_DOVECOT, FORMAT,
		"1 - 0000000100000010 1.a\n");
	assert_import(fixture, IMPORT_COURIER, FORMAT, "1 - UID1 1.a%20b\n");
	assert_import(fixture, IMPORT_AUTO, FORMAT, "1 - UID1 1.a%20b\n");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fstatat(fixture->root_fd, names[i], &after,
			0), 0);
		assert_true(after.st_ino == before[i].st_ino);
		assert_true(after.st_size == before[i].st_size);
		assert_true(is_same_time(&after.st_mtim, &before[i].st_mtim));
		assert_true(is_same_time(&after.st_ctim, &before[i].st_ctim));
	}
	assert_false(fixture_has(fixture, "postern.uidls"));
}

static void ledger_wins(void **state)
{
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };
	struct ledger_entry facts = { .rank = 0 };

	fixture_write(fixture, DOVECOT,
		"3 V16\n1 Pa :1.a\n2 Pb :1.b\n3 Pc :1.c\n");
	assert_int_equal(ledger_add(&ledger, "1.a", 3, "ours", &facts), 0);
	assert_int_equal(ledger_add(&ledger, "1.x", 3, "b", &facts), 0);
	assert_int_equal(import_into(fixture, &ledger, IMPORT_AUTO, FORMAT),
		0);
	assert_lines(&ledger, "0 - ours 1.a\n0 - b 1.x\n3 - c 1.c\n");
	assert_told("1 unique-ids that another message has");
	ledger_free(&ledger);
}

static void many(void **state)
{
	static const int count = 20000;
	struct fixture *fixture = *state;
	struct ledger ledger = { .entries = NULL };
	char *text = malloc((size_t)count * 40 + 100), *end = text;

	assert_non_null(text);
	end += sprintf(end, "3 V1234567890\n");
	/* As far from the order of names as can be. */
	for (int i = 1; i <= count; i++)
		end += sprintf(end, "%d S1 :17%08d.M%dP1.host,S=1\n", i,
			i % 2 != 0 ? i : count - i, i % 3);
	fixture_write(fixture, DOVECOT, text);
	assert_int_equal(import_into(fixture, &ledger, IMPORT_AUTO, FORMAT),
		0);
	assert_int_equal(ledger.count, count);
	for (uint32_t i = 0; i < ledger.count; i++)
		assert_int_equal(ledger.entries[i].rank, i + 1);
	ledger_free(&ledger);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("Dovecot's version 3 is read with its keys and order",
			dovecot_3),
		CASE("Dovecot's version 1 is read", dovecot_1),
		CASE("flags in Dovecot's names are no part of them",
			dovecot_flags),
		CASE("Dovecot's order of POP3 goes before that of uids",
			dovecot_order),
		CASE("broken lines of Dovecot cost no other message",
			dovecot_broken),
		CASE("NUL, CR and 8-bit octets in Dovecot's file do no harm",
			dovecot_octets),
		CASE("Dovecot's file may be empty, torn or rubbish",
			dovecot_empty),
		CASE("without a uidvalidity all is read that needs none",
			no_validity),
		CASE("other versions of Dovecot's file are no empty ones",
			dovecot_versions),
		CASE("Dovecot's format is a rule", formats),
		CASE("no unique-id is taken over twice, nor an illegal one",
			doubled),
		CASE("of entries with one unique part that of the file holds",
			same_unique),
		CASE("files that share a unique part keep their unique-ids",
			twins),
		CASE("Courier's version 3 is read", courier_3),
		CASE("Courier's versions 0 to 2 are read", courier_others),
		CASE("broken lines of Courier cost no other message",
			courier_broken),
		CASE("names of Courier that are too long are passed over",
			courier_long),
		CASE("other versions of Courier's file are no empty ones",
			courier_versions),
		CASE("qmail-pop3d's are names in the order of age", qmail),
		CASE("solid-pop3d's are MD5s of names in the order of age",
			solid),
		CASE("by a rule, files that share a unique part keep theirs",
			rule_twins),
		PURE_CASE("popa3d hashes just these lines of a header",
			popa3d_header),
		CASE("popa3d's are hashes in the order of names", popa3d),
		CASE("of a header without end a mebibyte is read",
			popa3d_long),
		CASE("a message that is renamed meanwhile keeps its popa3d's",
			popa3d_moved),
		CASE("the file that lies there says who was here last",
			automatic),
		CASE("a file that is not there is told if there is mail",
			not_there),
		CASE("a FIFO, a link and a huge file are no empty ones",
			odd_files),
		CASE("a file that may not be read is no empty one",
			forbidden),
		CASE("the files of the other server stay as they are",
			untouched),
		CASE("what the ledger has goes before what is imported",
			ledger_wins),
		CASE("20000 messages in any order are all taken over", many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
