/*
 * drop.c - one maildrop, opened by its index if that is current, or by a scan
 *
 * Runs in: the keeper, as the mail user.
 * Distrusts: the Maildir, which other programs and the user change.
 */
#include "config.h"

#include "maildir/drop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/gather.h"
#include "maildir/identify.h"
#include "maildir/listing.h"
#include "maildir/whole.h"

/* Where a listing goes: into memory, or into a memfd. */
struct target {
	char *end;	/* NULL: into 'fd' */
	int fd;
};

static int put(void *context, const void *octets, size_t count)
{
	struct target *target = context;

	if (target->end == NULL)
		return whole_write(target->fd, octets, count);
	memcpy(target->end, octets, count);
	target->end += count;
	return 0;
}

/* Where a listing comes from. */
static int write_listing(const struct drop *drop, struct target *target)
{
	return drop->is_loaded ? listing_write(&drop->scan, put, target) :
		index_listing(&drop->index, put, target);
}

static void forget_listing(struct drop *drop)
{
	free(drop->image);
	drop->image = NULL;
	drop->image_bytes = 0;
	if (drop->listing_fd >= 0)
		close(drop->listing_fd);
	drop->listing_fd = -1;
}

static int make_image(struct drop *drop, size_t bytes)
{
	struct target target;

	drop->image = malloc(bytes);
	if (drop->image == NULL)
		return -1;
	drop->image_bytes = bytes;
	target = (struct target){ .end = drop->image, .fd = -1 };
	return write_listing(drop, &target);
}

static int make_memfd(struct drop *drop)
{
	struct target target = { .fd = listing_create() };

	drop->listing_fd = target.fd;
	if (target.fd < 0 || write_listing(drop, &target) < 0)
		return -1;
	return listing_seal(target.fd);
}

static int make_listing(struct drop *drop)
{
	uint64_t bytes = drop->is_loaded ? listing_bytes(&drop->scan) :
		drop->index.listing_bytes;
	int saved;

	if (bytes == 0) {
		errno = EOVERFLOW;
		return -1;
	}
	if ((bytes <= drop->rules->most_image_bytes ?
			make_image(drop, (size_t)bytes) :
			make_memfd(drop)) == 0)
		return 0;
	saved = errno;
	forget_listing(drop);
	errno = saved;
	return -1;
}

/* Whether the listing, whose octets an index brought, has 'count' messages. */
static bool has_count(const struct drop *drop, uint32_t count)
{
	struct listing listing;
	int status = drop->image != NULL ?
		listing_check(&listing, drop->image, drop->image_bytes) :
		listing_map(&listing, drop->listing_fd);
	bool is_right = status == 0 && listing.count == count;

	listing_unmap(&listing);
	return is_right;
}

/* Use the index if it is current, without a look at any message. */
static bool use_index(struct drop *drop)
{
	struct folder_stamps now[FOLDERS];

	if (index_open(&drop->index, drop->root_fd) < 0 ||
			folder_look(drop->root_fd, now) < 0 ||
			!index_is_current(&drop->index, now) ||
			make_listing(drop) < 0)
		return false;
	/* Or a worker would ask for messages that we do not know. */
	if (!has_count(drop, drop->index.count)) {
		forget_listing(drop);
		return false;
	}
	drop->count = drop->index.count;
	drop->draft.facts = drop->index.facts;
	return true;
}

/*
 * What an index knew is believed of each message that is still there.  One that
 * can't be read knew nothing.
 */
static void use_old_index(struct drop *drop)
{
	if (drop->index.fd >= 0 && drop->index.head_bytes > 0)
		(void)index_load(&drop->index, &drop->scan, GATHER_MISSING);
	index_close(&drop->index);
}

static bool has_new(const struct scan *scan)
{
	for (uint32_t idx = 0; idx < scan->count; idx++)
		if (scan->messages[idx].uidl == SCAN_UIDL_NONE)
			return true;
	return false;
}

