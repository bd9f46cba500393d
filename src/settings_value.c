/*
 * settings_value.c - numbers, durations and words of the configuration file
 *
 * Owns: the bounds of every number.  Runs in: the master, before it forks.
 * Distrusts: nobody; the administrator errs, but does not attack.
 */
#include "config.h"

#include "settings_value.h"

#include <stdint.h>
#include <string.h>

#include "settings.h"

enum kind { COUNT, DAYS, SECONDS, MILLISECONDS, WORD };

#define WORDS_MAX 7

static const struct setting {
	const char *name;
	enum kind kind;
	long lo, hi;			/* in the unit of 'kind' */
	const char *words[WORDS_MAX + 1];
} settings[] = {
	{ "port", COUNT, 0, 65535, { 0 } },
	{ "attempts", COUNT, 1, 100, { 0 } },
	{ "concurrent-checks", COUNT, 1, 64, { 0 } },
	{ "spare", COUNT, 1, 1024, { 0 } },
	{ "max", COUNT, 1, 16384, { 0 } },
	{ "sessions-per-worker", COUNT, 1, 100000, { 0 } },
	{ "per-address", COUNT, 0, 16384, { 0 } },
	{ "idle-timeout", SECONDS, 0, 86400, { 0 } },
	{ "login-timeout", SECONDS, 0, 3600, { 0 } },
	{ "tls-timeout", SECONDS, 0, 600, { 0 } },
	{ "timeout", SECONDS, 1, 600, { 0 } },
	{ "takeover-after", SECONDS, 0, 86400, { 0 } },
	{ "expire", DAYS, 0, 3650, { 0 } },
	{ "expire-retrieved", DAYS, 0, 3650, { 0 } },
	{ "trash-days", COUNT, 1, 3650, { 0 } },
	{ "failure-delay", MILLISECONDS, 0, 30000, { 0 } },
	{ "tls", WORD, TLS_NONE, TLS_IMPLICIT, {
		[TLS_NONE] = "none", [TLS_STARTTLS] = "starttls",
		[TLS_IMPLICIT] = "implicit" } },
	{ "proxy-tls", WORD, PROXY_TLS_HEADER, PROXY_TLS_ALWAYS, {
		[PROXY_TLS_HEADER] = "header",
		[PROXY_TLS_ALWAYS] = "always" } },
	{ "ticket-lifetime", SECONDS, 1, 604800, { 0 } },
	{ "min-version", WORD, TLS_VERSION_1_0, TLS_VERSION_1_3, {
		[TLS_VERSION_1_0] = "1.0", [TLS_VERSION_1_1] = "1.1",
		[TLS_VERSION_1_2] = "1.2", [TLS_VERSION_1_3] = "1.3" } },
	{ "alpn", WORD, ALPN_OFFERED, ALPN_STRICT, {
		[ALPN_OFFERED] = "offered", [ALPN_STRICT] = "strict" } },
	{ "client-certificate", WORD, CLIENT_OPTIONAL, CLIENT_REQUIRED, {
		[CLIENT_OPTIONAL] = "optional",
		[CLIENT_REQUIRED] = "required" } },
	{ "cleartext", WORD, CLEARTEXT_NEVER, CLEARTEXT_ALWAYS, {
		[CLEARTEXT_NEVER] = "never", [CLEARTEXT_TLS_ONLY] = "tls-only",
		[CLEARTEXT_ALWAYS] = "always" } },
	{ "type", WORD, BACKEND_PASSWD_FILE, BACKEND_DOVECOT, {
		[BACKEND_PASSWD_FILE] = "passwd-file",
		[BACKEND_PROGRAM] = "program", [BACKEND_TOKEN] = "token",
		[BACKEND_DOVECOT] = "dovecot" } },
	{ "import", WORD, UIDLS_AUTO, UIDLS_POPA3D, {
		[UIDLS_AUTO] = "auto", [UIDLS_NONE] = "none",
		[UIDLS_DOVECOT] = "dovecot", [UIDLS_COURIER] = "courier",
		[UIDLS_QMAIL] = "qmail-pop3d", [UIDLS_SOLID] = "solid-pop3d",
		[UIDLS_POPA3D] = "popa3d" } },
	{ "sandbox", WORD, SANDBOX_OFF, SANDBOX_REQUIRE, {
		[SANDBOX_OFF] = "off", [SANDBOX_AUTO] = "auto",
		[SANDBOX_REQUIRE] = "require" } },
	{ "legacy-tls", WORD, false, true, {
		[false] = "no", [true] = "yes" } },
	{ "mark-seen", WORD, false, true, {
		[false] = "no", [true] = "yes" } },
	{ "delete", WORD, DELETE_UNLINK, DELETE_TRASH, {
		[DELETE_UNLINK] = "unlink", [DELETE_TRASH] = "trash" } },
	{ "quota", WORD, QUOTA_AUTO, QUOTA_COURIER, {
		[QUOTA_AUTO] = "auto", [QUOTA_DOVECOT] = "dovecot",
		[QUOTA_COURIER] = "courier" } },
	{ "target", WORD, LOG_TARGET_AUTO, LOG_TARGET_JOURNAL, {
		[LOG_TARGET_AUTO] = "auto", [LOG_TARGET_SYSLOG] = "syslog",
		[LOG_TARGET_STDERR] = "stderr",
		[LOG_TARGET_JOURNAL] = "journal" } },
	{ "level", WORD, LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG, {
		[LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARNING] = "warning",
		[LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug" } },
};

/* From the largest to the smallest, as value_print() tries them. */
static const struct unit {
	const char *name;
	long milliseconds;
} units[] = {
	{ "d", 86400000 }, { "h", 3600000 }, { "min", 60000 }, { "s", 1000 },
	{ "ms", 1 },
};

/* What durations are counted in; smaller units are refused. */
static const struct measure {
	long milliseconds;
	const char *noun, *examples;
} measures[] = {
	[DAYS] = { 86400000, "number of days", "30d, or 0 for never" },
	[SECONDS] = { 1000, "duration", "30s, 10min, 6h or 2d" },
	[MILLISECONDS] = { 1, "duration", "500ms, 30s, 10min, 6h or 2d" },
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct setting *find_setting(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(settings); i++)
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	bug("a setting that the table of values does not know");
}

static const struct unit *find_unit(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(units); i++)
		if (strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/*
 * Read decimal digits at the start of 'text', up to INT32_MAX, where numbers
 * too large stop; nothing in the table is as large.  Returns what follows.
 */
static const char *read_digits(const char *text, int64_t *number)
{
	for (*number = 0; *text >= '0' && *text <= '9'; text++)
		if (*number < INT32_MAX)
			*number = *number * 10 + (*text - '0');
	if (*number > INT32_MAX)
		*number = INT32_MAX;
	return text;
}

static void print_duration(const struct setting *setting, long value, FILE *out)
{
	int64_t milliseconds = (int64_t)value *
		measures[setting->kind].milliseconds;
	const struct unit *unit = units;

	if (milliseconds == 0 && setting->kind != DAYS)
		unit = find_unit("s");
	while (milliseconds % unit->milliseconds != 0)
		unit++;
	fprintf(out, "%lld%s", (long long)(milliseconds / unit->milliseconds),
		unit->name);
}

static void print_number(const struct setting *setting, long value, FILE *out)
{
	if (setting->kind == COUNT)
		fprintf(out, "%ld", value);
	else
		print_duration(setting, value, out);
}

static bool check_range(const struct setting *setting, const char *text,
	int64_t number,
	char why[VALUE_WHY_BYTES])
{
	FILE *out;

	if (number >= setting->lo && number <= setting->hi)
		return true;
	out = fmemopen(why, VALUE_WHY_BYTES, "w");
	if (out == NULL)
		bug("no memory for a message");
	fprintf(out, "%s = %.40s is out of range (", setting->name, text);
	print_number(setting, setting->lo, out);
	fprintf(out, " to ");
	print_number(setting, setting->hi, out);
	fprintf(out, ")");
	fclose(out);
	return false;
}

static bool parse_count(const struct setting *setting, const char *text,
	long *value,
	char why[VALUE_WHY_BYTES])
{
	int64_t number;
	const char *rest = read_digits(text, &number);

	if (rest == text || *rest != '\0') {
		snprintf(why, VALUE_WHY_BYTES, "'%.40s' is no number for %s "
			"(write digits, such as %ld)", text, setting->name,
			setting->hi);
		return false;
	}
	*value = (long)number;
	return check_range(setting, text, number, why);
}

/* A duration is digits and a unit; 0 needs none. */
static bool parse_duration(const struct setting *setting, const char *text,
	long *value,
	char why[VALUE_WHY_BYTES])
{
	const struct measure *measure = &measures[setting->kind];
	int64_t number;
	const char *rest = read_digits(text, &number);
	const struct unit *unit = find_unit(rest);

	if (unit == NULL && number == 0 && *rest == '\0')
		unit = find_unit("d");
	if (rest == text || unit == NULL ||
			unit->milliseconds < measure->milliseconds) {
		snprintf(why, VALUE_WHY_BYTES, "'%.40s' is no %s for %s "
			"(write %s)", text, measure->noun, setting->name,
			measure->examples);
		return false;
	}
	number *= unit->milliseconds / measure->milliseconds;
	*value = number > setting->hi ? -1 : (long)number;
	return check_range(setting, text, number, why);
}

static void list_words(const struct setting *setting, const char *text,
	char why[VALUE_WHY_BYTES])
{
	size_t used = (size_t)snprintf(why, VALUE_WHY_BYTES,
		"'%.40s' is no value for %s (one of:", text, setting->name);

	for (long i = 0; setting->words[i] != NULL; i++)
		used += (size_t)snprintf(why + used, VALUE_WHY_BYTES - used,
			"%s %s", i == 0 ? "" : ",", setting->words[i]);
	snprintf(why + used, VALUE_WHY_BYTES - used, ")");
}

static bool parse_word(const struct setting *setting, const char *text,
	long *value,
	char why[VALUE_WHY_BYTES])
{
	for (long i = 0; setting->words[i] != NULL; i++) {
		if (strcmp(setting->words[i], text) == 0) {
			*value = i;
			return true;
		}
	}
	list_words(setting, text, why);
	return false;
}

bool value_parse(const char *name, const char *text, long *value,
	char why[VALUE_WHY_BYTES])
{
	static bool (*const parsers[])(const struct setting *, const char *,
		long *, char *) = {
		[COUNT] = parse_count,
		[DAYS] = parse_duration,
		[SECONDS] = parse_duration,
		[MILLISECONDS] = parse_duration,
		[WORD] = parse_word,
	};
	const struct setting *setting = find_setting(name);

	return parsers[setting->kind](setting, text, value, why);
}

void value_print(const char *name, long value, FILE *out)
{
	const struct setting *setting = find_setting(name);

	if (setting->kind == WORD)
		fprintf(out, "%s", setting->words[value]);
	else
		print_number(setting, value, out);
}

void value_quote(const char *text, FILE *out)
{
	putc('"', out);
	for (; *text != '\0'; text++) {
		if (strchr("\"\\$", *text) != NULL)
			putc('\\', out);
		putc(*text, out);
	}
	putc('"', out);
}
