/*
 * name_tag.h - a number for a user's name that tells nobody the name
 */
#ifndef POSTERN_NAME_TAG_H
#define POSTERN_NAME_TAG_H

#include "wire.h"

/*
 * Write the tag of whoever logs in as 'name': the same for all of their folders
 * and for capitals, another under each 'key'.
 *
 * separator: as in auth_name_split().  The tag of what can't be a name, and
 * when nothing can be computed, is all zero: nobody's.
 */
void name_tag(const uint8_t key[WIRE_NAME_KEY_OCTETS], const char *name,
	const char *separator, uint8_t tag[WIRE_NAME_TAG_OCTETS]);

#endif
