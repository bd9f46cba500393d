/*
 * name_tag.c - a number for a user's name that tells nobody the name
 *
 * Runs in: a worker.  The master counts failed logins by it, and so need not
 * read what a client wrote.
 */
#include "config.h"

#include "name_tag.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "auth_name.h"

#define SHA256_OCTETS 32

void name_tag(const uint8_t key[WIRE_NAME_KEY_OCTETS], const char *name,
	const char *separator, uint8_t tag[WIRE_NAME_TAG_OCTETS])
{
	uint8_t digest[SHA256_OCTETS];
	struct auth_login login;

	memset(tag, 0, WIRE_NAME_TAG_OCTETS);
	auth_name_split(name, separator, &login);
	if (login.user[0] == '\0')
		return;
	for (char *octet = login.user; *octet != '\0'; octet++)
		if (*octet >= 'A' && *octet <= 'Z')
			*octet += 'a' - 'A';
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, WIRE_NAME_KEY_OCTETS,
			login.user, strlen(login.user), digest) == 0)
		memcpy(tag, digest, WIRE_NAME_TAG_OCTETS);
}
