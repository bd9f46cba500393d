/*
 * scan_maildir.c - a scan as a first login makes it, without index and ledger
 */
#include "config.h"

#include "scan_maildir.h"

#include "maildir/uidls.h"

int scan_maildir(struct scan *scan, int root_fd,
	const struct scan_hooks *hooks)
{
	struct ledger none = { .count = 0 };
	int status = -1;

	scan_begin(scan);
	if (scan_open_folders(scan, root_fd) == 0 &&
			scan_fill(scan, hooks) == 0)
		status = uidls_assign(scan, &none, hooks);
	ledger_free(&none);
	return status == 0 ? scan_order(scan) : -1;
}
