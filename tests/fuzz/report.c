/*
 * report.c - fuzz target: what a worker reports of a session, as the master
 * logs it
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "log.h"
#include "session_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t count)
{
	struct pool_client client = {
		.address = "192.0.2.1", .listener = "pop3",
	};
	struct wire_session report = { .kind = WIRE_SESSION };

	/* To /dev/null it is, but every message is made. */
	log_open(LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	memcpy(&report, octets,
		count < sizeof(report) ? count : sizeof(report));
	session_log(&client, &report);
	return 0;
}
