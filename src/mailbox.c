/*
 * mailbox.c - the worker's view of the maildrop
 *
 * Runs in: a worker.  Distrusts: the keeper, which a local user may trace.
 */
#include "config.h"

#include "mailbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "maildir/bits.h"
#include "maildir/holder.h"

/* Removing many messages on a slow disk takes its time, but not for ever. */
#define COMMIT_TIMEOUT_S 1800

/* How far the clocks of two hosts may be apart. */
#define MOST_SKEW_S 300

static size_t marks_bytes(const struct mailbox *box)
{
	return ((size_t)box->listing.count + 7) / 8;
}

/* A short listing came inside the answer. */
static int keep_image(struct mailbox *box, const struct wire_login *answer)
{
	if (answer->image_bytes > sizeof(answer->image)) {
		errno = EBADMSG;
		return -1;
	}
	box->image = malloc(answer->image_bytes);
	if (box->image == NULL)
		return -1;
	memcpy(box->image, answer->image, answer->image_bytes);
	return listing_check(&box->listing, box->image, answer->image_bytes);
}

/* Begin to use the listing, if it is of the messages that the login told. */
static int take_listing(struct mailbox *box)
{
	if (box->listing.count != box->count ||
			box->listing.octets != box->octets) {
		errno = EBADMSG;
		return -1;
	}
	box->marks = calloc(1, marks_bytes(box) + 1);
	box->unserved = calloc(1, marks_bytes(box) + 1);
	box->retrieved = calloc(1, marks_bytes(box) + 1);
	return box->marks != NULL && box->unserved != NULL &&
		box->retrieved != NULL ? 0 : -1;
}

static int take_granted(struct mailbox *box, const struct wire_login *answer)
{
	if (memchr(answer->user, '\0', sizeof(answer->user)) == NULL) {
		errno = EBADMSG;
		return -1;
	}
	memcpy(box->user, answer->user, sizeof(box->user));
	box->is_read_only = answer->is_read_only;
	box->count = answer->count;
	box->octets = answer->octets;
	if (answer->image_bytes == 0)
		return 0;
	return keep_image(box, answer) < 0 ? -1 : take_listing(box);
}

/* What other people read: only what is a time and an address. */
static void keep_holder(struct mailbox *box, const struct wire_login *answer)
{
	_Static_assert(WIRE_ADDRESS_BYTES == HOLDER_ADDRESS_BYTES,
		"one size for addresses");
	if (answer->holder_since_s <= 0 || answer->holder_since_s >
			(int64_t)time(NULL) + MOST_SKEW_S ||
			!holder_is_address(answer->holder))
		return;
	box->holder_since_s = answer->holder_since_s;
	memcpy(box->holder, answer->holder, sizeof(box->holder));
}

/* Read the answer to AUTH; any that is not as it must be is EBADMSG. */
static int take_login(struct mailbox *box, struct wire_login *answer,
	int64_t deadline_ms)
{
	if (wire_wait(box->keeper_fd, deadline_ms) < 0 ||
			wire_receive(box->keeper_fd, WIRE_AUTH, answer,
				sizeof(*answer), NULL) < 0)
		return -1;
	if (answer->status >= WIRE_LOGIN_STATUSES ||
			answer->is_read_only > 1) {
		errno = EBADMSG;
		return -1;
	}
	if (answer->status == WIRE_LOGIN_GRANTED &&
			take_granted(box, answer) < 0)
		return -1;
	return (int)answer->status;
}

/* A keeper may lie, but only the client's own: what it gets is a string. */
static int take_challenge(struct wire_login *answer,
	char challenge[WIRE_IMAGE_BYTES])
{
	if (challenge == NULL || memchr(answer->image, '\0',
			sizeof(answer->image)) == NULL) {
		errno = EBADMSG;
		return -1;
	}
	memcpy(challenge, answer->image, sizeof(answer->image));
	return WIRE_LOGIN_CHALLENGE;
}

