/*
 * admission.h - who a client is to us by its address, and whether it may stay
 */
#ifndef POSTERN_ADMISSION_H
#define POSTERN_ADMISSION_H

#include "master_state.h"

/* Note where 'client' comes from, and where it has connected to. */
void admission_note_ends(struct pool_client *client,
	const struct sockaddr_storage *address,
	const struct sockaddr_storage *local);

/*
 * Judge 'client', which comes from 'address', by the settings, and count its
 * session.  Returns whether it may stay; if not, that is logged.
 */
bool admission_admit(struct master *master, struct pool_client *client,
	const struct sockaddr_storage *address);

/*
 * The same for a connection from a proxy, which is neither counted nor
 * punished: admission_introduce() follows.  Returns false, logged, if 'address'
 * is not one of the proxies of 'listen'.
 */
bool admission_admit_proxy(struct master *master, struct pool_client *client,
	const struct listen_settings *listen,
	const struct sockaddr_storage *address);

/*
 * PEER: the worker of 'client' has read the header of its proxy.  The answer is
 * in 'admitted'.  Returns 0, or -1 if no honest worker would say that.
 */
int admission_introduce(struct master *master, struct pool_client *client,
	const struct wire_peer *peer, struct wire_admitted *admitted);

#endif
