/*
 * control_wire.h - what posternctl and the master say to each other, completely
 *
 * Over an AF_UNIX SOCK_SEQPACKET socket, see door.h.  posternctl sends one
 * request.  The answer is any number of records of facts, SESSION or STATS, and
 * then END; after that the connection is closed.  Each record is one of these
 * structs, whole.  The master sends plain facts: making text of them, in any
 * form, is posternctl's work, so that root formats nothing that a client chose.
 */
#ifndef POSTERN_CONTROL_WIRE_H
#define POSTERN_CONTROL_WIRE_H

#include <stdint.h>

#include "counters.h"
#include "wire.h"

/* Another one for each change of a struct below, or of what is in it. */
#define CONTROL_VERSION 1

enum control_kind {
	CONTROL_WHO = 1, CONTROL_KICK, CONTROL_STATS, CONTROL_RELOAD,
	CONTROL_STOP, CONTROL_STOP_NOW,
	CONTROL_REQUESTS,	/* behind the last of them */
	CONTROL_SESSION, CONTROL_END
};

#define CONTROL_WHAT_BYTES 320
#define CONTROL_TEXT_BYTES 4096

/* The only record that the master reads. */
struct control_request {
	uint32_t version;
	uint32_t kind;
	char what[CONTROL_WHAT_BYTES];	/* KICK: whom; NUL-terminated */
};

/* One session: the answer to WHO. */
struct control_session {
	uint32_t version;
	uint32_t kind;		/* CONTROL_SESSION */
	uint32_t pid;		/* of the worker */
	uint32_t port;		/* of the client; 0: not known */
	uint32_t state;		/* enum wire_state */
	uint32_t mechanism;	/* of the login; MECHANISMS: USER and PASS */
	uint32_t has_logged_in;	/* 0 or 1 */
	int64_t age_ms;
	uint64_t octets_sent;
	char address[64];	/* numeric; NUL-terminated, as those below */
	char listener[32];
	char user[256];		/* as a worker says, and a client chose */
	char tls[16];
	char cipher[32];
};

struct control_stats {
	uint32_t version;
	uint32_t kind;		/* CONTROL_STATS */
	uint32_t workers_idle, workers_busy, workers_ending;
	uint32_t workers_max;
	uint32_t keepers;
	uint32_t states[WIRE_STATES];	/* sessions that go on */
	uint32_t is_stopping;
	uint32_t settings_read;		/* how often, with the start */
	int64_t started_s;		/* since the epoch */
	int64_t settings_since_s;
	char server[32];		/* its version */
	struct counters counters;	/* of this server since its start */
};

/* How it went; errno in 'error', or 0. */
struct control_end {
	uint32_t version;
	uint32_t kind;		/* CONTROL_END */
	uint32_t error;
	uint32_t count;		/* of sessions: shown, kicked, going on */
	char text[CONTROL_TEXT_BYTES];	/* RELOAD: warnings and errors */
};

#endif
