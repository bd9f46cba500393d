/*
 * door.h - the socket at which posternctl knocks: made, guarded, removed
 *
 * A stuck or hostile peer can't hold up the master, and no process is forked
 * for one: nothing here waits; at most DOOR_PEERS are let in at a time, each
 * for a few seconds; one fixed-size record is read of each; and no answer is
 * kept in memory, for it is made record by record as the peer takes it.
 *
 * Who comes in: root, our own user, and one group, both by the modes of the
 * file and by what the kernel says of the peer.  A lock on a file beside the
 * socket is held while we live, by the kernel's word, so that the socket of a
 * living server is never replaced, and that of a dead one always.
 */
#ifndef POSTERN_DOOR_H
#define POSTERN_DOOR_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "control_wire.h"

#define DOOR_PEERS 8

struct door_peer {
	int fd;			/* -1: a free place */
	uid_t uid;		/* says the kernel */
	int64_t deadline_ms;
	uint32_t kind;		/* of its request; 0: not read yet */
	uint32_t count;		/* of records that were sent */
	size_t next;		/* the worker to be told of next */
};

struct door {
	char *path;		/* NULL: the door is closed */
	int fd, lock_fd;
	dev_t device;
	ino_t inode;
	bool has_group;
	gid_t group;
	int64_t accept_after_ms;	/* when descriptors ran out */
	int64_t retry_ms;		/* another server has it still */
	struct door_peer peers[DOOR_PEERS];
};

/* Begin with a closed door. */
void door_begin(struct door *door);

/*
 * Have the door at 'path', or closed: if 'path' is "", or, logged as a warning,
 * if that can't be.  Whoever is inside stays, and so does a door that is there.
 * While another server has it, 'retry_ms' says when to try again.
 * group: who may come in beside root; or "".
 */
void door_open(struct door *door, const char *path, const char *group);

/* Remove the socket, if it is still ours; whoever is inside stays. */
void door_leave(struct door *door);

/* The same, and send everybody away. */
void door_close(struct door *door);

/*
 * Add what there is to wait for to 'all', which has room for DOOR_PEERS + 1.
 * Returns how many that are.
 */
size_t door_gather(const struct door *door, struct pollfd *all);

/* When door_gather() or door_dismiss_overdue() has something else to say. */
int64_t door_due_ms(const struct door *door);

/* Let one in who waits before the door. */
void door_accept(struct door *door);

/* The peer behind 'fd', or NULL. */
struct door_peer *door_find(struct door *door, int fd);

/*
 * Read the request of 'peer'.  Returns whether it is a whole one; else the peer
 * is sent away, unless it may still come.
 */
bool door_read(struct door_peer *peer, struct control_request *request);

/*
 * Send one record.  Returns 0; or -1, and the peer is sent away, unless errno
 * is EAGAIN: then it has not taken the last ones yet.
 */
int door_send(struct door_peer *peer, const void *record, size_t bytes);

/*
 * Send END with errno 'error' (or 0), and send the peer away; or leave it here,
 * if it has not taken the last records yet.
 */
void door_end(struct door_peer *peer, int error, const char *text);

/* Send a peer away. */
void door_dismiss(struct door_peer *peer);

/* Send away who has been inside for too long. */
void door_dismiss_overdue(struct door *door);

#endif
