/*
 * reply_program.c - postern-reply beside a test, as it is beside postern
 */
#include "config.h"

#include "reply_program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "/postern-reply"

int reply_program_link(void)
{
	const char *directory = getenv("top_builddir");
	char built[5000], beside[4096];
	ssize_t count = readlink("/proc/self/exe", beside,
		sizeof(beside) - sizeof(NAME));
	char *slash;

	if (directory == NULL || count < 0)
		return 0;
	beside[count] = '\0';
	slash = strrchr(beside, '/');
	memcpy(slash, NAME, sizeof(NAME));
	snprintf(built, sizeof(built), "%s" NAME, directory);
	if (strcmp(built, beside) == 0 || symlink(built, beside) == 0 ||
		errno == EEXIST)
		return 0;
	perror(beside);
	return -1;
}
