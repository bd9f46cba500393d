/*
 * uidl_format.c - fuzz target: a pop3_uidl_format, and names for it
 */
#include "config.h"

#include "maildir/uidl_format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "imports.h"

static void check_write(const char *format, const struct uidl_facts *facts)
{
	char uidl[NAME_UIDL_OCTETS + 1];

	if (uidl_format_write(format, facts, imports_digest, uidl) < 0)
		FUZZ_CHECK(errno == EINVAL);
	else
		FUZZ_CHECK(name_is_uidl(uidl, strlen(uidl)));
}

/* A format, a file name and a GUID, with a NUL between them. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	char *format = malloc(count + 3);
	struct uidl_facts facts = {
		.uid = (uint32_t)count * 2654435761U,
		.uidvalidity = 1234567890,
	};

	FUZZ_CHECK(format != NULL);
	memcpy(format, octets, count);
	memset(format + count, 0, 3);
	facts.filename = format + strlen(format) + 1;
	facts.guid = facts.filename + strlen(facts.filename) + 1;
	(void)uidl_format_has_uidvalidity(format);
	if (uidl_format_check(format) == NULL)
		check_write(format, &facts);
	free(format);
	return 0;
}
