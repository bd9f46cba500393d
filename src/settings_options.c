/*
 * settings_options.c - the table of all settings
 *
 * Owns: names and defaults of the settings, and the checks that need one value
 * only.  Runs in: the master, or a child of it that tries a new file.
 * Distrusts: nobody, but expects every mistake.
 */
#include "config.h"

#include "settings_options.h"

#include <string.h>

#include "settings.h"
#include "settings_value.h"

/* Our own flag in cfg_opt_t: the file has given this setting. */
#define OPTION_GIVEN (1 << 30)

static int check_string(cfg_t *section, const char *name, const char *text)
{
	if (strchr(text, '\n') != NULL) {
		for (const char *octet = text; *octet != '\0'; octet++)
			section->line -= *octet == '\n';
		cfg_error(section, "the value of %s does not end on its line: "
			"a closing quote is missing", name);
		return -1;
	}
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			cfg_error(section, "the value of %s has a control "
				"character (write printable ones)", name);
			return -1;
		}
	}
	return 0;
}

static int check_given_once(cfg_t *section, cfg_opt_t *opt)
{
	if ((opt->flags & OPTION_GIVEN) != 0) {
		cfg_error(section, "%s is given twice (keep one)", opt->name);
		return -1;
	}
	opt->flags |= OPTION_GIVEN;
	return 0;
}

/* Where a value is missing before the end, our own word stands in its place. */
static int check_present(cfg_t *section, const char *text)
{
	if (strcmp(text, OPTIONS_END_WORD) != 0)
		return 0;
	cfg_error(section, "'" OPTIONS_END_WORD "'");
	return -1;
}

static int take_value(cfg_t *section, cfg_opt_t *opt, const char *text,
	void *result)
{
	char why[VALUE_WHY_BYTES];
	long value;

	if (check_present(section, text) != 0 ||
		check_string(section, opt->name, text) != 0 ||
		check_given_once(section, opt) != 0)
		return -1;
	if (!value_parse(opt->name, text, &value, why)) {
		cfg_error(section, "%s", why);
		return -1;
	}
	*(long *)result = value;
	return 0;
}

static int take_string(cfg_t *section, cfg_opt_t *opt, const char *text,
	void *result)
{
	if (check_present(section, text) != 0 ||
		check_string(section, opt->name, text) != 0 ||
		check_given_once(section, opt) != 0)
		return -1;
	*(const char **)result = text;
	return 0;
}

/* An account of ours: we lay down our rights by becoming it. */
static int take_account(cfg_t *section, cfg_opt_t *opt, const char *text,
	void *result)
{
	if (take_string(section, opt, text, result) != 0)
		return -1;
	if (*text != '\0' && strcmp(text, "root") != 0 &&
		strcmp(text, "0") != 0)
		return 0;
	cfg_error(section, "%s = \"%s\" would keep all rights (write the name "
		"of an account that has none)", opt->name, text);
	return -1;
}

/* Called for every value; libconfuse has made room for it already. */
static int take_list_value(cfg_t *section, cfg_opt_t *opt, const char *text,
	void *result)
{
	if (check_present(section, text) != 0 ||
		check_string(section, opt->name, text) != 0 ||
		(opt->nvalues == 1 && check_given_once(section, opt) != 0))
		return -1;
	opt->flags |= OPTION_GIVEN;
	*(const char **)result = text;
	return 0;
}

#define STRING(name, value) CFG_STR_CB(name, value, CFGF_NONE, take_string)
#define ACCOUNT(name, value) CFG_STR_CB(name, value, CFGF_NONE, take_account)
#define STRINGS(name) CFG_STR_LIST_CB(name, NULL, CFGF_NONE, take_list_value)
#define VALUE(name, value) CFG_INT_CB(name, value, CFGF_NONE, take_value)
#define SECTION(title, options) { .name = title, .type = CFGT_SEC, \
	.subopts = options }
#define SECTIONS(title, options) { .name = title, .type = CFGT_SEC, \
	.subopts = options, \
	.flags = CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES }

static cfg_opt_t host_options[] = {
	STRINGS("certificate"),
	STRINGS("key"),
	STRINGS("ocsp"),
	CFG_END()
};

/* What a listener may have of its own, too. */
#define TLS_OPTIONS \
	STRINGS("certificate"), \
	STRINGS("key"), \
	STRINGS("ocsp"), \
	VALUE("min-version", TLS_VERSION_1_2), \
	VALUE("alpn", ALPN_OFFERED), \
	STRING("priority", ""), \
	STRING("client-ca", ""), \
	STRING("client-crl", ""), \
	VALUE("client-certificate", CLIENT_OPTIONAL), \
	SECTIONS("host", host_options)

static cfg_opt_t own_tls_options[] = { TLS_OPTIONS, CFG_END() };