/* Without a stored ledger no index may remember what it says. */
static int identify(struct drop *drop)
{
	struct identify_rules rules = {
		.hooks = &drop->rules->hooks, .import = &drop->rules->import,
		.may_write = drop->rules->may_write,
	};
	int result = identify_messages(&drop->scan, drop->root_fd, &rules);

	drop->lacks_ledger = result == IDENTIFY_NOT_STORED;
	if (drop->lacks_ledger)
		drop->wants_index = false;
	return result < 0 ? -1 : 0;
}

static int scan(struct drop *drop)
{
	bool had_index;

	use_old_index(drop);
	had_index = drop->scan.messages != NULL;
	if (scan_open_folders(&drop->scan, drop->root_fd) < 0 ||
			scan_fill(&drop->scan, &drop->rules->hooks) < 0)
		return -1;
	/* An index of messages was never stored without a ledger. */
	if ((!had_index || has_new(&drop->scan)) && identify(drop) < 0)
		return -1;
	if (scan_order(&drop->scan) < 0)
		return -1;
	/* What can't be read now may be a message later: look again. */
	if (drop->scan.uncertain > 0)
		drop->draft.facts.begun_s = 0;
	return 0;
}

static int open_by_scan(struct drop *drop)
{
	drop->wants_index = drop->rules->may_write;
	if (drop->rules->may_write ?
			index_begin(&drop->draft, drop->root_fd) < 0 :
			folder_look(drop->root_fd,
				drop->draft.facts.stamps) < 0)
		return -1;
	if (scan(drop) < 0)
		return -1;
	drop->is_loaded = true;
	drop->count = drop->scan.count;
	return make_listing(drop);
}

int drop_open(struct drop *drop, int root_fd, const struct drop_rules *rules)
{
	*drop = (struct drop){
		.root_fd = root_fd, .rules = rules, .listing_fd = -1,
		.index = { .fd = -1 }, .draft = { .fd = -1 },
	};
	scan_begin(&drop->scan);
	if (root_fd < 0) {
		drop->is_loaded = true;
		return make_listing(drop);
	}
	return use_index(drop) ? 0 : open_by_scan(drop);
}

void drop_close(struct drop *drop)
{
	forget_listing(drop);
	index_abandon(&drop->draft, drop->root_fd);
	index_close(&drop->index);
	scan_free(&drop->scan);
}

int drop_store(struct drop *drop)
{
	if (!drop->rules->may_write || drop->lacks_ledger ||
			!drop->is_loaded || drop->root_fd < 0)
		return 0;
	return index_finish(&drop->draft, drop->root_fd, &drop->scan);
}

int drop_settle(struct drop *drop)
{
	int status = 0;

	forget_listing(drop);
	if (drop->is_loaded)
		scan_trim(&drop->scan);
	if (drop->wants_index)
		status = drop_store(drop);
	else
		index_abandon(&drop->draft, drop->root_fd);
	drop->wants_index = false;
	return status;
}

int drop_load(struct drop *drop)
{
	int saved;

	if (drop->is_loaded)
		return 0;
	if (scan_open_folders(&drop->scan, drop->root_fd) == 0 &&
			index_load(&drop->index, &drop->scan,
				GATHER_COUNTED) == 0) {
		drop->is_loaded = true;
		index_close(&drop->index);
		return 0;
	}
	saved = errno;
	if (saved == EBADMSG && drop->rules->may_write)
		(void)index_remove(drop->root_fd);	/* or it stays bad */
	errno = saved;
	return -1;
}

int drop_doubt(struct drop *drop, uint32_t idx)
{
	int result;

	if (drop_load(drop) < 0)
		return -1;
	result = scan_recount(&drop->scan, idx);
	if (result == 1 && drop_store(drop) < 0)
		return -1;
	return result;
}

int drop_message(struct drop *drop, uint32_t idx)
{
	int message_fd;

	if (drop_load(drop) < 0)
		return -1;
	message_fd = scan_open(&drop->scan, idx);
	if (message_fd < 0 && errno == ESTALE) {
		/* Whatever becomes of that, this session has lost it. */
		(void)drop_doubt(drop, idx);
		errno = ESTALE;
	}
	return message_fd;
}
