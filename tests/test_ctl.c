/*
 * test_ctl.c - what posternctl makes of names, spans, requests and numbers
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counters.h"
#include "ctl_http.h"
#include "ctl_openmetrics.h"
#include "ctl_text.h"
#include "scratch.h"

static char written[4096];

/* What 'write' makes of 'text'. */
static const char *made(void (*write)(FILE *out, const char *text),
	const char *text)
{
	FILE *out = fmemopen(written, sizeof(written), "w");

	assert_non_null(out);
	write(out, text);
	assert_int_equal(fclose(out), 0);
	return written;
}

static void plain(FILE *out, const char *text)
{
	size_t columns = text_plain(NULL, text);

	assert_int_equal(text_plain(out, text), columns);
	assert_int_equal(ftell(out), columns);
}

static void a_name_for_a_terminal_is_printable_ascii(void **state)
{
	(void)state;
	assert_string_equal(made(plain, ""), "");
	assert_string_equal(made(plain, "joe@example.net"), "joe@example.net");
	assert_string_equal(made(plain, "a b\\c"), "a\\x20b\\\\c");
	assert_string_equal(made(plain, "\x1b[2J\x7f\x9b\xff\n"),
		"\\x1b[2J\\x7f\\x9b\\xff\\x0a");
}

static void a_name_in_json_is_a_string_of_utf_8(void **state)
{
	(void)state;
	assert_string_equal(made(text_json, ""), "\"\"");
	assert_string_equal(made(text_json, "a\"\\/"), "\"a\\\"\\\\/\"");
	assert_string_equal(made(text_json, "\x01\n\x1f\x7f"),
		"\"\\u0001\\u000a\\u001f\\u007f\"");
	assert_string_equal(made(text_json, "j\xc3\xb6\xe2\x82\xac"
		"\xf0\x9f\x93\xac"), "\"j\xc3\xb6\xe2\x82\xac"
		"\xf0\x9f\x93\xac\"");
}

#define BAD "\xef\xbf\xbd"

static void what_is_not_utf_8_becomes_a_mark(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "\xff" "a", "\"" BAD "a\"" },
		{ "\x80", "\"" BAD "\"" },
		{ "\xc3", "\"" BAD "\"" },
		{ "\xc3\"", "\"" BAD "\\\"\"" },
		{ "\xe2\x82", "\"" BAD BAD "\"" },
		{ "\xc0\xaf", "\"" BAD BAD "\"" },	/* too long for '/' */
		{ "\xed\xa0\x80", "\"" BAD BAD BAD "\"" },	/* U+D800 */
		{ "\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"" },
		{ "\xf0\x9f\x93", "\"" BAD BAD BAD "\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(made(text_json, cases[i].text),
			cases[i].json);
}

static void a_label_has_its_three_escapes(void **state)
{
	(void)state;
	assert_string_equal(made(text_label, "a\"b\\c\nd"),
		"\"a\\\"b\\\\c\\nd\"");
}

static void a_span_has_two_units_at_the_most(void **state)
{
	static const struct {
		int64_t seconds;
		const char *text;
	} cases[] = {
		{ INT64_MIN, "0s" }, { 0, "0s" }, { 59, "59s" },
		{ 60, "1m00s" }, { 3599, "59m59s" }, { 3600, "1h00m" },
		{ 86399, "23h59m" }, { 86400, "1d00h" },
		{ INT64_MAX, "106751991167300d15h" },
	};
	char span[TEXT_SPAN_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text_span(span, cases[i].seconds);
		assert_string_equal(span, cases[i].text);
	}
}

