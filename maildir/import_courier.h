/*
 * import_courier.h - read a courierpop3dsizelist, version 0 to 3
 */
#ifndef POSTERN_MAILDIR_IMPORT_COURIER_H
#define POSTERN_MAILDIR_IMPORT_COURIER_H

#include "maildir/import_list.h"
#include "maildir/text.h"

/*
 * Add to 'list' what is in 'text', which is used up by that.
 *
 * Returns 0, or -1 with errno: EPROTONOSUPPORT for another version, ENOMEM or
 * EOVERFLOW.
 */
int import_courier(struct import_list *list, struct text *text);

#endif