static cfg_opt_t tls_options[] = {
	TLS_OPTIONS,
	VALUE("ticket-lifetime", 86400),
	CFG_END()
};

static cfg_opt_t listen_options[] = {
	STRINGS("address"),
	VALUE("port", 0),
	VALUE("tls", TLS_STARTTLS),
	STRINGS("proxies"),
	VALUE("proxy-tls", PROXY_TLS_HEADER),
	SECTION("tls-options", own_tls_options),
	CFG_END()
};

static cfg_opt_t backend_options[] = {
	VALUE("type", 0),
	STRING("path", ""),
	STRING("userdb", ""),
	STRINGS("command"),
	VALUE("timeout", 30),
	STRING("uid", ""),
	STRING("gid", ""),
	STRING("home", ""),
	CFG_END()
};

static cfg_opt_t auth_options[] = {
	VALUE("cleartext", CLEARTEXT_TLS_ONLY),
	VALUE("failure-delay", 2000),
	VALUE("attempts", 3),
	VALUE("concurrent-checks", 2),
	STRINGS("mechanisms"),
	STRINGS("trusted"),
	SECTIONS("backend", backend_options),
	CFG_END()
};

static cfg_opt_t mailbox_options[] = {
	STRING("path", "~/Maildir"),
	STRING("folder-separator", ""),
	VALUE("import", UIDLS_AUTO),
	STRING("uidl-format", "%08Xu%08Xv"),
	VALUE("mark-seen", false),
	VALUE("delete", DELETE_UNLINK),
	VALUE("trash-days", 30),
	VALUE("expire", 0),
	VALUE("expire-retrieved", 0),
	VALUE("quota", QUOTA_AUTO),
	VALUE("takeover-after", 120),
	CFG_END()
};

static cfg_opt_t pool_options[] = {
	VALUE("spare", 4),
	VALUE("max", 256),
	VALUE("sessions-per-worker", 1),
	CFG_END()
};

static cfg_opt_t limits_options[] = {
	VALUE("idle-timeout", 600),
	VALUE("login-timeout", 60),
	VALUE("tls-timeout", 15),
	VALUE("per-address", 10),
	CFG_END()
};

/* What is not given has the value of auth or limits. */
static cfg_opt_t policy_options[] = {
	STRINGS("match"),
	VALUE("cleartext", 0),
	VALUE("failure-delay", 0),
	VALUE("attempts", 0),
	VALUE("idle-timeout", 0),
	VALUE("login-timeout", 0),
	VALUE("tls-timeout", 0),
	VALUE("per-address", 0),
	VALUE("legacy-tls", false),
	CFG_END()
};

static cfg_opt_t control_options[] = {
	STRING("path", SETTINGS_CONTROL_PATH),
	STRING("group", ""),
	CFG_END()
};

static cfg_opt_t log_options[] = {
	VALUE("target", LOG_TARGET_AUTO),
	VALUE("level", LOG_LEVEL_INFO),
	CFG_END()
};

static cfg_opt_t root_options[] = {
	ACCOUNT("user", "postern"),
	ACCOUNT("signer-user", "postern-signer"),
	VALUE("sandbox", SANDBOX_AUTO),
	SECTIONS("listen", listen_options),
	SECTION("tls", tls_options),
	SECTION("auth", auth_options),
	SECTION("mailbox", mailbox_options),
	SECTION("pool", pool_options),
	SECTION("limits", limits_options),
	SECTIONS("policy", policy_options),
	SECTION("control", control_options),
	SECTION("log", log_options),
	CFG_FUNC("include", NULL),
	CFG_FUNC(OPTIONS_END_WORD, NULL),
	CFG_END()
};

static void set_section_hooks(cfg_opt_t *options,
	cfg_validate_callback_t end_section)
{
	for (cfg_opt_t *opt = options; opt->name != NULL; opt++) {
		if (opt->type != CFGT_SEC)
			continue;
		opt->validcb = end_section;
		set_section_hooks(opt->subopts, end_section);
	}
}

static void set_function(const char *name, cfg_func_t function)
{
	for (cfg_opt_t *opt = root_options; opt->name != NULL; opt++)
		if (strcmp(opt->name, name) == 0)
			opt->func = function;
}

cfg_opt_t *options_table(const struct options_hooks *hooks)
{
	set_section_hooks(root_options, hooks->end_section);
	set_function("include", hooks->include);
	set_function(OPTIONS_END_WORD, hooks->end_file);
	return root_options;
}

bool options_gives(cfg_t *section, const char *name)
{
	return (cfg_getopt(section, name)->flags & OPTION_GIVEN) != 0;
}

int options_check_title(cfg_t *section)
{
	if (section->title == NULL)
		return 0;
	if (*section->title != '\0')
		return check_string(section, section->name, section->title);
	cfg_error(section, "%s has an empty title (write: %s \"name\" "
		"{ ... })", section->name, section->name);
	return -1;
}
