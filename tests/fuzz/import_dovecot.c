/*
 * import_dovecot.c - fuzz target: a dovecot-uidlist
 */
#include "config.h"

#include "maildir/import_dovecot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "imports.h"

static const char *format;

static void fill(struct import_list *list, const uint8_t *octets, size_t count)
{
	struct text text;

	FUZZ_CHECK(text_copy(&text, (const char *)octets, count) == 0);
	if (import_dovecot(list, &text, format, imports_digest) < 0)
		FUZZ_CHECK(errno == EPROTONOSUPPORT);
	text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	static const char *const formats[] = { "%08Xu%08Xv", "%f", "%u",
		"%{guid|md5}" };

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
		format = formats[i];
		imports_check(fill, octets, count);
	}
	return 0;
}
