/*
 * gate.h - how many keepers check passwords at once
 */
#ifndef POSTERN_GATE_H
#define POSTERN_GATE_H

#include <stdint.h>

/*
 * Make the gate that lets auth.concurrent-checks keepers check passwords at
 * once (a yescrypt takes 16 MB): a file whose octets are locks.  The kernel
 * gives back what a dead keeper held.  Returns a descriptor, or -1 with errno.
 */
int gate_make(void);

/*
 * Tell this process, a keeper, its gate and the octet of it that it needs.
 * Before that, and in a process that is none, the gate is always open.
 */
void gate_use(int fd, uint32_t octet);

/* Wait until the octet is free, and hold it; let others have it. */
void gate_enter(void);
void gate_leave(void);

#endif
