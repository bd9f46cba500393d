/*
 * import_popa3d.c - fuzz target: a message whose header popa3d would hash
 */
#include "config.h"

#include "maildir/import_popa3d.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "imports.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	char *buffer = malloc(count + (count == 0));
	char uidl[POPA3D_UIDL_BYTES];

	FUZZ_CHECK(buffer != NULL);
	memcpy(buffer, octets, count);
	import_popa3d_header(buffer, count, imports_digest, uidl);
	FUZZ_CHECK(strlen(uidl) == POPA3D_UIDL_BYTES - 1);
	free(buffer);
	return 0;
}
