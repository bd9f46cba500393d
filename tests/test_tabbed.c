/*
 * test_tabbed.c - lines of fields with tabs between them
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "scratch.h"
#include "tabbed.h"

static char text[1024];
static struct tabbed tabbed;

static bool split(const char *line)
{
	snprintf(text, sizeof(text), "%s", line);
	return tabbed_split(text, &tabbed);
}

static void fields_are_what_stands_between_tabs(void **state)
{
	(void)state;
	assert_true(split("OK\t1\tuser=joe\t"));
	assert_int_equal(tabbed.count, 4);
	assert_string_equal(tabbed.fields[0], "OK");
	assert_string_equal(tabbed.fields[2], "user=joe");
	assert_string_equal(tabbed.fields[3], "");
	assert_true(split(""));
	assert_int_equal(tabbed.count, 1);
	assert_string_equal(tabbed.fields[0], "");
	assert_true(split("\t"));
	assert_int_equal(tabbed.count, 2);
}

static void escapes_stand_for_octets(void **state)
{
	(void)state;
	assert_true(split("a\001tb\001nc\001rd\0011e\001xf\t\001t"));
	assert_int_equal(tabbed.count, 2);
	assert_string_equal(tabbed.fields[0], "a\tb\nc\rd\001exf");
	assert_string_equal(tabbed.fields[1], "\t");
}

static void half_an_escape_and_a_nul_are_refused(void **state)
{
	(void)state;
	assert_false(split("a\001"));
	assert_false(split("a\001\tb"));
	assert_false(split("a\0010"));
}

static void so_many_fields_and_no_more(void **state)
{
	char line[2 * TABBED_MOST_FIELDS] = "";

	(void)state;
	memset(line, '\t', TABBED_MOST_FIELDS - 1);
	assert_true(split(line));
	assert_int_equal(tabbed.count, TABBED_MOST_FIELDS);
	line[TABBED_MOST_FIELDS - 1] = '\t';
	assert_false(split(line));
}

static void a_field_is_found_by_its_whole_name(void **state)
{
	(void)state;
	assert_true(split("user=0\tx\tuserdb=1\tuser=2\tuser=3\tnologin\t="));
	assert_string_equal(tabbed_find(&tabbed, 1, "user"), "2");
	assert_string_equal(tabbed_find(&tabbed, 0, "user"), "0");
	assert_string_equal(tabbed_find(&tabbed, 1, "nologin"), "");
	assert_null(tabbed_find(&tabbed, 1, "use"));
	assert_null(tabbed_find(&tabbed, 1, "nolog"));
	assert_null(tabbed_find(&tabbed, 7, "user"));
}

static void what_is_escaped_comes_back(void **state)
{
	char octets[256], name[256];
	struct tabbed_line line;

	(void)state;
	for (int i = 1; i < 256; i++)
		name[i - 1] = (char)i;
	name[255] = '\0';
	tabbed_begin(&line, octets, sizeof(octets));
	tabbed_add_escaped(&line, name);
	assert_true(line.is_full);

	tabbed_begin(&line, text, sizeof(text));
	tabbed_add(&line, "a\t");
	tabbed_add_escaped(&line, name);
	assert_false(line.is_full);
	assert_null(strchr(text, '\n'));
	assert_true(tabbed_split(text, &tabbed));
	assert_int_equal(tabbed.count, 2);
	assert_string_equal(tabbed.fields[1], name);
}

static void a_line_has_its_room(void **state)
{
	char octets[4];
	struct tabbed_line line;

	(void)state;
	tabbed_begin(&line, octets, sizeof(octets));
	tabbed_add(&line, "abc");
	assert_false(line.is_full);
	assert_string_equal(octets, "abc");
	tabbed_add(&line, "d");
	assert_true(line.is_full);
	assert_string_equal(octets, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLAIN_CASE("fields are what stands between tabs",
			fields_are_what_stands_between_tabs),
		PLAIN_CASE("escapes stand for tabs, line ends and themselves",
			escapes_stand_for_octets),
		PLAIN_CASE("half an escape and a NUL are refused",
			half_an_escape_and_a_nul_are_refused),
		PLAIN_CASE("128 fields fit, and no more",
			so_many_fields_and_no_more),
		PLAIN_CASE("a field is found by its whole name, the first one",
			a_field_is_found_by_its_whole_name),
		PLAIN_CASE("every octet that is escaped comes back",
			what_is_escaped_comes_back),
		PLAIN_CASE("a line that is full says so, and is still one",
			a_line_has_its_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
