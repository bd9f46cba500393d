/*
 * postern-reply.c - tell the keeper whom a checkpassword program became
 *
 * Runs as: the user that the program chose, in the program's place.  Sends:
 * USER and HOME of the environment; uid and gid are added by the kernel.
 * Exit codes: 0 told, 111 not.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define REPLY_FD 4
#define REPLY_OCTETS 4352	/* 255 + 4095, and two NULs */
#define EXIT_TEMPORARY 111

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value == NULL ? "" : value;
}

int main(void)
{
	char reply[REPLY_OCTETS];
	int count = snprintf(reply, sizeof(reply), "%s%c%s", variable("USER"),
		'\0', variable("HOME"));

	if (count < 0 || (size_t)count >= sizeof(reply))
		return EXIT_TEMPORARY;
	count++;
	if (send(REPLY_FD, reply, (size_t)count, MSG_NOSIGNAL) != count)
		return EXIT_TEMPORARY;
	return 0;
}
