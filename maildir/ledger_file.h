/*
 * ledger_file.h - a ledger as text
 *
 * "postern.uidls 1", then a line for each entry, then "end" and their number:
 *
 *   RANK INODE UNIQUE-ID UNIQUE-PART
 *
 * INODE is "-" for any.  In the unique part, octets below 0x21 and above 0x7E
 * and '%' are written as '%' and two hex digits.
 */
#ifndef POSTERN_MAILDIR_LEDGER_FILE_H
#define POSTERN_MAILDIR_LEDGER_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/ledger.h"
#include "maildir/name.h"

#define LEDGER_FILE "postern.uidls"
#define LEDGER_FILE_NEW "postern.uidls.new"
#define LEDGER_FILE_DAMAGED "postern.uidls.damaged"

/* The first line. */
#define LEDGER_NAME "postern.uidls "
#define LEDGER_VERSION "1"

/* Two numbers, a unique-id, a unique part of '%XX', blanks, LF and NUL. */
#define LEDGER_LINE_BYTES \
	(10 + 20 + NAME_UIDL_OCTETS + 3 * LEDGER_UNIQUE_OCTETS + 5)

/*
 * Write the line of entry 'idx' and a final NUL to 'line'.  Returns how many
 * octets it has.
 */
size_t ledger_line(const struct ledger *ledger, uint32_t idx,
	char line[LEDGER_LINE_BYTES]);

#endif
