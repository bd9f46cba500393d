/*
 * ctl.c - fuzz target: names that posternctl prints, and requests of HTTP
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl_http.h"
#include "ctl_text.h"
#include "fuzz.h"

/* No octet of a name may steer a terminal. */
static void check_plain(const char *name)
{
	char *text;
	size_t count;
	FILE *out = open_memstream(&text, &count);

	FUZZ_CHECK(out != NULL);
	FUZZ_CHECK(text_plain(NULL, name) == text_plain(out, name));
	fclose(out);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(text[i] > 0x20 && text[i] < 0x7f);
	free(text);
}

/* A name stays one string, whatever is in it. */
static void check_quoted(void (*write)(FILE *out, const char *text),
	const char *name)
{
	char *text;
	size_t count;
	FILE *out = open_memstream(&text, &count);

	FUZZ_CHECK(out != NULL);
	write(out, name);
	fclose(out);
	FUZZ_CHECK(count >= 2 && text[0] == '"' && text[count - 1] == '"');
	for (size_t i = 1; i < count - 1; i++) {
		FUZZ_CHECK(text[i] != '"' && text[i] != '\n');
		/* What is escaped is skipped, so no '"' behind it counts. */
		if (text[i] == '\\')
			FUZZ_CHECK(++i < count - 1);
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	char *name = malloc(count + 1);

	FUZZ_CHECK(name != NULL);
	memcpy(name, octets, count);
	name[count] = '\0';
	check_plain(name);
	check_quoted(text_json, name);
	check_quoted(text_label, name);
	FUZZ_CHECK(http_parse(name) < HTTP_NO_ANSWER);
	free(name);
	return 0;
}
