/*
 * auth_scram.c - the keys by which SCRAM checks a password
 *
 * Runs in: a keeper.  Distrusts: the password; the keys are the
 * administrator's.
 */
#include "config.h"

#include "auth_scram.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

static const struct digest {
	gnutls_mac_algorithm_t mac;
	gnutls_digest_algorithm_t hash;
	size_t bytes;
} digests[] = {
	[SCRAM_SHA_1] = { GNUTLS_MAC_SHA1, GNUTLS_DIG_SHA1, 20 },
	[SCRAM_SHA_256] = { GNUTLS_MAC_SHA256, GNUTLS_DIG_SHA256, 32 },
};

/* Read base64 up to 'end' or its own; move '*text' behind that. */
static bool take_base64(const char **text, char end, uint8_t *octets,
	size_t room, size_t *bytes)
{
	size_t count = strcspn(*text, ", ");
	gnutls_datum_t encoded = { (unsigned char *)(uintptr_t)*text,
		(unsigned)count };
	gnutls_datum_t decoded = { NULL, 0 };
	bool fits;

	*text += count;
	if (count == 0 || (**text != end && !(end == ' ' && **text == '\0')))
		return false;
	*text += **text == ',';
	if (gnutls_base64_decode2(&encoded, &decoded) < 0)
		return false;
	fits = decoded.size > 0 && decoded.size <= room;
	if (fits) {
		memcpy(octets, decoded.data, decoded.size);
		*bytes = decoded.size;
	}
	gnutls_memset(decoded.data, 0, decoded.size);
	gnutls_free(decoded.data);
	return fits;
}

/* HMAC of a text by the salted password. */
static int make_key(const struct digest *digest, const uint8_t *salted,
	const char *text, uint8_t *key)
{
	return gnutls_hmac_fast(digest->mac, salted, digest->bytes, text,
		strlen(text), key);
}

size_t scram_digest_bytes(enum scram_digest digest)
{
	return digests[digest].bytes;
}

bool scram_parse(enum scram_digest digest, const char *text,
	struct scram_keys *keys)
{
	size_t wanted = digests[digest].bytes, stored = 0, server = 0;
	char *end;
	unsigned long iterations;

	if (*text < '1' || *text > '9')
		return false;
	iterations = strtoul(text, &end, 10);
	if (*end != ',' || iterations > SCRAM_MOST_ITERATIONS)
		return false;
	keys->iterations = (uint32_t)iterations;
	text = end + 1;
	return take_base64(&text, ',', keys->salt, sizeof(keys->salt),
			&keys->salt_bytes) &&
		take_base64(&text, ',', keys->stored_key,
			sizeof(keys->stored_key), &stored) &&
		take_base64(&text, ' ', keys->server_key,
			sizeof(keys->server_key), &server) &&
		stored == wanted && server == wanted;
}

int scram_derive(enum scram_digest digest, const char *password,
	struct scram_keys *keys)
{
	const struct digest *row = &digests[digest];
	const gnutls_datum_t secret = {
		(unsigned char *)(uintptr_t)password,
		(unsigned)strlen(password) };
	const gnutls_datum_t salt = { keys->salt, (unsigned)keys->salt_bytes };
	uint8_t salted[SCRAM_MOST_OCTETS], client_key[SCRAM_MOST_OCTETS];
	int status = gnutls_pbkdf2(row->mac, &secret, &salt, keys->iterations,
		salted, row->bytes);

	if (status >= 0)
		status = make_key(row, salted, "Client Key", client_key);
	if (status >= 0)
		status = gnutls_hash_fast(row->hash, client_key, row->bytes,
			keys->stored_key);
	if (status >= 0)
		status = make_key(row, salted, "Server Key",
			keys->server_key);
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client_key, sizeof(client_key));
	return status < 0 ? -1 : 0;
}

int scram_make_up(struct scram_keys *keys)
{
	return gnutls_rnd(GNUTLS_RND_KEY, keys->stored_key,
		sizeof(keys->stored_key)) < 0 ||
		gnutls_rnd(GNUTLS_RND_KEY, keys->server_key,
			sizeof(keys->server_key)) < 0 ? -1 : 0;
}
