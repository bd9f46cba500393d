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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEW_SALT_BYTES 16

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

/* Append octets in base64. */
static int print_base64(const uint8_t *octets, size_t count, char end,
	char text[SCRAM_TEXT_BYTES])
{
	const gnutls_datum_t raw = { (unsigned char *)(uintptr_t)octets,
		(unsigned)count };
	gnutls_datum_t encoded;
	size_t used = strlen(text);

	if (gnutls_base64_encode2(&raw, &encoded) < 0)
		return -1;
	int added = snprintf(text + used, SCRAM_TEXT_BYTES - used, "%.*s%c",
		(int)encoded.size, (const char *)encoded.data, end);
	gnutls_free(encoded.data);
	return added > 0 && (size_t)added < SCRAM_TEXT_BYTES - used ? 0 : -1;
}

static int print(enum scram_digest digest, const struct scram_keys *keys,
	char text[SCRAM_TEXT_BYTES])
{
	size_t bytes = digests[digest].bytes;

	snprintf(text, SCRAM_TEXT_BYTES, "%lu,",
		(unsigned long)keys->iterations);
	return print_base64(keys->salt, keys->salt_bytes, ',', text) < 0 ||
		print_base64(keys->stored_key, bytes, ',', text) < 0 ||
		print_base64(keys->server_key, bytes, '\0', text) < 0 ? -1 : 0;
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

/* What cannot be normalised is taken as it is.  RFC 8265 section 4.2. */
static int derive_normalised(enum scram_digest digest, const char *password,
	struct scram_keys *keys)
{
	gnutls_datum_t normal = { NULL, 0 };
	int status;

	if (gnutls_utf8_password_normalize((const unsigned char *)password,
			strlen(password), &normal, 0) < 0)
		return scram_derive(digest, password, keys);
	status = scram_derive(digest, (const char *)normal.data, keys);
	gnutls_memset(normal.data, 0, normal.size);
	gnutls_free(normal.data);
	return status;
}

int scram_enrol(enum scram_digest digest, const char *password,
	char text[SCRAM_TEXT_BYTES])
{
	struct scram_keys keys = { .iterations = SCRAM_ITERATIONS,
		.salt_bytes = NEW_SALT_BYTES };
	int status = -1;

	if (gnutls_rnd(GNUTLS_RND_KEY, keys.salt, NEW_SALT_BYTES) >= 0 &&
			derive_normalised(digest, password, &keys) == 0)
		status = print(digest, &keys, text);
	explicit_bzero(&keys, sizeof(keys));
	return status;
}

int scram_make_up(struct scram_keys *keys)
{
	return gnutls_rnd(GNUTLS_RND_KEY, keys->stored_key,
		sizeof(keys->stored_key)) < 0 ||
		gnutls_rnd(GNUTLS_RND_KEY, keys->server_key,
			sizeof(keys->server_key)) < 0 ? -1 : 0;
}
