/*
 * auth_hash.c - stored passwords that are one digest, and PBKDF2; pure
 *
 * Owns: what Dovecot calls these schemes, and how it writes them.
 * Runs in: a keeper.  Distrusts: the password.
 */
#include "config.h"

#include "auth_hash.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MOST_DIGEST_BYTES 64
#define PBKDF2_BYTES 20		/* of SHA-1 */

typedef int decoder(const gnutls_datum_t *text, gnutls_datum_t *octets);

/* Behind the digest of a salted one stands the salt. */
static const struct form {
	const char *name;
	gnutls_digest_algorithm_t digest;
	bool is_salted;
	decoder *decode;	/* where the name has no suffix */
} forms[] = {
	{ "PLAIN-MD5", GNUTLS_DIG_MD5, false, gnutls_hex_decode2 },
	{ "LDAP-MD5", GNUTLS_DIG_MD5, false, gnutls_base64_decode2 },
	{ "SMD5", GNUTLS_DIG_MD5, true, gnutls_base64_decode2 },
	{ "SHA", GNUTLS_DIG_SHA1, false, gnutls_base64_decode2 },
	{ "SHA1", GNUTLS_DIG_SHA1, false, gnutls_base64_decode2 },
	{ "SHA256", GNUTLS_DIG_SHA256, false, gnutls_base64_decode2 },
	{ "SHA512", GNUTLS_DIG_SHA512, false, gnutls_base64_decode2 },
	{ "SSHA", GNUTLS_DIG_SHA1, true, gnutls_base64_decode2 },
	{ "SSHA256", GNUTLS_DIG_SHA256, true, gnutls_base64_decode2 },
	{ "SSHA512", GNUTLS_DIG_SHA512, true, gnutls_base64_decode2 },
};

static const struct suffix {
	const char *name;
	decoder *decode;
} suffixes[] = {
	{ ".HEX", gnutls_hex_decode2 },
	{ ".B64", gnutls_base64_decode2 },
	{ ".BASE64", gnutls_base64_decode2 },
};

static bool is_word(const char *word, const char *octets, size_t count)
{
	return strlen(word) == count && strncasecmp(word, octets, count) == 0;
}

static const struct form *find_form(const char *name, size_t count)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (is_word(forms[i].name, name, count))
			return &forms[i];
	return NULL;
}

static decoder *find_suffix(const char *name, size_t count)
{
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (is_word(suffixes[i].name, name, count))
			return suffixes[i].decode;
	return NULL;
}

/* Take a scheme's name apart: its form, and what its suffix says, if any. */
static const struct form *take_name(const char *name, size_t count,
	decoder **decode)
{
	const char *dot = memchr(name, '.', count);
	size_t before = dot == NULL ? count : (size_t)(dot - name);
	const struct form *form = find_form(name, before);

	*decode = NULL;
	if (dot == NULL || form == NULL)
		return form;
	*decode = find_suffix(dot, count - before);
	return *decode != NULL ? form : NULL;
}

/* A digest alone shows by its length how it is written, as in Dovecot. */
static decoder *guess(const struct form *form, const char *stored)
{
	size_t bytes = gnutls_hash_get_len(form->digest);

	if (form->is_salted)
		return form->decode;
	return strlen(stored) == 2 * bytes ? gnutls_hex_decode2 :
		gnutls_base64_decode2;
}

static bool decode_text(decoder *decode, const char *stored,
	gnutls_datum_t *octets)
{
	const gnutls_datum_t text = { (unsigned char *)(uintptr_t)stored,
		(unsigned)strlen(stored) };

	*octets = (gnutls_datum_t){ NULL, 0 };
	return decode(&text, octets) >= 0;
}

static void wipe(gnutls_datum_t *octets)
{
	if (octets->data != NULL)
		gnutls_memset(octets->data, 0, octets->size);
	gnutls_free(octets->data);
}

