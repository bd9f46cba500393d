/*
 * keeper.c - check one login, then become the mail user and serve one Maildir
 *
 * Runs as: root until the login is granted (or the invoking user all along).
 * Reads: records from its worker.  Distrusts: every field of them, and the
 * Maildir, which other programs and the user change.  Never: sees the network.
 */
#include "config.h"

#include "keeper.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "commit.h"
#include "confine.h"
#include "log.h"
#include "login.h"
#include "maildrop.h"
#include "wire.h"

/* Tell the other session's facts: the password was right. */
static _Noreturn void give_up_in_use(const struct keeper *keeper,
	const struct holder *holder)
{
	struct wire_login answer = {
		.kind = WIRE_AUTH, .status = WIRE_LOGIN_IN_USE,
		.holder_since_s = holder->since_s,
	};

	snprintf(answer.holder, sizeof(answer.holder), "%s", holder->address);
	/* A worker that is gone needs no answer. */
	(void)wire_send(keeper->worker_fd, &answer, sizeof(answer), -1);
	_exit(KEEPER_EXIT_NOT_OPENED);
}

static void become(const struct keeper *keeper,
	const struct auth_identity *identity)
{
	struct confine_identity who = {
		.uid = identity->uid, .gid = identity->gid,
		.groups_of = identity->has_groups ? identity->name : NULL,
	};

	if (confine_become(&who) == 0)
		return;
	log_error("user=%s: can't become uid %u gid %u: %s", identity->name,
		(unsigned int)identity->uid, (unsigned int)identity->gid,
		strerror(errno));
	login_give_up(keeper, WIRE_LOGIN_PERMANENT);
}

/* From here on there is nothing but this Maildir; and the log, as it is. */
static void confine(const struct keeper *keeper, const struct maildrop *drop)
{
	log_connect();
	if (sandbox_enter(keeper->sandbox, FILTER_KEEPER, drop->quota_root_fd,
			drop->above_fd) < 0) {
		log_error("user=%s: can't be confined: %s", drop->user,
			strerror(errno));
		login_give_up(keeper, WIRE_LOGIN_TEMPORARY);
	}
	if (drop->above_fd >= 0)
		close(drop->above_fd);
}

/* Send GRANTED, with the listing inside if it is short. */
static void grant(const struct keeper *keeper, struct maildrop *drop,
	const char *user)
{
	struct wire_login answer = {
		.kind = WIRE_AUTH, .status = WIRE_LOGIN_GRANTED,
		.is_read_only = drop->is_read_only,
		.count = drop->drop.count,
		.octets = drop->drop.octets,
		.image_bytes = (uint32_t)drop->drop.image_bytes,
	};

	/* No longer name is ever granted: see AUTH_NAME_OCTETS. */
	snprintf(answer.user, sizeof(answer.user), "%.255s", user);
	drop->is_listed = answer.image_bytes > 0;
	if (drop->is_listed)
		memcpy(answer.image, drop->drop.image, answer.image_bytes);
	/* A worker that is gone is noticed when nothing more comes. */
	(void)wire_send(keeper->worker_fd, &answer, sizeof(answer), -1);
	if (drop_settle(&drop->drop) < 0)
		log_debug("user=%s: no index: %s", drop->user,
			strerror(errno));
	if (drop->is_read_only) {
		lock_give_back(&drop->lock);
		drop->rules.may_write = false;
	}
}

/* Send the descriptor 'opened_fd' and close it; or errno, if it is -1. */
static int send_opened(const struct keeper *keeper, uint32_t kind,
	int opened_fd)
{
	struct wire_opened answer = {
		.kind = kind, .error = opened_fd < 0 ? (uint32_t)errno : 0,
	};
	int status = wire_send(keeper->worker_fd, &answer, sizeof(answer),
		opened_fd);

	if (opened_fd >= 0)
		close(opened_fd);
	return status;
}

static int serve_listing(const struct keeper *keeper, struct maildrop *drop)
{
	if (drop->is_listed)
		_exit(KEEPER_EXIT_BAD_RECORD);
	drop->is_listed = true;

	int listing_fd = drop_listing(&drop->drop);
	if (listing_fd < 0)
		log_error("user=%s: can't list the Maildir: %s", drop->user,
			strerror(errno));
	return send_opened(keeper, WIRE_LISTING, listing_fd);
}

/* Nobody can want a message that was not listed. */
static int serve_open(const struct keeper *keeper, struct maildrop *drop,
	const struct wire_open *request)
{
	if (!drop->is_listed || request->idx >= drop->drop.count)
		_exit(KEEPER_EXIT_BAD_RECORD);
	return send_opened(keeper, WIRE_OPEN,
		drop_message(&drop->drop, request->idx));
}

