/*
 * auth_file.c - back end: a Dovecot-style passwd-file
 *
 * Owns: which line decides about an attempt, and whom it makes of the user.
 * Runs in: a keeper.  Distrusts: name and password.
 *
 * An attempt for a name that is not in the file reads the whole file and checks
 * one stored password as well, so that the time tells nothing.
 */
#include "config.h"

#include "auth_file.h"

#include <stdint.h>
#include <string.h>

#include "auth_identity.h"
#include "auth_name.h"
#include "auth_normal.h"
#include "auth_rules.h"
#include "auth_scheme.h"
#include "log.h"
#include "passwd_file.h"

/* What one pass over the file finds. */
struct search {
	const char *name;
	bool is_known, has_decoy;
	struct passwd_entry user;
	struct passwd_entry decoy;	/* somebody else's, checked instead */
	uint64_t decoy_rank;
};

/* Spread name and line: every name has its own decoy, always the same one. */
static uint64_t rank_line(const char *name, unsigned line)
{
	uint64_t hash = 14695981039346656037u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 1099511628211u;
	hash = (hash ^ line) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static void consider_decoy(struct search *search,
	const struct passwd_entry *entry)
{
	uint64_t rank = rank_line(search->name, entry->line);

	if (scheme_kind(entry->fields[PASSWD_HASH]) != SCHEME_MATCH)
		return;
	if (search->has_decoy && rank >= search->decoy_rank)
		return;
	search->has_decoy = true;
	search->decoy = *entry;
	search->decoy_rank = rank;
}

/* Read to the end in any case: the user's place in the file costs nothing. */
static void search_file(struct passwd_file *file, struct search *search)
{
	struct passwd_entry entry;

	while (passwd_file_next(file, &entry)) {
		consider_decoy(search, &entry);
		if (!auth_normal_is_of(entry.fields[PASSWD_USER],
			search->name))
			continue;
		if (search->is_known) {
			log_warning("%s:%u: ignored: line %u has this user "
				"already", file->path, entry.line,
				search->user.line);
			continue;
		}
		search->is_known = true;
		search->user = entry;
	}
}

static void check_decoy(const struct search *search, const char *password)
{
	if (search->has_decoy)
		scheme_check(search->decoy.fields[PASSWD_HASH], password);
	else
		scheme_pretend(password);
}

static enum auth_result log_unsupported(const char *path,
	const struct passwd_entry *entry)
{
	const char *stored = entry->fields[PASSWD_HASH];
	const char *end = *stored == '{' ? strchr(stored, '}') : NULL;

	log_error("%s:%u: %s%.*s %s", path, entry->line,
		end == NULL ? "it" : "scheme ",
		end == NULL ? 0 : (int)(end - stored) + 1, stored,
		scheme_fault(stored));
	return AUTH_STUCK;
}

static enum auth_result check_password(const char *path,
	const struct search *search,
	const char *password)
{
	switch (scheme_check(search->user.fields[PASSWD_HASH], password)) {
	case SCHEME_MATCH:
		return AUTH_GRANTED;
	case SCHEME_UNSUPPORTED:
		check_decoy(search, password);
		return log_unsupported(path, &search->user);
	case SCHEME_LOCKED:
		check_decoy(search, password);
		return AUTH_DENIED;
	case SCHEME_DIFFERENT:
		break;
	}
	return AUTH_DENIED;
}

/* The file's form of the name is that of the directories. */
static const char *find_name(const struct passwd_entry *entry,
	struct auth_identity *identity)
{
	const char *name = entry->fields[PASSWD_USER];

	if (!auth_name_is_usable(name))
		return "its name is too long";
	memcpy(identity->name, name, strlen(name) + 1);
	return NULL;
}

static enum auth_result decide(const struct backend_settings *backend,
	const struct search *search, const struct auth_attempt *attempt,
	struct auth_identity *identity)
{
	enum auth_result result;

	if (!search->is_known) {
		check_decoy(search, attempt->password);
		return AUTH_UNKNOWN;
	}
	result = check_password(backend->path, search, attempt->password);
	if (result == AUTH_GRANTED)
		result = auth_file_identify(backend, &search->user, attempt,
			identity);
	return result;
}

enum auth_result auth_file_identify(const struct backend_settings *backend,
	const struct passwd_entry *entry, const struct auth_attempt *attempt,
	struct auth_identity *identity)
{
	const struct auth_words words = {
		entry->fields[PASSWD_UID], entry->fields[PASSWD_GID],
		entry->fields[PASSWD_HOME],
	};
	const char *wrong = find_name(entry, identity);

	if (wrong == NULL)
		wrong = auth_identity_find(backend, &words, identity);
	if (wrong == NULL)
		return rules_apply(backend->path, entry, attempt, identity);
	log_error("%s:%u: user cannot log in: %s", backend->path, entry->line,
		wrong);
	return AUTH_PERMANENT;
}

enum auth_result auth_file_check(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	struct search search = { .name = attempt->name };
	struct passwd_file file;
	enum auth_result result;

	if (!passwd_file_open(&file, backend->path))
		return AUTH_TEMPORARY;
	search_file(&file, &search);
	result = decide(backend, &search, attempt, identity);
	passwd_file_close(&file);
	return result;
}

bool auth_file_has_cleartext(const struct backend_settings *backend)
{
	struct passwd_file file;
	struct passwd_entry entry;
	bool has_any = false;

	if (!passwd_file_open(&file, backend->path))
		return false;
	while (!has_any && passwd_file_next(&file, &entry))
		has_any = rules_may_cleartext(&entry);
	passwd_file_close(&file);
	return has_any;
}
