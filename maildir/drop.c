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

#include "maildir/checksum.h"
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

static int refuse(int error)
{
	errno = error;
	return -1;
}

/* What an index, or a user who forged it, calls a listing may be another. */
static int check_totals(const struct drop *drop, const struct listing *listing)
{
	return listing->count == drop->count &&
		listing->octets == drop->octets ? 0 : refuse(EBADMSG);
}

static void forget_image(struct drop *drop)
{
	free(drop->image);
	drop->image = NULL;
	drop->image_bytes = 0;
}

static int fill_image(struct drop *drop)
{
	struct target target = { .end = drop->image, .fd = -1 };
	struct listing listing;

	if (write_listing(drop, &target) < 0 || listing_check(&listing,
			drop->image, drop->image_bytes) < 0)
		return -1;
	return check_totals(drop, &listing);
}

/* Make a listing of 'bytes' bytes, if it is short. */
static int make_image(struct drop *drop, uint64_t bytes)
{
	if (bytes > drop->rules->most_image_bytes)
		return 0;
	drop->image = malloc((size_t)bytes + 1);
	if (drop->image == NULL)
		return -1;
	drop->image_bytes = (size_t)bytes;
	if (fill_image(drop) == 0)
		return 0;
	int error = errno;
	forget_image(drop);
	return refuse(error);
}

static int fill_memfd(const struct drop *drop, int fd)
{
	struct target target = { .fd = fd };
	struct listing listing;

	if (write_listing(drop, &target) < 0 || listing_seal(fd) < 0 ||
			listing_map(&listing, fd) < 0)
		return -1;
	int status = check_totals(drop, &listing);
	listing_unmap(&listing);
	return status;
}

static int make_memfd(const struct drop *drop)
{
	int fd = listing_create();

	if (fd < 0 || fill_memfd(drop, fd) == 0)
		return fd;
	int error = errno;
	close(fd);
	return refuse(error);
}

static int ignore(void *context, const void *octets, size_t count)
{
	(void)context, (void)octets, (void)count;	/* its sum is enough */
	return 0;
}

/*
 * Whether nothing can be wrong with the listing of an index for which we can't
 * make a new one: it would be met again by each login.
 */
static bool is_listing_good(const struct drop *drop)
{
	return drop->rules->may_write || drop->image != NULL ||
		index_listing(&drop->index, ignore, NULL) == 0;
}

/*
 * Use the index if it is current, without a look at any message, nor at a long
 * listing if a bad one can be replaced.
 */
static bool use_index(struct drop *drop)
{
	struct folder_stamps now[FOLDERS];
	const struct index *index = &drop->index;

	if (index_open(&drop->index, drop->root_fd) < 0 ||
			folder_look(drop->root_fd, now) < 0 ||
			!index_is_current(index, now))
		return false;
	drop->count = index->count;
	drop->octets = index->octets;
	drop->draft.facts = index->facts;
	return make_image(drop, index->listing_bytes) == 0 &&
		is_listing_good(drop);
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
	return 0;
}

static int take_totals(struct drop *drop)
{
	uint64_t bytes;

	if (listing_measure(&drop->scan, &drop->octets, &bytes) < 0)
		return -1;
	drop->count = drop->scan.count;
	return make_image(drop, bytes);
}

int drop_open(struct drop *drop, int root_fd, const struct drop_rules *rules)
{
	*drop = (struct drop){
		.root_fd = root_fd, .rules = rules,
		.index = { .fd = -1 }, .draft = { .fd = -1 },
	};
	scan_begin(&drop->scan);
	if (root_fd < 0)
		drop->is_loaded = true;
	else if (use_index(drop))
		return 0;
	else if (open_by_scan(drop) < 0)
		return -1;
	return take_totals(drop);
}

void drop_close(struct drop *drop)
{
	forget_image(drop);
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

	forget_image(drop);
	if (drop->is_loaded)
		scan_trim(&drop->scan);
	if (drop->wants_index)
		status = drop_store(drop);
	else
		index_abandon(&drop->draft, drop->root_fd);
	drop->wants_index = false;
	return status;
}

static int add_to_sum(void *context, const void *octets, size_t count)
{
	checksum_add(context, octets, count);
	return 0;
}

/* Whether the scan makes our listing, which has the sum 'wanted'. */
static bool makes_listing(const struct drop *drop, uint64_t wanted)
{
	struct checksum checksum;
	uint64_t octets, bytes;

	checksum_begin(&checksum);
	return drop->scan.count == drop->count &&
		listing_measure(&drop->scan, &octets, &bytes) == 0 &&
		octets == drop->octets && listing_write(&drop->scan,
			add_to_sum, &checksum) == 0 &&
		checksum_end(&checksum) == wanted;
}

/* Marks are of the messages that were listed: keep no others. */
static void forget_messages(struct drop *drop)
{
	index_abandon(&drop->draft, drop->root_fd);
	drop->is_loaded = false;
	drop->wants_index = false;
	scan_free(&drop->scan);
	scan_begin(&drop->scan);
}

/*
 * The index proves to be spoilt in a part that was not needed before.  Its
 * frame is right, and so are the totals that the client knows, if not more.  A
 * scan takes its place if it makes the same listing; else this session has lost
 * its messages, and the next one finds a new index.
 */
static int replace_index(struct drop *drop)
{
	uint64_t wanted = drop->index.listing_sum;
	int error = ESTALE;

	if (drop->index.fd < 0)
		return refuse(error);
	if (drop->rules->may_write)
		(void)index_remove(drop->root_fd);	/* or it stays bad */
	if (open_by_scan(drop) < 0) {
		error = errno;
	} else {
		/* Without one the next login is slower, and that is all. */
		(void)drop_settle(drop);
		if (makes_listing(drop, wanted))
			return 0;
	}
	forget_messages(drop);
	return refuse(error);
}

int drop_listing(struct drop *drop)
{
	int fd = make_memfd(drop);

	if (fd >= 0 || errno != EBADMSG)
		return fd;
	return replace_index(drop) < 0 ? -1 : make_memfd(drop);
}

int drop_load(struct drop *drop)
{
	if (drop->is_loaded)
		return 0;
	if (drop->index.fd < 0)
		return refuse(ESTALE);
	if (scan_open_folders(&drop->scan, drop->root_fd) < 0)
		return -1;
	if (index_load(&drop->index, &drop->scan, GATHER_COUNTED) == 0) {
		drop->is_loaded = true;
		index_close(&drop->index);
		return 0;
	}
	return errno == EBADMSG ? replace_index(drop) : -1;
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
