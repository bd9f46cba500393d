/*
 * ctl.c - what posternctl says when something is wrong
 *
 * Runs in: posternctl.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>

#include "ctl.h"

void ctl_say(const char *format, ...)
{
	va_list arguments;

	fputs("posternctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

int ctl_misused(const char *usage)
{
	fputs(usage, stderr);
	return CTL_MISUSED;
}
