/*
 * name.c - fuzz target: Maildir file names
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "maildir/name.h"

static void digest(const void *octets, size_t count, uint8_t result[16])
{
	memset(result, (int)count, 16);
	memcpy(result, octets, count < 16 ? count : 16);
}

static void check_uidl(const char *uidl)
{
	size_t count = strlen(uidl);

	FUZZ_CHECK(count >= 1 && count <= NAME_UIDL_OCTETS);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(uidl[i] >= 0x21 && uidl[i] <= 0x7e);
}

/* A size that was found is written there. */
static void check_size(const char *name)
{
		uint64_t value;

	if (!name_size(name, 'S', &value))
		return;
	const char *at = strstr(name, ",S=");

	FUZZ_CHECK(at != NULL);
	while (strtoull(at + 3, NULL, 10) != value)
		FUZZ_CHECK((at = strstr(at + 3, ",S=")) != NULL);
}

/* Two names, with a NUL between them. */
int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	char *first = malloc(count + 2), uidl[NAME_UIDL_OCTETS + 1];

	FUZZ_CHECK(first != NULL);
	memcpy(first, octets, count);
	memset(first + count, 0, 2);
	const char *second = first + strlen(first) + 1;

	FUZZ_CHECK(name_unique(first) <= strlen(first));
	(void)name_time(first);
	check_size(first);
	name_uidl(first, digest, uidl);
	check_uidl(uidl);
	name_uidl_of_twin(first, count, digest, uidl);
	check_uidl(uidl);
	FUZZ_CHECK(name_compare(first, first) == 0);
	int order = name_compare(first, second);
	int reverse = name_compare(second, first);
	FUZZ_CHECK((order > 0) == (reverse < 0));
	FUZZ_CHECK((order == 0) == (strcmp(first, second) == 0));
	free(first);
	return 0;
}
