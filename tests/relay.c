/*
 * relay.c - relay one SASL exchange to a Dovecot, for tests/dovecot_auth.py
 *
 * usage: relay SOCKET MECHANISM [RESPONSE]
 *        relay SOCKET
 *
 * Prints the server's mechanisms, or each challenge as a line "+ BASE64", for
 * which it reads the client's response from standard input (its end gives up),
 * and then the result and the name: "granted joe".
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth_dovecot.h"

static char settings_name[] = "test", empty[] = "", uid[] = "1", gid[] = "1";
static struct backend_settings backend = {
	.name = settings_name, .type = BACKEND_DOVECOT, .userdb = empty,
	.timeout_s = 20, .uid = uid, .gid = gid, .home = empty,
};

static int list(void)
{
	char mechanisms[256];

	if (auth_dovecot_mechanisms(&backend, mechanisms,
			sizeof(mechanisms)) < 0)
		return EXIT_FAILURE;
	puts(mechanisms);
	return EXIT_SUCCESS;
}

static int relay(const char *mechanism, const char *response)
{
	static const char *const results[] = {
		[AUTH_GRANTED] = "granted", [AUTH_DENIED] = "denied",
		[AUTH_UNKNOWN] = "unknown", [AUTH_TEMPORARY] = "temporary",
		[AUTH_STUCK] = "stuck", [AUTH_PERMANENT] = "permanent",
	};
	static struct auth_dovecot exchange;
	static struct auth_identity identity;
	const struct auth_attempt attempt = { .name = "",
		.address = "192.0.2.1", .has_tls = true };
	char line[16384];
	bool goes_on = auth_dovecot_begin(&exchange, &backend, &attempt,
		mechanism, response);

	while (goes_on) {
		printf("+ %s\n", exchange.challenge);
		fflush(stdout);
		if (fgets(line, sizeof(line), stdin) == NULL)
			break;
		line[strcspn(line, "\n")] = '\0';
		goes_on = auth_dovecot_step(&exchange, line);
	}
	printf("%s", results[auth_dovecot_end(&exchange, &identity)]);
	printf(" %s\n", identity.name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return EXIT_FAILURE;
	backend.path = argv[1];
	if (argc == 2)
		return list();
	return relay(argv[2], argc > 3 ? argv[3] : NULL);
}
