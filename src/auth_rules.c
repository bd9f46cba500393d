/*
 * auth_rules.c - what the extra fields of a user's line permit and change
 *
 * Owns: which fields count.  Runs in: a keeper.  Distrusts: nobody; they are
 * the administrator's, but a slip in one must not let anybody in.
 */
#include "config.h"

#include "auth_rules.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "auth_name.h"
#include "auth_nets.h"
#include "log.h"

#define DATE "YYYY-MM-DD"
#define DATE_BYTES (sizeof(DATE) - 1)

/* The only value of that field. */
#define CLEARTEXT "=always"

/* The value of one field of one line; its first 'count' octets are it. */
struct value {
	const char *octets;	/* from its '=' on, if it has one */
	size_t count;
};

struct verdict {
	enum auth_result result;
	const char *why;	/* not for AUTH_GRANTED */
};

static const struct verdict good = { AUTH_GRANTED, NULL };

/* Leave out the '='; what has none has an empty value. */
static struct value behind_sign(struct value value)
{
	if (value.count == 0)
		return value;
	return (struct value){ value.octets + 1, value.count - 1 };
}

static struct verdict judge_nets(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	(void)identity;
	value = behind_sign(value);
	switch (nets_find(value.octets, value.count, attempt->address)) {
	case NETS_HAVE:
		return good;
	case NETS_HAVE_NOT:
		return (struct verdict){ AUTH_REFUSED,
			"the client is in none of its allow-nets" };
	default:
		return (struct verdict){ AUTH_PERMANENT,
			"its allow-nets has something that is no network" };
	}
}

static struct verdict judge_nologin(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	(void)value;
	(void)attempt;
	(void)identity;
	return (struct verdict){ AUTH_REFUSED, "it has nologin" };
}

static bool is_date(struct value value)
{
	if (value.count != DATE_BYTES)
		return false;
	for (size_t i = 0; i < DATE_BYTES; i++)
		if (DATE[i] == '-' ? value.octets[i] != '-' :
				value.octets[i] < '0' || value.octets[i] > '9')
			return false;
	return memcmp(value.octets + 5, "01", 2) >= 0 &&
		memcmp(value.octets + 5, "12", 2) <= 0 &&
		memcmp(value.octets + 8, "01", 2) >= 0 &&
		memcmp(value.octets + 8, "31", 2) <= 0;
}

/* As text, dates of such a form are in their order. */
static struct verdict judge_date(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	time_t now = time(NULL);
	char today[DATE_BYTES + 1];
	struct tm utc;

	(void)attempt;
	(void)identity;
	value = behind_sign(value);
	if (!is_date(value))
		return (struct verdict){ AUTH_PERMANENT,
			"its valid-until is not of the form " DATE };
	if (gmtime_r(&now, &utc) == NULL ||
			strftime(today, sizeof(today), "%Y-%m-%d", &utc) == 0)
		return (struct verdict){ AUTH_PERMANENT,
			"nobody knows what day it is" };
	if (memcmp(today, value.octets, DATE_BYTES) > 0)
		return (struct verdict){ AUTH_REFUSED,
			"its valid-until is over" };
	return good;
}

static struct verdict take_maildir(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	char pattern[AUTH_PATH_BYTES] = "";

	(void)attempt;
	value = behind_sign(value);
	if (value.count < sizeof(pattern))
		memcpy(pattern, value.octets, value.count);
	if (*pattern != '/' && *pattern != '%' &&
			strncmp(pattern, "~/", 2) != 0)
		return (struct verdict){ AUTH_PERMANENT,
			"its maildir does not begin with / or ~/" };
	if (auth_name_expand(pattern, identity->name, identity->home,
			identity->maildir) < 0 || identity->maildir[0] != '/')
		return (struct verdict){ AUTH_PERMANENT,
			"its maildir is too long, or needs a home or domain "
			"that it has not" };
	return good;
}

static struct verdict take_folder(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	(void)attempt;
	value = behind_sign(value);
	if (!auth_name_is_folder(value.octets, value.count))
		return (struct verdict){ AUTH_PERMANENT,
			"its folder can't be the name of one" };
	memcpy(identity->folder, value.octets, value.count);
	identity->folder[value.count] = '\0';
	return good;
}

/* Whatever value it has but "no": a slip must not let anybody remove mail. */
static struct verdict take_read_only(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	(void)attempt;
	identity->is_read_only |= value.count != 3 ||
		memcmp(value.octets, "=no", 3) != 0;
	return good;
}

/* It permits; what it permits is judged when all fields were. */
static struct verdict judge_cleartext(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	(void)attempt;
	(void)identity;
	if (value.count == strlen(CLEARTEXT) &&
			memcmp(value.octets, CLEARTEXT, value.count) == 0)
		return good;
	return (struct verdict){ AUTH_PERMANENT,
		"its cleartext is not \"always\"" };
}

/* Dovecot would keep these; we can't, so we refuse all. */
static struct verdict refuse_field(struct value value,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	(void)value;
	(void)attempt;
	(void)identity;
	return (struct verdict){ AUTH_PERMANENT, "its extra fields restrict "
		"logins in a way that is not supported" };
}

static const struct rule {
	const char *field;
	struct verdict (*judge)(struct value value,
		const struct auth_attempt *attempt,
		struct auth_identity *identity);
} rules[] = {
	{ "allow-nets", judge_nets },
	{ "allow-real-nets", refuse_field },
	{ "cleartext", judge_cleartext },
	{ "folder", take_folder },
	{ "maildir", take_maildir },
	{ "nologin", judge_nologin },
	{ "nopassword", refuse_field },
	{ "readonly", take_read_only },
	{ "valid-until", judge_date },
};

static struct verdict judge_field(const char *field,
	const struct auth_attempt *attempt, struct auth_identity *identity)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const char *value = passwd_extra_value(field, rules[i].field);

		if (value != NULL)
			return rules[i].judge((struct value){ value,
				strcspn(value, " ") }, attempt, identity);
	}
	return good;
}

/* All fields count, even if one is there twice. */
enum auth_result rules_apply(const char *path,
	const struct passwd_entry *entry, const struct auth_attempt *attempt,
	struct auth_identity *identity)
{
	struct verdict verdict = good;

	for (const char *field = entry->fields[PASSWD_EXTRA];
			verdict.result == AUTH_GRANTED && *field != '\0';
			field = passwd_extra_next(field))
		verdict = judge_field(field, attempt, identity);
	if (verdict.result == AUTH_GRANTED && attempt->is_exposed &&
			!rules_may_cleartext(entry))
		verdict = (struct verdict){ AUTH_REFUSED, "auth.cleartext "
			"forbids how its password came, and it has no "
			"cleartext=always" };
	if (verdict.result == AUTH_REFUSED)
		log_warning("%s:%u: user cannot log in: %s", path,
			entry->line, verdict.why);
	else if (verdict.result != AUTH_GRANTED)
		log_error("%s:%u: user cannot log in: %s", path, entry->line,
			verdict.why);
	return verdict.result;
}

bool rules_may_cleartext(const struct passwd_entry *entry)
{
	const char *value = passwd_entry_extra(entry, "cleartext");

	return value != NULL && strcspn(value, " ") == strlen(CLEARTEXT) &&
		strncmp(value, CLEARTEXT, strlen(CLEARTEXT)) == 0;
}
