/*
 * mailbox.h - the worker's view of the maildrop
 *
 * STAT is answered from what the login brought; LIST, UIDL and the marks from
 * the listing, which the keeper is asked for once.  Opening and removing
 * messages is the keeper's work.
 */
#ifndef POSTERN_MAILBOX_H
#define POSTERN_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "maildir/listing.h"
#include "settings.h"
#include "wire.h"

/* Whose the maildrop is. */
enum mailbox_hold {
	MAILBOX_IS_OURS,	/* or will be when we want it back */
	MAILBOX_IS_TAKEN_OVER,	/* another session's */
	MAILBOX_IS_LOST		/* nobody knows: so is the keeper */
};

struct mailbox {
	int keeper_fd;			/* -1: no keeper */
	bool is_read_only;		/* no message can be marked */
	enum mailbox_hold hold;
	uint32_t count;			/* of messages, says the keeper */
	uint64_t octets;		/* of all of them */
	char user[256];			/* whom the client named */
	struct listing listing;		/* without entries: not yet here */
	void *image;			/* a short listing's memory, or NULL */
	uint8_t *marks;			/* to be removed at QUIT; or NULL */
	uint8_t *unserved;		/* not sent whole: never marked */
	uint8_t *retrieved;		/* sent whole by RETR */
	uint32_t marked_count, retrieved_count;
	uint64_t marked_octets;
	int64_t holder_since_s;		/* IN_USE: since the epoch */
	char holder[WIRE_ADDRESS_BYTES]; /* "": not known */
};

/* Begin without a keeper, and without messages. */
void mailbox_begin(struct mailbox *box);

/*
 * Let the keeper at the other end of 'keeper_fd' check a name and a password,
 * each NUL-terminated and within WIRE_NAME_OCTETS and WIRE_PASSWORD_OCTETS.
 *
 * Takes over 'keeper_fd' and waits until 'deadline_ms' at the longest.
 * Returns WIRE_LOGIN_GRANTED when the maildrop is open, another status when it
 * is not, or -1 with errno ETIMEDOUT, EPIPE (keeper lost) or EBADMSG.  After
 * WIRE_LOGIN_IN_USE 'holder' and 'holder_since_s' say from where and since
 * when, if that is known.
 */
int mailbox_login(struct mailbox *box, int keeper_fd,
	const struct wire_auth *request, int64_t deadline_ms);

/*
 * The same by a SASL exchange, which goes on with mailbox_step() while they
 * return WIRE_LOGIN_CHALLENGE: then 'challenge' is a string of base64 for the
 * client.  RFC 5034.
 */
int mailbox_exchange(struct mailbox *box, int keeper_fd,
	const struct wire_sasl *request, char challenge[WIRE_IMAGE_BYTES],
	int64_t deadline_ms);
int mailbox_step(struct mailbox *box, const struct wire_step *step,
	char challenge[WIRE_IMAGE_BYTES], int64_t deadline_ms);

/* Messages in all, and the octets of those that are not marked. */
uint32_t mailbox_count(const struct mailbox *box);
uint32_t mailbox_unmarked_count(const struct mailbox *box);
uint64_t mailbox_unmarked_octets(const struct mailbox *box);

/*
 * Have the listing: before anything is asked of one message, but whether it is
 * marked.  Blocks for one round trip to the keeper when it is called first,
 * until 'deadline_ms' at the longest.
 *
 * Returns 0, or -1 when the listing can't be had: this session is over.
 */
int mailbox_list(struct mailbox *box, int64_t deadline_ms);

/*
 * idx: 0 .. mailbox_count() - 1, here and below.  A unique-id is NULL if the
 * keeper's listing is broken there.
 */
uint64_t mailbox_octets(const struct mailbox *box, uint32_t idx);
const char *mailbox_uidl(const struct mailbox *box, uint32_t idx);
bool mailbox_is_marked(const struct mailbox *box, uint32_t idx);

/*
 * Mark message 'idx', which is not marked, for removal at QUIT.  Returns
 * whether that is permitted: not after it could not be sent whole, and not in
 * a mailbox that is read-only.
 */
bool mailbox_mark(struct mailbox *box, uint32_t idx);

/* Take all marks back.  RFC 1939 section 5 (RSET). */
void mailbox_unmark_all(struct mailbox *box);

/* Remember that message 'idx' could not be sent whole. */
void mailbox_set_unserved(struct mailbox *box, uint32_t idx);

/* Remember that RETR sent message 'idx' whole, with its final dot. */
void mailbox_set_retrieved(struct mailbox *box, uint32_t idx);

/*
 * Open message 'idx' for reading, from its first octet.
 *
 * Returns a descriptor of a regular file that the caller closes, or -1 with
 * errno: ENOENT or ESTALE (removed or changed by another program), EPIPE (the
 * keeper is lost, or silent until 'deadline_ms'), or what opening it said.
 * Blocks for one round trip to the keeper.
 * RFC 1939 section 5 (RETR), section 7 (TOP).
 */
int mailbox_open(struct mailbox *box, uint32_t idx, int64_t deadline_ms);

/*
 * Tell the keeper that message 'idx' was read to its end and has other octets
 * than the listing says.  No answer is waited for: the session is over.
 */
void mailbox_doubt(struct mailbox *box, uint32_t idx);

/*
 * Let other sessions have the maildrop, or ('is_wanted') have it back; the
 * first may be asked again, to find out whether one has it by now.
 *
 * Returns 0 if nobody was there meanwhile; else -1, and 'hold' says whose it
 * is: for good.  Blocks for one round trip to the keeper, until 'deadline_ms'
 * at the longest.
 */
int mailbox_hold(struct mailbox *box, bool is_wanted, int64_t deadline_ms);

/*
 * Whether mailbox_commit() has anything to do: a message is marked, or the
 * settings have something done at QUIT.  If not, it costs nothing.
 */
bool mailbox_needs_commit(const struct mailbox *box,
	const struct mailbox_settings *settings);

/*
 * Let the keeper remove the marked messages, and do what else the settings want
 * at QUIT; that ends its work.
 *
 * Returns 0 with the keeper's counts in '*answer', or -1 with errno EPIPE when
 * it was lost, or silent for too long: nobody knows then.
 * RFC 1939 section 6 (UPDATE).
 */
int mailbox_commit(struct mailbox *box, struct wire_committed *answer);

/* Let the keeper go (it removes nothing more) and free everything. */
void mailbox_end(struct mailbox *box);

#endif
