/*
 * auth_salt.c - SCRAM salts for those who have none of their own
 *
 * Runs in: the master, which makes the secret; keepers, which use it.
 *
 * Anybody can ask for the salt of any name.  Unknown names must have one that
 * stays, even after a restart; so they are made of a secret, which must not
 * depend on any password: a salt made of that would be something to try
 * passwords on, at home.  The machine-id is random and confidential.
 */
#include "config.h"

#include "auth_salt.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <unistd.h>

#define SALT_BYTES 16
#define SECRET_BYTES 32

/* machine-id(5): 32 hexadecimal digits, and a line end. */
static const char *const machine_ids[] = {
	"/etc/machine-id", "/var/lib/dbus/machine-id" };

static uint8_t secret[SECRET_BYTES];

static bool read_secret(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	if (fd >= 0) {
		got = read(fd, secret, sizeof(secret));
		close(fd);
	}
	return got == (ssize_t)sizeof(secret);
}

void salt_begin(void)
{
	for (size_t i = 0; i < sizeof(machine_ids) / sizeof(machine_ids[0]);
			i++)
		if (read_secret(machine_ids[i]))
			return;
	/* Then they stay until we start again; without it, they are known. */
	(void)gnutls_rnd(GNUTLS_RND_KEY, secret, sizeof(secret));
}

void salt_of(const char *name, struct scram_keys *keys)
{
	uint8_t digest[32] = { 0 };

	/* If it fails, they are all alike. */
	(void)gnutls_hmac_fast(GNUTLS_MAC_SHA256, secret, sizeof(secret), name,
		strlen(name), digest);
	keys->salt_bytes = SALT_BYTES;
	memcpy(keys->salt, digest, SALT_BYTES);
}
