/*
 * pool.h - the workers: how many, which are idle, when to fork
 *
 * A worker is forked ahead of need and waits for a connection; its place here
 * is free again when it has been reaped.
 */
#ifndef POSTERN_POOL_H
#define POSTERN_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "generation.h"
#include "peers.h"

enum pool_state { POOL_FREE, POOL_IDLE, POOL_BUSY, POOL_ENDING };

/* Of a session that goes on, as its worker says: for posternctl only. */
struct pool_presence {
	uint32_t state;			/* enum wire_state */
	bool has_logged_in;
	uint32_t mechanism;		/* then; MECHANISMS: USER and PASS */
	uint64_t octets_sent;
	uint32_t told;			/* how often that was */
	char user[256], tls[16], cipher[32];	/* each with a NUL */
};

/* Whom a worker serves. */
struct pool_client {
	struct peer_key key;
	char address[64];		/* numeric */
	char local_address[64];		/* ours, that it has connected to */
	uint16_t port, local_port;	/* 0: not known */
	char listener[32];
	bool asks_certificate;		/* of its clients, so does that */
	int64_t since_ms;
	bool is_trusted;		/* no penalty, and no limit */
	bool awaits_peer;		/* of a proxy: for whom, we know not */
	bool is_proxy;			/* it speaks for itself: no login */
	bool is_counted;		/* as a session of its address */
	uint32_t policy;
	struct session_rules rules;	/* when it came, of its policy */
	uint32_t logins;		/* keepers it asked for */
	bool wants_keeper;		/* when its last one has ended */
	bool is_refusal_logged;
	struct pool_presence presence;
};

struct pool_worker {
	enum pool_state state;
	pid_t pid;
	int fd;				/* -1 when it was told to end */
	uint32_t sessions_left;
	bool is_stale;			/* not to be used again */
	bool is_liar;			/* killed for what it sent */
	bool is_kicked;			/* by posternctl */
	int64_t kill_at_ms;		/* when it is ENDING still */
	bool has_client;		/* and no report of its end yet */
	struct pool_client client;
};

struct pool {
	struct pool_worker *workers;
	size_t room;
	uint32_t idle_count, count;	/* count: all that are not free */
	int64_t not_before_ms;		/* when the next fork is permitted */
	uint32_t backoff_ms;		/* after a worker died of a signal */
};

/*
 * Fork workers of 'generation' until 'pool.spare' are idle or 'pool.max' are
 * there, unless the pool is throttled.  root_fd: an empty directory.
 * A fork that fails is logged and throttles the pool.
 */
void pool_fill(struct pool *pool, struct generation *generation, int root_fd);

/* Let about half of the idle workers above 'spare' go. */
void pool_retire_surplus(struct pool *pool, uint32_t spare);

/* An idle worker, the one that was busy last; or NULL. */
struct pool_worker *pool_idle(struct pool *pool);

/* The worker with process id 'pid', or NULL. */
struct pool_worker *pool_find(struct pool *pool, pid_t pid);

/* The worker has a client now. */
void pool_set_busy(struct pool *pool, struct pool_worker *worker,
	const struct pool_client *client);

/*
 * The session is over: the worker is idle again, or about to end if it has
 * served its share or is stale.
 */
void pool_set_done(struct pool *pool, struct pool_worker *worker);

/*
 * The time of all present workers is over: idle ones end now, busy ones after
 * their session.
 */
void pool_set_stale(struct pool *pool);

/* Ask all workers to end, in the middle of their sessions. */
void pool_stop(struct pool *pool);

/* End the session of 'worker' in its middle: nothing is removed. */
void pool_kick(struct pool_worker *worker);

/* The next time at which pool_kill_overdue() has something to do. */
int64_t pool_overdue_ms(const struct pool *pool);

/* Kill the workers that should have ended by now. */
void pool_kill_overdue(struct pool *pool);

/*
 * Tell a worker to end, by closing its socket.  If it does not, it is killed a
 * few seconds later.
 */
void pool_retire(struct pool *pool, struct pool_worker *worker);

/* The worker was reaped. */
void pool_remove(struct pool *pool, struct pool_worker *worker);

/* A worker died as none should: wait before the next one is forked. */
void pool_throttle(struct pool *pool);

/* Close all sockets and free everything. */
void pool_free(struct pool *pool);

#endif
