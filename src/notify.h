/*
 * notify.h - tell the service manager how we are: sd_notify(3), by itself
 *
 * Only the master tells.  Without a service manager that wants to hear it, all
 * of this does nothing.
 */
#ifndef POSTERN_NOTIFY_H
#define POSTERN_NOTIFY_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Take from the environment who wants to hear from this process: NOTIFY_SOCKET,
 * WATCHDOG_USEC and WATCHDOG_PID, and the POSTERN_READY_FD of a predecessor
 * (upgrade.h).  Removes them, so that no program we run tells in our name.
 */
void notify_begin(void);

/* Connections are served from now on; 'sessions' is how many there are. */
void notify_ready(uint32_t sessions);

/* The settings are read again; notify_ready() says when that is over. */
void notify_reloading(void);

/* We stop, once 'sessions' have come to their end. */
void notify_stopping(uint32_t sessions);

/* The process 'pid' takes our place. */
void notify_successor(pid_t pid);

/*
 * In the child that becomes our successor: let it hear of the same service
 * manager, and tell us by 'ready_fd' that it is ready.
 */
void notify_pass_on(int ready_fd);

/* When notify_serve() has something to tell. */
int64_t notify_due_ms(void);

/* Tell that we are alive, and how many sessions there are. */
void notify_serve(uint32_t sessions);

#endif
