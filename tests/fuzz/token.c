/*
 * token.c - fuzz target: responses of OAUTHBEARER and XOAUTH2
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "token.h"

typedef int parser(char *octets, size_t count, struct token *token);

/* Both parts must be strings within what was given. */
static void check(parser *parse, const uint8_t *octets, size_t count)
{
	char *copy = malloc(count + 1);
	struct token token;

	FUZZ_CHECK(copy != NULL);
	memcpy(copy, octets, count);
	copy[count] = '\0';
	if (parse(copy, count, &token) == 0) {
		FUZZ_CHECK(strlen(token.name) + strlen(token.bearer) < count);
		FUZZ_CHECK(*token.bearer != '\0');
		FUZZ_CHECK(strpbrk(token.bearer, " \1\"\\\n") == NULL);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	check(token_parse_oauthbearer, octets, count);
	check(token_parse_xoauth2, octets, count);
	return 0;
}