/* The digest of the password and the salt behind it. */
static bool make_digest(gnutls_digest_algorithm_t algorithm,
	const char *password, const uint8_t *salt, size_t salt_bytes,
	uint8_t *digest)
{
	gnutls_hash_hd_t hash;
	int status = gnutls_hash_init(&hash, algorithm);

	if (status < 0)
		return false;
	status = gnutls_hash(hash, password, strlen(password));
	if (status >= 0 && salt_bytes > 0)
		status = gnutls_hash(hash, salt, salt_bytes);
	gnutls_hash_deinit(hash, digest);
	return status >= 0;
}

static enum scheme_result compare(const uint8_t *a, const uint8_t *b,
	size_t count)
{
	return gnutls_memcmp(a, b, count) == 0 ? SCHEME_MATCH :
		SCHEME_DIFFERENT;
}

static enum scheme_result check_octets(const struct form *form,
	const gnutls_datum_t *stored, const char *password)
{
	size_t bytes = gnutls_hash_get_len(form->digest);
	uint8_t digest[MOST_DIGEST_BYTES];
	enum scheme_result result = SCHEME_UNSUPPORTED;

	if (form->is_salted ? stored->size <= bytes : stored->size != bytes)
		return result;
	if (make_digest(form->digest, password, stored->data + bytes,
			stored->size - bytes, digest))
		result = compare(digest, stored->data, bytes);
	explicit_bzero(digest, sizeof(digest));
	return result;
}

static enum scheme_result derive_pbkdf2(const char *salt, size_t salt_bytes,
	unsigned rounds, const uint8_t *stored, const char *password)
{
	const gnutls_datum_t key = { (unsigned char *)(uintptr_t)password,
		(unsigned)strlen(password) };
	const gnutls_datum_t with = { (unsigned char *)(uintptr_t)salt,
		(unsigned)salt_bytes };
	uint8_t derived[PBKDF2_BYTES];
	enum scheme_result result = SCHEME_UNSUPPORTED;

	if (gnutls_pbkdf2(GNUTLS_MAC_SHA1, &key, &with, rounds, derived,
			sizeof(derived)) >= 0)
		result = compare(derived, stored, sizeof(derived));
	explicit_bzero(derived, sizeof(derived));
	return result;
}

/* Read the rounds at 'text', up to the '$'.  0: they are none. */
static unsigned take_rounds(const char *text, const char **behind)
{
	char *end;
	unsigned long rounds;

	if (*text < '1' || *text > '9')
		return 0;
	rounds = strtoul(text, &end, 10);
	*behind = end + 1;
	return *end == '$' && rounds <= HASH_MOST_ROUNDS ? (unsigned)rounds : 0;
}

bool hash_is_known(const char *name, size_t count)
{
	decoder *decode;

	return take_name(name, count, &decode) != NULL;
}

enum scheme_result hash_check(const char *name, size_t count,
	const char *stored, const char *password)
{
	decoder *decode;
	const struct form *form = take_name(name, count, &decode);
	gnutls_datum_t octets;
	enum scheme_result result;

	if (decode == NULL)
		decode = guess(form, stored);
	if (!decode_text(decode, stored, &octets))
		return SCHEME_UNSUPPORTED;
	result = check_octets(form, &octets, password);
	wipe(&octets);
	return result;
}

enum scheme_result hash_check_pbkdf2(const char *stored,
	const char *password)
{
	const char *salt = stored + 3, *end, *hash = NULL;
	gnutls_datum_t octets;
	enum scheme_result result = SCHEME_UNSUPPORTED;
	unsigned rounds;

	if (strncmp(stored, "$1$", 3) != 0)
		return result;
	end = strchr(salt, '$');
	rounds = end == NULL ? 0 : take_rounds(end + 1, &hash);
	if (rounds == 0 || !decode_text(gnutls_hex_decode2, hash, &octets))
		return result;
	if (octets.size == PBKDF2_BYTES)
		result = derive_pbkdf2(salt, (size_t)(end - salt), rounds,
			octets.data, password);
	wipe(&octets);
	return result;
}
