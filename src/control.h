/*
 * control.h - what posternctl asks of the master
 */
#ifndef POSTERN_CONTROL_H
#define POSTERN_CONTROL_H

#include "master_state.h"

/* What only the master's loop can do. */
struct control_deeds {
	bool (*reload)(struct master *master, const char *config_path);
	void (*stop)(struct master *master);
	void (*stop_now)(struct master *master);
};

/* There are new settings: have the door where they want it. */
void control_renew(struct master *master);

/* Try again to have a door, if it is time to. */
void control_retry(struct master *master);

/* Serve whom poll(2) has found ready: one of door_gather(). */
void control_serve(struct master *master, const struct pollfd *ready);

/* Do the next of 'deeds' that a peer has asked for, and tell how it went. */
void control_obey(struct master *master, const struct control_deeds *deeds,
	const char *config_path);

#endif