static void a_request_of_http_is_taken_by_its_first_line(void **state)
{
	static const struct {
		const char *text;
		enum http_request request;
	} cases[] = {
		{ "GET /metrics HTTP/1.1\r\n\r\n", HTTP_GET },
		{ "GET /metrics HTTP/1.0\n\n", HTTP_GET },
		{ "GET /metrics? HTTP/1.1\r\n\r\n", HTTP_GET },
		{ "HEAD /metrics HTTP/1.1\r\n\r\n", HTTP_HEAD },
		{ "get /metrics HTTP/1.1\r\n\r\n", HTTP_NO_METHOD },
		{ "GETX /metrics HTTP/1.1\r\n\r\n", HTTP_NO_METHOD },
		{ "GET /metric HTTP/1.1\r\n\r\n", HTTP_NO_PATH },
		{ "GET ?/metrics HTTP/1.1\r\n\r\n", HTTP_NO_PATH },
		{ "", HTTP_BAD }, { "\r\n\r\n", HTTP_BAD },
		{ "GET", HTTP_BAD }, { "GET ", HTTP_BAD },
		{ "GET  ", HTTP_BAD }, { "GET \r\n", HTTP_BAD },
		{ " /metrics HTTP/1.1", HTTP_BAD },
		{ "GET /metrics", HTTP_BAD }, { "GET /metrics ", HTTP_BAD },
		{ "GET /metrics HTTP/", HTTP_BAD },
		{ "GET /metrics\r\nHTTP/1.1\r\n\r\n", HTTP_BAD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(http_parse(cases[i].text), cases[i].request);
}

static void each_counter_belongs_to_one_family(void **state)
{
	uint32_t times[COUNTS] = { 0 };

	(void)state;
	for (size_t i = 0; i < counter_family_count; i++) {
		const struct counter_family *family = &counter_families[i];

		assert_true(family->count == 1 || family->label != NULL);
		assert_int_equal(strncmp(family->name, "postern_", 8), 0);
		for (uint32_t j = 0; j < family->count; j++) {
			assert_true(family->first + j < COUNTS);
			times[family->first + j]++;
			if (family->label != NULL)
				assert_string_not_equal(family->value(j),
					"unknown");
		}
	}
	for (size_t i = 0; i < COUNTS; i++)
		assert_int_equal(times[i], 1);
}

static void each_version_of_tls_is_counted_apart(void **state)
{
	(void)state;
	assert_int_equal(counters_tls(""), COUNT_TLS_NONE);
	assert_int_equal(counters_tls("TLS1.0"), COUNT_TLS_1_0);
	assert_int_equal(counters_tls("TLS1.3"), COUNT_TLS_1_3);
	assert_int_equal(counters_tls("none"), COUNT_TLS_OTHER);
	assert_int_equal(counters_tls("TLS1.4"), COUNT_TLS_OTHER);
}

static void words_for_ends_and_states_are_never_missing(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < WIRE_ENDS; i++)
		assert_string_not_equal(wire_end_name(i), "unknown");
	for (uint32_t i = 0; i < WIRE_STATES; i++)
		assert_string_not_equal(wire_state_name(i), "unknown");
	assert_string_equal(wire_end_name(WIRE_ENDS), "unknown");
	assert_string_equal(wire_state_name(UINT32_MAX), "unknown");
}

static void without_a_server_there_is_one_metric(void **state)
{
	FILE *out = fmemopen(written, sizeof(written), "w");

	(void)state;
	assert_non_null(out);
	openmetrics_write(out, NULL);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(written, "# TYPE postern_up gauge\n"
		"# HELP postern_up 1 if the server runs.\n"
		"postern_up 0\n# EOF\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_for_a_terminal_is_printable_ascii),
		cmocka_unit_test(a_name_in_json_is_a_string_of_utf_8),
		cmocka_unit_test(what_is_not_utf_8_becomes_a_mark),
		cmocka_unit_test(a_label_has_its_three_escapes),
		cmocka_unit_test(a_span_has_two_units_at_the_most),
		cmocka_unit_test(a_request_of_http_is_taken_by_its_first_line),
		cmocka_unit_test(each_counter_belongs_to_one_family),
		cmocka_unit_test(each_version_of_tls_is_counted_apart),
		cmocka_unit_test(words_for_ends_and_states_are_never_missing),
		cmocka_unit_test(without_a_server_there_is_one_metric),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
