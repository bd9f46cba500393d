/*
 * test_uidl_format.c - unique-ids by a pop3_uidl_format
 *
 * What is expected of the forms of 2.3 was printed by Dovecot 2.3.19.1.
 */
#include "config.h"

#include "maildir/uidl_format.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "maildir_fixture.h"

static void md5(const void *octets, size_t count, uint8_t digest[16])
{
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_MD5, octets, count,
		digest), 0);
}

static const struct uidl_facts facts = {
	.uid = 2, .uidvalidity = 1795758802, .filename = "1700000001.M1.host",
	.guid = "0123ABCDef",
};

static void assert_makes(const char *format, const char *expected)
{
	char uidl[NAME_UIDL_OCTETS + 1];
	const char *wrong = uidl_format_check(format);

	if (wrong != NULL)
		print_error("%s %s\n", format, wrong);
	assert_null(wrong);
	assert_int_equal(uidl_format_write(format, &facts, md5, uidl), 0);
	assert_string_equal(uidl, expected);
}

static void assert_wrong(const char *format, const char *word)
{
	const char *wrong = uidl_format_check(format);

	if (wrong == NULL || strstr(wrong, word) == NULL)
		print_error("%s %s\n", format, wrong != NULL ? wrong : "-");
	assert_non_null(wrong);
	assert_non_null(strstr(wrong, word));
}

static void old_forms(void **state)
{
	(void)state;	/* pure */
	assert_makes("%08Xu%08Xv", "000000026b091ad2");
	assert_makes("%Xu.%Xv", "2.6b091ad2");
	assert_makes("%f", "1700000001.M1.host");
	assert_makes("%g", "0123ABCDef");
	assert_makes("%Mf", "95cd28041d171211b2636a3612344451");
	assert_makes("%8Mf", "95cd2804");
	assert_makes("%5u", "2");
	assert_makes("%05u", "00002");
	assert_makes("%2v%u", "172");
	assert_makes("%03v%u", "17957588022");
	assert_makes("%012v%u", "0017957588022");
	assert_makes("%Ug", "0123ABCDEF");
	assert_makes("%Lg", "0123abcdef");
	assert_makes("%LXv%u", "6b091ad22");
}

static void of_others(void **state)
{
	(void)state;	/* pure */
	assert_makes("%08Xv%08Xu", "6b091ad200000002");	/* UW */
	assert_makes("%v.%u", "1795758802.2");	/* Cyrus, Dovecot 0.99 */
	assert_makes("%u", "2");		/* Cyrus up to 2.1.3 */
	assert_makes("%v-%u", "1795758802-2");	/* Courier */
	assert_makes("UID%u-%v", "UID2-1795758802");
	assert_makes("%v%u", "17957588022");	/* Stalwart */
	assert_makes("%u%%x", "2%x");
}

static void new_forms(void **state)
{
	(void)state;	/* pure */
	assert_makes("%{uid|hex(8)}%{uidvalidity|hex(8)}", "000000026b091ad2");
	assert_makes("%{ uid | hex(8) }", "00000002");
	assert_makes("%{uidvalidity | hex(4)}%{uid}", "1ad22");
	assert_makes("%{uidvalidity | hex}.%{uid}", "6b091ad2.2");
	assert_makes("%{uid}", "2");
	assert_makes("%{uidvalidity}.%{uid}", "1795758802.2");
	assert_makes("%{filename}", "1700000001.M1.host");
	assert_makes("%{guid}", "0123ABCDef");
	assert_makes("%{guid|upper}", "0123ABCDEF");
	assert_makes("%{guid|lower}", "0123abcdef");
	assert_makes("%{filename|md5}", "95cd28041d171211b2636a3612344451");
	assert_makes("%{filename|md5|hexlify}",
		"95cd28041d171211b2636a3612344451");
}