/* Send a record of a login attempt; any end but GRANTED ends the keeper. */
static int attempt(struct mailbox *box, const void *request, size_t bytes,
	char challenge[WIRE_IMAGE_BYTES], int64_t deadline_ms)
{
	struct wire_login answer;
	int status = -1;

	if (wire_send(box->keeper_fd, request, bytes, -1) == 0)
		status = take_login(box, &answer, deadline_ms);
	if (status == WIRE_LOGIN_CHALLENGE)
		status = take_challenge(&answer, challenge);
	if (status != WIRE_LOGIN_GRANTED && status != WIRE_LOGIN_CHALLENGE) {
		int error = errno;
		mailbox_end(box);
		errno = error;
	}
	if (status == WIRE_LOGIN_IN_USE)
		keep_holder(box, &answer);
	return status;
}

/* Ask by OPEN or LISTING.  Returns a descriptor, or -1 with errno. */
static int ask_opened(const struct mailbox *box, const void *request,
	size_t bytes, int64_t deadline_ms)
{
	struct wire_opened answer;
	uint32_t kind;
	int opened_fd;

	memcpy(&kind, request, sizeof(kind));
	if (wire_send(box->keeper_fd, request, bytes, -1) < 0 ||
			wire_wait(box->keeper_fd, deadline_ms) < 0 ||
			wire_receive(box->keeper_fd, kind, &answer,
				sizeof(answer), &opened_fd) < 0) {
		errno = EPIPE;
		return -1;
	}
	return wire_passed_fd(answer.error, opened_fd);
}

/* Send the part of both bitmaps that begins with message 'first'. */
static int send_marks(struct mailbox *box, uint32_t first, bool is_last,
	struct wire_committed *answer)
{
	struct wire_commit request = {
		.kind = WIRE_COMMIT, .first = first, .is_last = is_last,
	};
	size_t from = first / 8, bytes = marks_bytes(box) - from;

	if (bytes > sizeof(request.marks))
		bytes = sizeof(request.marks);
	if (bytes > 0) {
		memcpy(request.marks, box->marks + from, bytes);
		memcpy(request.retrieved, box->retrieved + from, bytes);
	}
	if (wire_send(box->keeper_fd, &request, sizeof(request), -1) < 0 ||
			wire_wait(box->keeper_fd,
				deadline_in_s(COMMIT_TIMEOUT_S)) < 0)
		return -1;
	return wire_receive(box->keeper_fd, WIRE_COMMIT, answer,
		sizeof(*answer), NULL);
}

void mailbox_begin(struct mailbox *box)
{
	memset(box, 0, sizeof(*box));
	box->keeper_fd = -1;
}

int mailbox_login(struct mailbox *box, int keeper_fd,
	const struct wire_auth *request, int64_t deadline_ms)
{
	box->keeper_fd = keeper_fd;
	return attempt(box, request, sizeof(*request), NULL, deadline_ms);
}

int mailbox_exchange(struct mailbox *box, int keeper_fd,
	const struct wire_sasl *request, char challenge[WIRE_IMAGE_BYTES],
	int64_t deadline_ms)
{
	box->keeper_fd = keeper_fd;
	return attempt(box, request, sizeof(*request), challenge,
		deadline_ms);
}

int mailbox_step(struct mailbox *box, const struct wire_step *step,
	char challenge[WIRE_IMAGE_BYTES], int64_t deadline_ms)
{
	return attempt(box, step, sizeof(*step), challenge, deadline_ms);
}

uint32_t mailbox_count(const struct mailbox *box)
{
	return box->count;
}

uint32_t mailbox_unmarked_count(const struct mailbox *box)
{
	return box->count - box->marked_count;
}

uint64_t mailbox_unmarked_octets(const struct mailbox *box)
{
	/* A keeper's total may be a lie. */
	return box->octets > box->marked_octets ?
		box->octets - box->marked_octets : 0;
}

int mailbox_list(struct mailbox *box, int64_t deadline_ms)
{
	struct wire_plain request = { .kind = WIRE_LISTING };

	if (box->marks != NULL)
		return 0;
	int listing_fd = ask_opened(box, &request, sizeof(request),
		deadline_ms);
	if (listing_fd < 0)
		return -1;
	int status = listing_map(&box->listing, listing_fd);
	close(listing_fd);
	return status < 0 ? -1 : take_listing(box);
}

uint64_t mailbox_octets(const struct mailbox *box, uint32_t idx)
{
	return box->listing.entries[idx].octets;
}

