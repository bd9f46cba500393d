/*
 * wire.h - the messages between our processes, completely
 *
 * Each runs over an AF_UNIX SOCK_SEQPACKET pair, as one record of one fixed
 * struct, with at most one descriptor.  Nobody trusts a record: its length, its
 * kind, and whether it is permitted now are checked before anything else.
 *
 *   record      from     to      answer          when
 *   CONNECTION  master   worker  -               the worker is idle
 *   SESSION     worker   master  -               a session has ended
 *   PROGRESS    worker   master  -               how a session is
 *   PEER        worker   master  wire_admitted   before the greeting, once,
 *                                                behind a proxy only
 *   KEEPER      worker   master  wire_keeper     AUTHORIZATION
 *   SIGN        worker   signer  wire_signature  TLS handshake
 *   AUTH        worker   keeper  wire_login      once
 *   SASL        worker   keeper  wire_login      once, in place of AUTH
 *   STEP        worker   keeper  wire_login      after a CHALLENGE
 *   LISTING     worker   keeper  wire_opened     after the login, once
 *   OPEN        worker   keeper  wire_opened     after the login
 *   COMMIT      worker   keeper  wire_committed  at QUIT
 *   HOLD        worker   keeper  wire_held       after the login
 *   DOUBT       worker   keeper  -               after the login
 *   SIGNER      master   signer  -               a worker is about to start
 *   READY       signer   master  -               the keys are loaded
 */
#ifndef POSTERN_WIRE_H
#define POSTERN_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "settings.h"

enum wire_kind {
	WIRE_CONNECTION = 1, WIRE_SESSION, WIRE_KEEPER, WIRE_SIGN, WIRE_AUTH,
	WIRE_OPEN, WIRE_COMMIT, WIRE_SIGNER, WIRE_READY, WIRE_HOLD, WIRE_DOUBT,
	WIRE_LISTING, WIRE_SASL, WIRE_STEP, WIRE_PROGRESS, WIRE_PEER
};

/* CONNECTION, with the client's socket. */
struct wire_connection {
	uint32_t kind;
	uint32_t listener;	/* index in settings.listens */
	uint32_t policy;	/* see settings_policy_of() */
	uint32_t is_trusted;	/* 1: the settings exempt its address */
};

/*
 * KEEPER, LISTING, READY, SIGNER (with the worker's socket): nothing but their
 * kind.
 */
struct wire_plain {
	uint32_t kind;
};

/* PEER: what the proxy's header says of the client. */
struct wire_peer {
	uint32_t kind;
	uint32_t family;	/* 4 or 6, of IP; 0: the proxy itself */
	uint32_t has_tls;	/* 1: it has, with the proxy */
	uint16_t port, local_port;
	uint8_t address[16], local_address[16];	/* of IPv4, the first 4 */
};

/* The answer to PEER. */
struct wire_admitted {
	uint32_t kind;
	uint32_t is_refused;	/* too many sessions of its address */
	uint32_t is_trusted;	/* as in CONNECTION */
	/* No number of a policy: a reload may have come in between. */
	struct session_rules rules;
};

/* The answer to KEEPER, with the keeper's socket if 'error' is 0. */
struct wire_keeper {
	uint32_t kind;
	uint32_t error;		/* errno: EAGAIN (busy), EPERM (too often) */
};

/* How a session ended, for the log line that the master writes. */
enum wire_end {
	WIRE_END_QUIT, WIRE_END_REFUSED_COMMIT, WIRE_END_DISCONNECTED,
	WIRE_END_IDLE_TIMEOUT, WIRE_END_LOGIN_TIMEOUT, WIRE_END_TLS_FAILED,
	WIRE_END_TLS_TIMEOUT, WIRE_END_STLS_INJECTION, WIRE_END_BAD_COMMANDS,
	WIRE_END_ATTEMPTS, WIRE_END_KEEPER_LOST, WIRE_END_WRITE_FAILED,
	WIRE_END_MESSAGE_CUT, WIRE_END_STOPPED, WIRE_END_TAKEN_OVER,
	WIRE_END_EARLY_TALKER, WIRE_END_KICKED, WIRE_END_NO_PROXY_HEADER,
	WIRE_ENDS
};

