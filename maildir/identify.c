/*
 * identify.c - the unique-ids of a maildrop: ledger, import, and what is new
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: the ledger, which the user may have spoilt.
 */
#include "config.h"

#include "maildir/identify.h"

#include <errno.h>

#include "maildir/ledger.h"
#include "maildir/uidls.h"

static void tell(const struct identify_rules *rules, const char *text)
{
	rules->import->tell(rules->import->context, text);
}

/* Say what is in the way.  Returns -1 with the same errno. */
static int refuse(const struct identify_rules *rules, const char *text)
{
	int saved = errno;

	tell(rules, text);
	errno = saved;
	return -1;
}

/*
 * Store a ledger that has grown, and that there is one.  Without it, all is as
 * it was before: the same is found again the next time.  A maildrop that had no
 * message yet may still be moved here from another server.
 */
static int store_ledger(const struct ledger *ledger, int root_fd,
	const struct identify_rules *rules)
{
	if (!ledger->is_changed && !ledger->is_missing)
		return IDENTIFY_STORED;
	if (rules->may_write && ledger_write(ledger, root_fd) == 0)
		return IDENTIFY_STORED;
	if (ledger->count > 0)
		tell(rules, "can't store unique-ids: they are made anew at "
			"each login");
	return IDENTIFY_NOT_STORED;
}

/* Twins are neighbours, by their identities. */
static bool has_twin(const struct scan *scan, uint32_t idx)
{
	const char *name = scan_name(scan, idx);

	return (idx > 0 && name_compare_unique(scan_name(scan, idx - 1),
			name) == 0) || (idx + 1 < scan->count &&
		name_compare_unique(scan_name(scan, idx + 1), name) == 0);
}

static int remember_uidl(struct ledger *ledger, const struct scan *scan,
	uint32_t idx)
{
	const struct scan_message *message = &scan->messages[idx];
	const char *name = scan_name(scan, idx);
	struct ledger_entry facts = {
		.inode = has_twin(scan, idx) ? message->inode :
			LEDGER_ANY_INODE,
		.rank = message->rank,
	};

	return ledger_add(ledger, name, name_unique(name),
		scan->names + scan->messages[idx].uidl, &facts) == 0 ||
		errno == EEXIST ? 0 : -1;
}

/*
 * A ledger that was lost, or spoilt, learns from the index what names do not
 * tell.
 */
static int mend_ledger(struct ledger *ledger, const struct scan *scan)
{
	if (!ledger->is_missing && ledger->bad_lines == 0)
		return 0;
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].uidl < SCAN_UIDL_NONE &&
				remember_uidl(ledger, scan, idx) < 0)
			return -1;
	return 0;
}

static int identify(struct ledger *ledger, struct scan *scan, int root_fd,
	const struct identify_rules *rules)
{
	if (ledger->bad_lines > 0)
		tell(rules, "postern.uidls is damaged: some unique-ids may "
			"change");
	if (mend_ledger(ledger, scan) < 0)
		return -1;
	if (ledger->is_missing && import_uidls(ledger, root_fd, scan,
			rules->import) < 0)
		return -1;
	if (uidls_assign(scan, ledger, rules->hooks) < 0)
		return -1;
	return store_ledger(ledger, root_fd, rules);
}

int identify_messages(struct scan *scan, int root_fd,
	const struct identify_rules *rules)
{
	struct ledger ledger;
	int result = IDENTIFY_STORED, saved;

	if (ledger_read(&ledger, root_fd) < 0)
		result = refuse(rules, "can't read postern.uidls: without it "
			"unique-ids would change");
	/* Mail that is moved in later brings its unique-ids along. */
	else if (scan->count > 0)
		result = identify(&ledger, scan, root_fd, rules);
	saved = errno;
	ledger_free(&ledger);
	errno = saved;
	return result;
}
