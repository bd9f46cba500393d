/*
 * imports.h - what the fuzz targets of the importers share
 */
#ifndef POSTERN_TESTS_FUZZ_IMPORTS_H
#define POSTERN_TESTS_FUZZ_IMPORTS_H

#include "maildir/import_list.h"
#include "maildir/uidl_format.h"

/* Stands for MD5. */
void imports_digest(const void *octets, size_t count, uint8_t digest[16]);

/* Import 'octets' into 'list'; for imports_check(). */
typedef void imports_fill(struct import_list *list, const uint8_t *octets,
	size_t count);

/*
 * Import twice into one ledger, and check that nothing illegal gets in and that
 * the second time changes nothing.
 */
void imports_check(imports_fill *fill, const uint8_t *octets, size_t count);

#endif
