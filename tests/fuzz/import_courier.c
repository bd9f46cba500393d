/*
 * import_courier.c - fuzz target: a courierpop3dsizelist
 */
#include "config.h"

#include "maildir/import_courier.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "imports.h"

static void fill(struct import_list *list, const uint8_t *octets, size_t count)
{
	struct text text;

	FUZZ_CHECK(text_copy(&text, (const char *)octets, count) == 0);
	if (import_courier(list, &text) < 0)
		FUZZ_CHECK(errno == EPROTONOSUPPORT);
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	imports_check(fill, octets, count);
	return 0;
}