/* The client got other octets than it was promised: let the next get right. */
static void serve_doubt(struct maildrop *drop,
	const struct wire_doubt *request)
{
	if (!drop->is_listed || request->idx >= drop->drop.count)
		_exit(KEEPER_EXIT_BAD_RECORD);
	int result = drop_doubt(&drop->drop, request->idx);

	if (result == 1)
		log_warning("user=%s: corrected the size of message %u",
			drop->user, request->idx + 1);
	else if (result < 0)
		log_warning("user=%s: can't correct the size of message %u: "
			"%s", drop->user, request->idx + 1, strerror(errno));
}

/* The UPDATE state, once all marks are there.  RFC 1939 section 6. */
static int serve_commit(const struct keeper *keeper, struct maildrop *drop,
	const struct wire_commit *request)
{
	struct wire_committed answer = { .kind = WIRE_COMMIT };

	/* Where nothing may be marked there is nothing to commit. */
	if (drop->is_read_only || commit_collect(drop, request) < 0)
		_exit(KEEPER_EXIT_BAD_RECORD);
	if (request->is_last) {
		commit_carry_out(drop, &keeper->settings->mailbox, &answer);
		lock_release(&drop->lock);
	}
	return wire_send(keeper->worker_fd, &answer, sizeof(answer), -1);
}

/* The client is silent: let others have the maildrop; or it is heard again. */
static int serve_hold(const struct keeper *keeper, struct maildrop *drop,
	const struct wire_hold *request)
{
	struct wire_held answer = { .kind = WIRE_HOLD };

	if (request->is_wanted > 1)
		_exit(KEEPER_EXIT_BAD_RECORD);
	int status = request->is_wanted ? lock_take_again(&drop->lock) :
		lock_let_go(&drop->lock);
	answer.is_lost = status < 0;
	return wire_send(keeper->worker_fd, &answer, sizeof(answer), -1);
}

/* Whatever a worker may ask for. */
union request {
	uint32_t kind;
	struct wire_plain plain;
	struct wire_open open;
	struct wire_commit commit;
	struct wire_doubt doubt;
	struct wire_hold hold;
};

/* Answer until the worker goes, or has sent the last COMMIT. */
static void serve_worker(const struct keeper *keeper, struct maildrop *drop)
{
	union request request;
	int status = 0;

	while (status == 0) {
		ssize_t bytes = wire_receive_any(keeper->worker_fd, &request,
			sizeof(request));
		if (bytes < 0 && errno == EPIPE)
			return;
		if (bytes == sizeof(request.hold) &&
				request.kind == WIRE_HOLD)
			status = serve_hold(keeper, drop, &request.hold);
		/* Others may have it: no octet of theirs, no removal. */
		else if (drop->lock.is_let_go)
			_exit(KEEPER_EXIT_BAD_RECORD);
		else if (bytes == sizeof(request.plain) &&
				request.kind == WIRE_LISTING)
			status = serve_listing(keeper, drop);
		else if (bytes == sizeof(request.open) &&
				request.kind == WIRE_OPEN)
			status = serve_open(keeper, drop, &request.open);
		else if (bytes == sizeof(request.commit) &&
				request.kind == WIRE_COMMIT)
			status = serve_commit(keeper, drop, &request.commit);
		else if (bytes == sizeof(request.doubt) &&
				request.kind == WIRE_DOUBT)
			serve_doubt(drop, &request.doubt);
		else
			_exit(KEEPER_EXIT_BAD_RECORD);
		if (request.kind == WIRE_COMMIT && request.commit.is_last)
			return;
	}
}

void keeper_run(struct keeper *keeper)
{
	struct sasl_outcome login;
	struct maildrop drop;

	(void)prctl(PR_SET_NAME, "postern-keeper", 0, 0, 0);
	login_run(keeper, &login);
	become(keeper, &login.identity);

	enum wire_login_status status = maildrop_find(&drop,
		&keeper->settings->mailbox, &login.identity);
	if (status != WIRE_LOGIN_GRANTED)
		login_give_up(keeper, status);
	confine(keeper, &drop);
	/* What the client asks for comes before the user's own. */
	status = maildrop_open(&drop, &keeper->settings->mailbox,
		*login.login.folder != '\0' ? login.login.folder :
		login.identity.folder, &login.identity, keeper->address);
	if (status == WIRE_LOGIN_IN_USE)
		give_up_in_use(keeper, &drop.holder);
	if (status != WIRE_LOGIN_GRANTED)
		login_give_up(keeper, status);
	grant(keeper, &drop, login.name);
	login_set_alarm(0);
	serve_worker(keeper, &drop);
	_exit(KEEPER_EXIT_SERVED);
}
