/*
 * gate.c - how many keepers check passwords at once
 *
 * A keeper holds it for work that costs this machine CPU and memory, not while
 * it waits for another server, which a guesser could let it do for long.
 */
#include "config.h"

#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static int gate_fd = -1;
static uint32_t gate_octet;

/* Returns when it is done; only a signal may come in between. */
static void set_lock(short type)
{
	struct flock octet = {
		.l_type = type, .l_whence = SEEK_SET, .l_len = 1,
		.l_start = gate_octet,
	};

	if (gate_fd < 0)
		return;
	while (fcntl(gate_fd, F_SETLKW, &octet) < 0 && errno == EINTR)
		;
}

int gate_make(void)
{
	/* Linux-only: a file without a name that nobody else can lock. */
	return memfd_create("postern-gate", MFD_CLOEXEC);
}

void gate_use(int fd, uint32_t octet)
{
	gate_fd = fd;
	gate_octet = octet;
}

void gate_enter(void)
{
	set_lock(F_WRLCK);
}

void gate_leave(void)
{
	set_lock(F_UNLCK);
}