struct wire_session {
	uint32_t kind;
	uint32_t end;		/* enum wire_end */
	uint32_t retr, top, removed, expired;
	uint64_t octets_sent;
	uint32_t is_legacy_tls;	/* 1: older than TLS 1.2 */
	char user[256];		/* "" before the login; NUL-terminated */
	char tls[16];		/* "TLS1.3"; "" without TLS */
	char cipher[32];
	char note[96];		/* why TLS failed, or what it lacked */
};

/* Where a session is; SILENT: a TRANSACTION that others may take over. */
enum wire_state {
	WIRE_STATE_HANDSHAKE, WIRE_STATE_AUTHORIZATION,
	WIRE_STATE_TRANSACTION, WIRE_STATE_SILENT, WIRE_STATE_UPDATE,
	WIRE_STATES
};

/*
 * PROGRESS: for who asks the master who is connected.  After the handshake and
 * the login, when the client falls silent or speaks again, before UPDATE, and a
 * second after octets were sent, but not more often.
 */
struct wire_progress {
	uint32_t kind;
	uint32_t state;		/* enum wire_state */
	uint32_t mechanism;	/* of the login; MECHANISMS: USER and PASS */
	uint64_t octets_sent;
	char user[256];		/* these as in SESSION */
	char tls[16];
	char cipher[32];
};

#define WIRE_SIGN_OCTETS 512
#define WIRE_SIGNATURE_OCTETS 1024

struct wire_sign {
	uint32_t kind;
	uint32_t key;		/* number of the pair in the settings */
	uint32_t algorithm;	/* gnutls_sign_algorithm_t */
	uint32_t is_digest;	/* else the signer digests the octets */
	uint32_t count;		/* of octets */
	uint8_t octets[WIRE_SIGN_OCTETS];
};

struct wire_signature {
	uint32_t kind;
	uint32_t count;		/* 0: refused */
	uint8_t octets[WIRE_SIGNATURE_OCTETS];
};

#define WIRE_NAME_OCTETS 512
#define WIRE_PASSWORD_OCTETS 512

struct wire_auth {
	uint32_t kind;
	char name[WIRE_NAME_OCTETS + 1];	/* NUL-terminated */
	char password[WIRE_PASSWORD_OCTETS + 1];
	uint32_t has_tls;	/* 0 or 1: for back ends that want to know */
};

/*
 * RFC 5034 section 4 sets no limit for a line of an exchange; this is the one
 * of RFC 4954 section 4, base64 with its CRLF.
 */
#define WIRE_RESPONSE_BYTES 12288
#define WIRE_BINDING_BYTES 32

/* SASL: begin an exchange; after that each response comes as a STEP. */
struct wire_sasl {
	uint32_t kind;
	uint32_t mechanism;	/* enum mechanism */
	uint32_t has_tls;
	uint32_t has_binding;	/* and mechanisms bound by it were offered */
	uint8_t binding[WIRE_BINDING_BYTES];	/* tls-exporter, RFC 9266 */
	char client_name[256];	/* of a verified certificate; "": none */
	uint32_t has_response;	/* an initial one, maybe empty */
	char response[WIRE_RESPONSE_BYTES];	/* base64, NUL-terminated */
};

struct wire_step {
	uint32_t kind;
	char response[WIRE_RESPONSE_BYTES];
};

/* After CHALLENGE, which is in 'image', the exchange goes on with a STEP. */
enum wire_login_status {
	WIRE_LOGIN_GRANTED, WIRE_LOGIN_DENIED, WIRE_LOGIN_IN_USE,
	WIRE_LOGIN_TEMPORARY, WIRE_LOGIN_PERMANENT, WIRE_LOGIN_NO_FOLDER,
	WIRE_LOGIN_MALFORMED, WIRE_LOGIN_CHALLENGE,
	WIRE_LOGIN_STATUSES
};

/* About forty messages. */
#define WIRE_IMAGE_BYTES 1996
#define WIRE_ADDRESS_BYTES 64

