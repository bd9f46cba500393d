/*
 * test_auth_normal.c - names and passwords that look the same are the same
 */
#include "config.h"

#include "auth_normal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM 256

static void expect(const char *text, const char *normal)
{
	char form[ROOM];

	assert_true(auth_normal_write(text, form, sizeof(form)));
	assert_string_equal(form, normal);
	assert_true(auth_normal_is_of(text, normal));
	/* It is its own normal form. */
	assert_true(auth_normal_write(normal, form, sizeof(form)));
	assert_string_equal(form, normal);
}

static void composed_and_not_are_the_same(void **state)
{
	(void)state;
	expect("jo\xcc\x88rg", "j\xc3\xb6rg");
	expect("j\xc3\xb6rg", "j\xc3\xb6rg");
	expect("\xe2\x84\xab", "\xc3\x85");
	expect("\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab", "\xed\x95\x9c");
	expect("a\xcc\x87\xcc\xa3", "\xe1\xba\xa1\xcc\x87");
}

static void blanks_are_one_blank(void **state)
{
	(void)state;
	expect("a\xc2\xa0" "b\xc3\xa9", "a b\xc3\xa9");
	expect(" a  b ", " a  b ");
}

static void case_and_width_stay(void **state)
{
	(void)state;
	expect("J\xc3\x96RG", "J\xc3\x96RG");
	expect("\xef\xbd\x8a", "\xef\xbd\x8a");
	assert_false(auth_normal_is_of("J\xc3\x96RG", "j\xc3\xb6rg"));
	assert_false(auth_normal_is_of("jorg", "j\xc3\xb6rg"));
}

static void what_is_no_utf_8_stays(void **state)
{
	(void)state;
	expect("j\xf6rg", "j\xf6rg");
	expect("\xff", "\xff");
	expect("\xc3", "\xc3");
	expect("\xc0\xaf", "\xc0\xaf");
	expect("\xed\xa0\x80", "\xed\xa0\x80");
	expect("\xf4\x90\x80\x80", "\xf4\x90\x80\x80");
	expect("o\xcc\x88\xff", "o\xcc\x88\xff");
}

static void what_the_profile_forbids_stays(void **state)
{
	(void)state;
	expect("", "");
	expect("\x01o\xcc\x88", "\x01o\xcc\x88");
	expect("\xc2\x85", "\xc2\x85");
}

/* Each of these three octets becomes six. */
static void what_does_not_fit_is_refused(void **state)
{
	char text[ROOM * 8] = "", form[ROOM];

	(void)state;
	for (size_t i = 0; i < ROOM / 6 + 1; i++)
		strcat(text, "\xe0\xa5\x98");
	assert_true(strlen(text) < ROOM);
	assert_false(auth_normal_write(text, form, sizeof(form)));
	assert_string_equal(form, "");

	memset(text, 'x', sizeof(text));
	text[ROOM - 1] = '\0';
	assert_true(auth_normal_write(text, form, sizeof(form)));
	assert_string_equal(form, text);
	text[ROOM - 1] = 'x';
	text[ROOM] = '\0';
	assert_false(auth_normal_write(text, form, sizeof(form)));
	memset(text, 0xcc, sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(auth_normal_write(text, form, sizeof(form)));
	assert_false(auth_normal_is_of(text, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(composed_and_not_are_the_same),
		cmocka_unit_test(blanks_are_one_blank),
		cmocka_unit_test(case_and_width_stay),
		cmocka_unit_test(what_is_no_utf_8_stays),
		cmocka_unit_test(what_the_profile_forbids_stays),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
