/*
 * catalogue.h - one catalogue of GNU gettext: a file that msgfmt wrote
 */
#ifndef POSTERN_CATALOGUE_H
#define POSTERN_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is one without a text. */
struct catalogue {
	char *octets;			/* of the file */
	size_t bytes;
	uint32_t count;			/* of texts */
	uint32_t originals, translations;	/* where their tables are */
	bool is_big_endian;
};

/*
 * Read the catalogue 'path' whole, so that it serves where no file is.
 *
 * Each translation must be usable in place of its original: it has the same
 * conversions of printf(3) in the same order, the same response code of
 * RFC 2449 or none, and no control character.
 * Returns 0, or -1 with errno: EBADMSG if this is no such catalogue.  In any
 * case catalogue_free() frees what is held.
 */
int catalogue_read(struct catalogue *catalogue, const char *path);

/* Return the translation of 'original', or NULL if there is none. */
const char *catalogue_find(const struct catalogue *catalogue,
	const char *original);

/* Free what catalogue_read() holds. */
void catalogue_free(struct catalogue *catalogue);

#endif
