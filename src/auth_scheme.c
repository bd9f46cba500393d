/*
 * auth_scheme.c - one stored password, "{SCHEME}hash" or a hash of crypt(3)
 *
 * Owns: the schemes we know.  Runs in: a keeper.
 * Distrusts: the password; the stored one is the administrator's.
 */
#include "config.h"

#include "auth_scheme.h"

#include <crypt.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth.h"
#include "auth_hash.h"
#include "auth_normal.h"
#include "auth_scram.h"

static enum scheme_result compare(const char *a, const char *b, size_t count)
{
	return gnutls_memcmp(a, b, count) == 0 ? SCHEME_MATCH :
		SCHEME_DIFFERENT;
}

/* Both are padded with NULs, so that not even the length shows in the time. */
static enum scheme_result check_plain(const char *stored, const char *password)
{
	char padded[2][AUTH_PASSWORD_OCTETS + 1] = { "", "" };
	enum scheme_result result = SCHEME_DIFFERENT;

	if (auth_normal_write(stored, padded[0], sizeof(padded[0])) &&
		strlen(password) <= AUTH_PASSWORD_OCTETS) {
		memcpy(padded[1], password, strlen(password));
		result = compare(padded[0], padded[1], sizeof(padded[0]));
	}
	explicit_bzero(padded, sizeof(padded));
	return result;
}

static enum scheme_result compare_crypted(const char *stored,
	const char *crypted)
{
	/* crypt_r() answers "*0" or "*1" where it does not know the kind. */
	if (crypted == NULL || *crypted == '*')
		return SCHEME_UNSUPPORTED;
	if (strlen(crypted) != strlen(stored))
		return SCHEME_DIFFERENT;
	return compare(crypted, stored, strlen(stored));
}

static enum scheme_result check_crypt(const char *stored, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	enum scheme_result result;

	if (data == NULL)
		return SCHEME_UNSUPPORTED;
	result = compare_crypted(stored, crypt_r(password, stored, data));
	explicit_bzero(data, sizeof(*data));
	free(data);
	return result;
}

static enum scheme_result check_scram(enum scram_digest digest,
	const char *stored, const char *password)
{
	struct scram_keys keys, derived;
	enum scheme_result result = SCHEME_UNSUPPORTED;

	if (scram_parse(digest, stored, &keys)) {
		derived = keys;
		if (scram_derive(digest, password, &derived) == 0)
			result = compare((const char *)keys.stored_key,
				(const char *)derived.stored_key,
				scram_digest_bytes(digest));
	}
	explicit_bzero(&derived, sizeof(derived));
	return result;
}

static enum scheme_result check_scram_sha_1(const char *stored,
	const char *password)
{
	return check_scram(SCRAM_SHA_1, stored, password);
}

static enum scheme_result check_scram_sha_256(const char *stored,
	const char *password)
{
	return check_scram(SCRAM_SHA_256, stored, password);
}

/* "*-CRYPT" stands for all names that end so: crypt(3) sees which it is. */
static const struct scheme {
	const char *name;
	enum scheme_result (*check)(const char *stored, const char *password);
} schemes[] = {
	{ "PLAIN", check_plain },
	{ "CLEAR", check_plain },
	{ "CLEARTEXT", check_plain },
	{ "CRYPT", check_crypt },
	{ "*-CRYPT", check_crypt },
	{ "SCRAM-SHA-1", check_scram_sha_1 },
	{ "SCRAM-SHA-256", check_scram_sha_256 },
	{ "PBKDF2", hash_check_pbkdf2 },
};

/* All schemes that are one digest: hash_check() needs the name to tell them. */
static const struct scheme digests = { "", NULL };

static bool is_scheme(const char *pattern, const char *name, size_t count)
{
	size_t tail = strlen(pattern) - 1;

	if (*pattern == '*')
		return count > tail && strncasecmp(pattern + 1,
			name + count - tail, tail) == 0;
	return count == tail + 1 && strncasecmp(pattern, name, count) == 0;
}

/* Find the scheme of 'stored', and the hash behind it.  NULL: not known. */
static const struct scheme *find_scheme(const char *stored, const char **hash)
{
	static const struct scheme without_name = { "", check_crypt };
	const char *end = strchr(stored, '}');

	*hash = stored;
	if (*stored != '{')
		return &without_name;
	if (end == NULL)
		return NULL;
	*hash = end + 1;
	if (hash_is_known(stored + 1, (size_t)(end - stored) - 1))
		return &digests;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (is_scheme(schemes[i].name, stored + 1,
			(size_t)(end - stored) - 1))
			return &schemes[i];
	return NULL;
}

enum scheme_result scheme_kind(const char *stored)
{
	const char *hash;
	const struct scheme *scheme = find_scheme(stored, &hash);

	if (scheme == NULL)
		return SCHEME_UNSUPPORTED;
	if (*hash == '\0')
		return SCHEME_LOCKED;
	if (scheme->check == check_crypt && strchr("!*", *hash) != NULL)
		return SCHEME_LOCKED;
	return SCHEME_MATCH;
}

enum scheme_result scheme_check(const char *stored, const char *password)
{
	enum scheme_result kind = scheme_kind(stored);
	const struct scheme *scheme;
	const char *hash;

	if (kind != SCHEME_MATCH)
		return kind;
	scheme = find_scheme(stored, &hash);
	if (scheme == &digests)
		return hash_check(stored + 1, (size_t)(hash - stored) - 2,
			hash, password);
	return scheme->check(hash, password);
}

const char *scheme_fault(const char *stored)
{
	const char *hash;
	const struct scheme *scheme = find_scheme(stored, &hash);

	if (scheme == NULL)
		return "is not supported here (postern.conf(5) lists those "
			"that are)";
	if (scheme->check == check_crypt)
		return "has a kind of hash that crypt(3) does not know";
	return "has a hash that is none of that scheme";
}

void scheme_pretend(const char *password)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	if (crypt_gensalt_rn(NULL, 0, NULL, 0, setting,
		sizeof(setting)) != NULL)
		check_crypt(setting, password);
}