const char *mailbox_uidl(const struct mailbox *box, uint32_t idx)
{
	return listing_uidl(&box->listing, idx);
}

bool mailbox_is_marked(const struct mailbox *box, uint32_t idx)
{
	return box->marks != NULL && bits_has(box->marks, idx);
}

bool mailbox_mark(struct mailbox *box, uint32_t idx)
{
	if (box->is_read_only || bits_has(box->unserved, idx))
		return false;
	bits_set(box->marks, idx);
	box->marked_count++;
	box->marked_octets += mailbox_octets(box, idx);
	return true;
}

void mailbox_unmark_all(struct mailbox *box)
{
	if (box->marks != NULL)
		memset(box->marks, 0, marks_bytes(box));
	box->marked_count = 0;
	box->marked_octets = 0;
}

void mailbox_set_unserved(struct mailbox *box, uint32_t idx)
{
	bits_set(box->unserved, idx);
}

void mailbox_set_retrieved(struct mailbox *box, uint32_t idx)
{
	box->retrieved_count += !bits_has(box->retrieved, idx);
	bits_set(box->retrieved, idx);
}

int mailbox_open(struct mailbox *box, uint32_t idx, int64_t deadline_ms)
{
	struct wire_open request = { .kind = WIRE_OPEN, .idx = idx };
	struct stat status;
	int message_fd = ask_opened(box, &request, sizeof(request),
		deadline_ms);

	if (message_fd < 0 || (fstat(message_fd, &status) == 0 &&
			S_ISREG(status.st_mode)))
		return message_fd;
	close(message_fd);
	errno = EBADMSG;
	return -1;
}

/* Returns how the maildrop is held after the keeper's answer. */
static enum mailbox_hold ask_hold(const struct mailbox *box, bool is_wanted,
	int64_t deadline_ms)
{
	struct wire_hold request = {
		.kind = WIRE_HOLD, .is_wanted = is_wanted,
	};
	struct wire_held answer;

	if (wire_send(box->keeper_fd, &request, sizeof(request), -1) < 0 ||
			wire_wait(box->keeper_fd, deadline_ms) < 0 ||
			wire_receive(box->keeper_fd, WIRE_HOLD, &answer,
				sizeof(answer), NULL) < 0 ||
			answer.is_lost > 1)
		return MAILBOX_IS_LOST;
	return answer.is_lost ? MAILBOX_IS_TAKEN_OVER : MAILBOX_IS_OURS;
}

int mailbox_hold(struct mailbox *box, bool is_wanted, int64_t deadline_ms)
{
	if (box->hold == MAILBOX_IS_OURS)
		box->hold = ask_hold(box, is_wanted, deadline_ms);
	return box->hold == MAILBOX_IS_OURS ? 0 : -1;
}

void mailbox_doubt(struct mailbox *box, uint32_t idx)
{
	struct wire_doubt doubt = { .kind = WIRE_DOUBT, .idx = idx };

	/* A keeper that is gone can't correct anything. */
	(void)wire_send(box->keeper_fd, &doubt, sizeof(doubt), -1);
}

bool mailbox_needs_commit(const struct mailbox *box,
	const struct mailbox_settings *settings)
{
	if (box->is_read_only)
		return false;
	return box->marked_count > 0 ||
		(settings->mark_seen && box->retrieved_count > 0) ||
		settings->expire_days > 0 ||
		settings->expire_retrieved_days > 0 ||
		settings->delete == DELETE_TRASH;
}

int mailbox_commit(struct mailbox *box, struct wire_committed *answer)
{
	uint32_t step = WIRE_MARKS_BYTES * 8, first = 0;
	bool is_last;

	do {
		is_last = box->listing.count - first <= step;
		if (send_marks(box, first, is_last, answer) < 0) {
			errno = EPIPE;
			return -1;
		}
		first += step;
	} while (!is_last);
	return 0;
}

void mailbox_end(struct mailbox *box)
{
	if (box->keeper_fd >= 0)
		close(box->keeper_fd);
	listing_unmap(&box->listing);
	free(box->image);
	free(box->marks);
	free(box->unserved);
	free(box->retrieved);
	mailbox_begin(box);
}