static void wrong_formats(void **state)
{
	(void)state;	/* pure */
	assert_wrong("", "same of all");
	assert_wrong("x", "same of all");
	assert_wrong("%%", "same of all");
	assert_wrong("%v", "same of all");
	assert_wrong("%{uidvalidity}", "same of all");
	assert_wrong("%m", "mbox");
	assert_wrong("%{md5}", "mbox");
	assert_wrong("%q", "not known");
	assert_wrong("%X", "ends within");
	assert_wrong("%u%", "ends within");
	assert_wrong("%08", "ends within");
	assert_wrong("%{uid", "ends within");
	assert_wrong("%{uid|hex", "ends within");
	assert_wrong("%{uid|hex(", "filter");
	assert_wrong("%{uid|hex(8", "filter");
	assert_wrong("%{uid|", "filter");
	assert_wrong("%{", "not known");
	assert_wrong("%{}", "not known");
	assert_wrong("%{user}", "not known");
	assert_wrong("%{uid|sha1}", "filter");
	assert_wrong("%{uid|md5(8)}", "filter");
	assert_wrong("%{uid|hex(-8)}", "filter");
	assert_wrong("%{uid|hexlify}", "filter");
	assert_wrong("%{uid|md5|upper}", "MD5");
	assert_wrong("%{filename|hex(8)}", "no number");
	assert_wrong("%Xf", "no number");
	assert_wrong("%MXu", "no number");
	assert_wrong("%256u", "255");
	assert_wrong("%99999999999999999999999u", "255");
	assert_wrong("%{uid|hex(256)}", "255");
	assert_wrong("%1.3u", "offset");
	assert_wrong("%-3u", "offset");
	assert_wrong("%0-3u", "offset");
	assert_wrong("%LLLLLLLLLLLLLLLu", "too many");
	assert_wrong("%u %v", "blank");
	assert_wrong("%u\xc3\xa4", "blank");
	assert_wrong("%u\n", "blank");
}

static void too_long(void **state)
{
	static char long_name[300];
	struct uidl_facts of_long = facts;
	char uidl[NAME_UIDL_OCTETS + 1];

	(void)state;	/* pure */
	memset(long_name, 'x', sizeof(long_name) - 1);
	of_long.filename = long_name;
	assert_int_equal(uidl_format_write("%f", &of_long, md5, uidl), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(uidl_format_write("%71f", &of_long, md5, uidl), -1);
	assert_int_equal(uidl_format_write("%70f", &of_long, md5, uidl), 0);
	assert_int_equal(strlen(uidl), 70);
	assert_int_equal(uidl_format_write("%69f%u", &of_long, md5, uidl), 0);
	assert_int_equal(uidl_format_write("%70f%u", &of_long, md5, uidl),
		-1);
	assert_int_equal(uidl_format_write("%0255u", &of_long, md5, uidl),
		-1);
	assert_int_equal(uidl_format_write("%Mf%u", &of_long, md5, uidl), 0);
	of_long.filename = "a b";
	assert_int_equal(uidl_format_write("%f", &of_long, md5, uidl), -1);
	of_long.filename = "";
	assert_int_equal(uidl_format_write("%f", &of_long, md5, uidl), -1);
}

static void uidvalidity(void **state)
{
	(void)state;	/* pure */
	assert_true(uidl_format_has_uidvalidity("%08Xu%08Xv"));
	assert_true(uidl_format_has_uidvalidity("%{uid}%{uidvalidity|hex}"));
	assert_false(uidl_format_has_uidvalidity("%f"));
	assert_false(uidl_format_has_uidvalidity("%u%%v"));
	assert_false(uidl_format_has_uidvalidity("v%u"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PURE_CASE("the forms of Dovecot 2.3 make what it makes",
			old_forms),
		PURE_CASE("the forms of other servers can be made", of_others),
		PURE_CASE("the forms of Dovecot 2.4 are known", new_forms),
		PURE_CASE("a wrong format is told by what is wrong with it",
			wrong_formats),
		PURE_CASE("what makes no legal unique-id is refused",
			too_long),
		PURE_CASE("a format tells whether it needs the uidvalidity",
			uidvalidity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
