/*
 * commit.c - the keeper's part of a QUIT: from COMMIT records to an UPDATE
 *
 * Runs in: a keeper, as the mail user.  Distrusts: every field of the records.
 */
#include "config.h"

#include "commit.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "maildir/bits.h"
#include "maildir/update.h"

#define DAY_S 86400

/* Whether a bit is set that stands for no message. */
static bool has_stray_bit(const struct maildrop *drop, uint32_t first,
	const uint8_t bits[WIRE_MARKS_BYTES])
{
	for (uint32_t i = 0; i < WIRE_MARKS_BYTES * 8; i++)
		if (bits_has(bits, i) &&
				(uint64_t)first + i >= drop->drop.count)
			return true;
	return false;
}

static void add_bits(uint8_t *to, uint32_t first,
	const uint8_t bits[WIRE_MARKS_BYTES])
{
	for (uint32_t i = 0; i < WIRE_MARKS_BYTES * 8; i++)
		if (bits_has(bits, i))
			bits_set(to, first + i);
}

/* For the question where a message is; info only tells how many went. */
static void log_removal(void *context, const char *name,
	enum expunge_reason reason)
{
	const struct maildrop *drop = context;
	char safe[LOG_NAME_BYTES];

	log_name(name, safe);
	log_debug("user=%s: %s %s", drop->user,
		reason == EXPUNGE_EXPIRED ? "expired" : "removed", safe);
}

static struct update_rules rules_of(struct maildrop *drop,
	const struct mailbox_settings *settings)
{
	static const enum quota_counts counts[] = {
		[QUOTA_AUTO] = QUOTA_COUNTS_AUTO,
		[QUOTA_DOVECOT] = QUOTA_COUNTS_ALL,
		[QUOTA_COURIER] = QUOTA_COUNTS_KEPT,
	};
	time_t days = time(NULL) / DAY_S;

	return (struct update_rules){
		.quota = counts[settings->quota],
		.quota_root_fd = drop->quota_root_fd,
		.has_trash = settings->delete == DELETE_TRASH,
		.trash_days = settings->trash_days,
		.mark_seen = settings->mark_seen,
		.tell = log_removal, .context = drop,
		.expire = {
			.days = settings->expire_days,
			.retrieved_days = settings->expire_retrieved_days,
			.today = days > UINT16_MAX ? UINT16_MAX :
				(uint16_t)days,
		},
	};
}

static void log_result(const char *name, const struct update_result *result)
{
	if (result->expired > 0)
		log_info("user=%s: messages expired: %u", name,
			result->expired);
	if (result->failed > 0)
		log_warning("user=%s: %u of %u messages not removed: %s",
			name, result->failed,
			result->failed + result->removed,
			strerror(result->remove_error));
	if (result->not_expired > 0)
		log_warning("user=%s: messages due and not removed: %u: %s",
			name, result->not_expired,
			strerror(result->remove_error));
	if (result->seen_error != 0)
		log_warning("user=%s: messages not marked as seen: %u: %s",
			name, result->not_seen, strerror(result->seen_error));
	if (result->purge_error != 0)
		log_warning("user=%s: the trash keeps old messages: %s",
			name, strerror(result->purge_error));
	if (result->quota_error != 0)
		log_warning("user=%s: maildirsize is not up to date: %s",
			name, strerror(result->quota_error));
}

int commit_collect(struct maildrop *drop, const struct wire_commit *request)
{
	if (request->is_last > 1 || request->first % 8 != 0 ||
			has_stray_bit(drop, request->first, request->marks) ||
			has_stray_bit(drop, request->first,
				request->retrieved))
		return -1;
	add_bits(drop->marks, request->first, request->marks);
	add_bits(drop->retrieved, request->first, request->retrieved);
	return 0;
}

/* Whether any message may have to be removed, renamed or noted. */
static bool needs_messages(const struct maildrop *drop,
	const struct update_rules *rules)
{
	uint32_t count = drop->drop.count;

	if (rules->expire.days > 0 || rules->expire.retrieved_days > 0)
		return true;
	return bits_count(drop->marks, count) > 0 || (rules->mark_seen &&
		bits_count(drop->retrieved, count) > 0);
}

/* Without the names of the files nothing can be removed. */
static void refuse_all(const struct maildrop *drop,
	struct wire_committed *answer)
{
	log_error("user=%s: can't read postern.index: %s", drop->user,
		strerror(errno));
	answer->failed = bits_count(drop->marks, drop->drop.count);
}

/* The days of retrieval live in the index. */
static void store_days(struct maildrop *drop,
	const struct update_rules *rules)
{
	if (rules->expire.retrieved_days > 0 && bits_count(drop->retrieved,
			drop->drop.count) > 0 && drop_store(&drop->drop) < 0)
		log_debug("user=%s: no index: %s", drop->user,
			strerror(errno));
}

void commit_carry_out(struct maildrop *drop,
	const struct mailbox_settings *settings, struct wire_committed *answer)
{
	struct update_rules rules = rules_of(drop, settings);
	struct update_marks marks = {
		.marked = drop->marks, .retrieved = drop->retrieved,
	};

	if (needs_messages(drop, &rules) && drop_load(&drop->drop) < 0) {
		refuse_all(drop, answer);
		return;
	}
	/* The marks must be of these messages, and of no others. */
	if (drop->drop.scan.count !=
			(drop->drop.is_loaded ? drop->drop.count : 0))
		bug("the scan has other messages than were listed");
	struct update_result result = update_maildrop(&drop->drop.scan,
		drop->root_fd, &marks, &rules);

	store_days(drop, &rules);
	log_result(drop->user, &result);
	answer->removed = result.removed;
	answer->failed = result.failed;
	answer->expired = result.expired;
}
