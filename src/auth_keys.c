/*
 * auth_keys.c - who is who in a passwd-file, and by which SCRAM keys
 *
 * Runs in: a keeper.  Distrusts: the name.
 */
#include "config.h"

#include "auth_keys.h"

#include <string.h>
#include <strings.h>

#include "auth_file.h"
#include "auth_normal.h"
#include "auth_salt.h"
#include "auth_scheme.h"
#include "passwd_file.h"

static const struct form {
	const char *field, *scheme;
} forms[] = {
	[SCRAM_SHA_1] = { "scram-sha-1", "{SCRAM-SHA-1}" },
	[SCRAM_SHA_256] = { "scram-sha-256", "{SCRAM-SHA-256}" },
};

static const char *const plain_schemes[] = {
	"{PLAIN}", "{CLEAR}", "{CLEARTEXT}" };

/* What is behind 'scheme' in 'hash', or NULL if it is another. */
static const char *behind(const char *hash, const char *scheme)
{
	size_t count = strlen(scheme);

	return strncasecmp(hash, scheme, count) == 0 ? hash + count : NULL;
}

static bool is_locked(const struct passwd_entry *entry)
{
	return scheme_kind(entry->fields[PASSWD_HASH]) == SCHEME_LOCKED;
}

/* Keys that are stored as such. */
static bool take_stored(const struct passwd_entry *entry,
	enum scram_digest digest, struct scram_keys *keys)
{
	const char *field = passwd_entry_extra(entry, forms[digest].field);
	const char *hash = behind(entry->fields[PASSWD_HASH],
		forms[digest].scheme);

	if (is_locked(entry))
		return false;
	if (hash != NULL && scram_parse(digest, hash, keys))
		return true;
	return field != NULL && *field == '=' &&
		scram_parse(digest, field + 1, keys);
}

static const char *find_plain(const struct passwd_entry *entry)
{
	const char *password = NULL;

	for (size_t i = 0; password == NULL && i <
			sizeof(plain_schemes) / sizeof(plain_schemes[0]); i++)
		password = behind(entry->fields[PASSWD_HASH],
			plain_schemes[i]);
	return password != NULL && *password != '\0' ? password : NULL;
}

/* Keys of a password: the same work whether it is anybody's. */
static bool derive(const char *name, const char *password,
	enum scram_digest digest, struct scram_keys *keys)
{
	char normal[AUTH_PASSWORD_OCTETS + 1];
	bool is_done = auth_normal_write(password, normal, sizeof(normal));

	salt_of(name, keys);
	keys->iterations = SCRAM_ITERATIONS;
	if (is_done)
		is_done = scram_derive(digest, normal, keys) == 0;
	explicit_bzero(normal, sizeof(normal));
	return is_done;
}

/* What one pass over a file finds. */
struct search {
	const char *name;
	bool is_known, has_model, has_plain;
	struct passwd_entry user;
	struct scram_keys model;	/* somebody's stored keys */
};

static void search_file(struct passwd_file *file, enum scram_digest digest,
	struct search *search)
{
	struct passwd_entry entry;

	while (passwd_file_next(file, &entry)) {
		if (!search->has_model)
			search->has_model = take_stored(&entry, digest,
				&search->model);
		search->has_plain |= find_plain(&entry) != NULL;
		if (search->is_known || !auth_normal_is_of(
				entry.fields[PASSWD_USER], search->name))
			continue;
		search->is_known = true;
		search->user = entry;
	}
}

/* Keys that no password fits, and that look like those of the others. */
static enum auth_result make_up(const struct search *search,
	enum scram_digest digest, struct scram_keys *keys)
{
	if (search->has_plain)
		(void)derive(search->name, search->name, digest, keys);
	salt_of(search->name, keys);
	keys->iterations = search->has_model ? search->model.iterations :
		SCRAM_ITERATIONS;
	if (scram_make_up(keys) < 0)
		return AUTH_TEMPORARY;
	return search->is_known ? AUTH_DENIED : AUTH_UNKNOWN;
}

static enum auth_result find_keys(const struct search *search,
	const struct backend_settings *backend,
	const struct auth_attempt *attempt, enum scram_digest digest,
	struct scram_keys *keys, struct auth_identity *identity)
{
	const char *password = search->is_known ? find_plain(&search->user) :
		NULL;

	if (search->is_known && (take_stored(&search->user, digest, keys) ||
			(password != NULL && derive(search->name, password,
				digest, keys))))
		return auth_file_identify(backend, &search->user, attempt,
			identity);
	return make_up(search, digest, keys);
}

enum auth_result auth_file_find(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	struct passwd_file file;
	struct passwd_entry entry;
	enum auth_result result = AUTH_UNKNOWN;

	if (!passwd_file_open(&file, backend->path))
		return AUTH_TEMPORARY;
	while (result == AUTH_UNKNOWN && passwd_file_next(&file, &entry))
		if (auth_normal_is_of(entry.fields[PASSWD_USER],
				attempt->name))
			result = auth_file_identify(backend, &entry, attempt,
				identity);
	passwd_file_close(&file);
	return result;
}

enum auth_result auth_file_find_scram(const struct backend_settings *backend,
	const struct auth_attempt *attempt, enum scram_digest digest,
	struct scram_keys *keys, struct auth_identity *identity)
{
	struct search search = { .name = attempt->name };
	struct passwd_file file;
	enum auth_result result;

	if (!passwd_file_open(&file, backend->path))
		return AUTH_TEMPORARY;
	search_file(&file, digest, &search);
	result = find_keys(&search, backend, attempt, digest, keys, identity);
	passwd_file_close(&file);
	explicit_bzero(&search, sizeof(search));
	return result;
}

bool auth_file_has_scram(const struct backend_settings *backend,
	enum scram_digest digest)
{
	struct passwd_file file;
	struct passwd_entry entry;
	struct scram_keys keys;
	bool has_any = false, has_all = true;

	if (!passwd_file_open(&file, backend->path))
		return false;
	while (passwd_file_next(&file, &entry)) {
		bool has_keys = take_stored(&entry, digest, &keys) ||
			find_plain(&entry) != NULL;

		has_any |= has_keys;
		has_all &= has_keys || is_locked(&entry);
	}
	passwd_file_close(&file);
	explicit_bzero(&keys, sizeof(keys));
	return has_any && has_all;
}