/* The answer to AUTH, SASL, STEP; a long listing comes when it is asked for. */
struct wire_login {
	uint32_t kind;
	uint32_t status;	/* enum wire_login_status */
	uint32_t is_read_only;	/* 1: messages can't be marked */
	uint32_t count;		/* of messages */
	uint64_t octets;	/* of all of them, as RETR sends them */
	int64_t holder_since_s;	/* IN_USE: since the epoch; 0: not known */
	char holder[WIRE_ADDRESS_BYTES];	/* numeric, NUL-terminated */
	char user[256];		/* GRANTED: whom the client named */
	uint32_t image_bytes;	/* of the listing; 0: ask for it by LISTING */
	uint8_t image[WIRE_IMAGE_BYTES];
};

struct wire_open {
	uint32_t kind;
	uint32_t idx;
};

/*
 * The answer to OPEN, with the message's descriptor if 'error' is 0; and to
 * LISTING, with the listing's.
 */
struct wire_opened {
	uint32_t kind;
	uint32_t error;		/* errno */
};

#define WIRE_MARKS_BYTES 1024

/*
 * A part of the deletion marks, and of which messages were sent whole by RETR.
 * A maildrop may need several; only the last one makes the keeper remove
 * messages.
 */
struct wire_commit {
	uint32_t kind;
	uint32_t first;		/* message of the first bit; a multiple of 8 */
	uint32_t is_last;
	uint8_t marks[WIRE_MARKS_BYTES];
	uint8_t retrieved[WIRE_MARKS_BYTES];
};

struct wire_committed {
	uint32_t kind;
	uint32_t removed, failed;	/* of those that were marked */
	uint32_t expired;		/* removed by the settings' rules */
};

/*
 * The client has been silent for takeover-after: let others have the maildrop
 * (0); or it speaks again: have it back (1).
 */
struct wire_hold {
	uint32_t kind;
	uint32_t is_wanted;
};

/* The answer to HOLD. */
struct wire_held {
	uint32_t kind;
	uint32_t is_lost;	/* another session has been there */
};

/* The message had other octets than the listing says: count them again. */
struct wire_doubt {
	uint32_t kind;
	uint32_t idx;
};

/*
 * The words for an end and a state in the log and elsewhere; "unknown" for what
 * is none.
 */
const char *wire_end_name(uint32_t end);
const char *wire_state_name(uint32_t state);

/*
 * Make a pair of connected close-on-exec sockets for records.  Returns 0, or
 * -1 with errno.
 */
int wire_pair(int fds[2]);

/*
 * Send 'bytes' bytes at 'record' as one record, with 'passed_fd' unless that is
 * -1.  The caller keeps 'passed_fd'.  Returns 0, or -1 with errno.
 */
int wire_send(int fd, const void *record, size_t bytes, int passed_fd);

/*
 * Receive one record of kind 'kind' and of exactly 'bytes' bytes into 'record'.
 *
 * passed_fd: where a descriptor that came with it is stored, -1 if none came;
 * NULL if none may come.  The caller closes it.
 * Returns 0, or -1 with errno: EPIPE when the peer is gone, EBADMSG for any
 * other record, EAGAIN on a non-blocking socket.
 */
int wire_receive(int fd, uint32_t kind, void *record, size_t bytes,
	int *passed_fd);

/*
 * The descriptor that an answer brought: 'passed_fd' if its 'error' is 0.  Else
 * that is closed, and -1 returned with errno 'error', or EBADMSG if none came.
 */
int wire_passed_fd(uint32_t error, int passed_fd);

/*
 * Receive one record of any kind, without a descriptor, into the 'room' bytes
 * at 'record'.  Returns how many bytes it has (at least a kind), or -1 with
 * errno as above; the caller checks length and kind.
 */
ssize_t wire_receive_any(int fd, void *record, size_t room);

/*
 * Wait until 'fd' has a record or its peer is gone.  Returns 0, or -1 with
 * errno ETIMEDOUT once 'deadline_ms' has passed.
 */
int wire_wait(int fd, int64_t deadline_ms);

#endif
