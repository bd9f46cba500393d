/*
 * settings_print.c - write settings as a configuration file
 *
 * Owns: the order and the layout of that file.  Runs in: the master, for
 * postern --print-config.  Distrusts: nobody.
 */
#include "config.h"

#include "settings.h"

#include "mechanism.h"
#include "settings_value.h"

static void print_string(const char *indent, const char *name,
	const char *text, FILE *out)
{
	fprintf(out, "%s%s = ", indent, name);
	value_quote(text, out);
	putc('\n', out);
}

static void print_value(const char *indent, const char *name, long value,
	FILE *out)
{
	fprintf(out, "%s%s = ", indent, name);
	value_print(name, value, out);
	putc('\n', out);
}

/* 'list' ends with NULL. */
static void print_list(const char *indent, const char *name, char *const *list,
	FILE *out)
{
	fprintf(out, "%s%s = {", indent, name);
	for (size_t i = 0; list[i] != NULL; i++) {
		fputs(i == 0 ? " " : ", ", out);
		value_quote(list[i], out);
	}
	fputs(" }\n", out);
}

static void print_opening(const char *indent, const char *name,
	const char *title,
	FILE *out)
{
	fprintf(out, "%s%s ", indent, name);
	value_quote(title, out);
	fputs(" {\n", out);
}

static const char *certificate_of(const struct pair_settings *pair)
{
	return pair->certificate;
}

static const char *key_of(const struct pair_settings *pair)
{
	return pair->key;
}

static const char *ocsp_of(const struct pair_settings *pair)
{
	return pair->ocsp;
}

/* The files of a host: a string for one, a list for several. */
static const struct file_kind {
	const char *name;
	const char *(*path_of)(const struct pair_settings *);
} file_kinds[] = {
	{ "certificate", certificate_of },
	{ "key", key_of },
	{ "ocsp", ocsp_of },
};

static void print_files(const struct file_kind *kind,
	const struct certificate_settings *certificate, FILE *out)
{
	size_t count = certificate->pair_count;

	fprintf(out, "%s =%s", kind->name, count > 1 ? " {" : "");
	for (size_t i = 0; i < count; i++) {
		fputs(i == 0 ? " " : ", ", out);
		value_quote(kind->path_of(&certificate->pairs[i]), out);
	}
	fputs(count == 0 ? " \"\"\n" : count > 1 ? " }\n" : "\n", out);
}

static void print_certificate(const char *indent,
	const struct certificate_settings *certificate, FILE *out)
{
	for (size_t i = 0; i < sizeof(file_kinds) / sizeof(*file_kinds); i++) {
		fputs(indent, out);
		print_files(&file_kinds[i], certificate, out);
	}
}

/* 'indent' ends in one tab more than the section has. */
static void print_tls(const char *indent, const struct tls_settings *tls,
	FILE *out)
{
	const struct certificate_settings none = { .pair_count = 0 };
	char deeper[8];

	snprintf(deeper, sizeof(deeper), "%s\t", indent);
	print_certificate(indent, tls->certificate_count == 0 ? &none :
		&tls->certificates[0], out);
	print_value(indent, "min-version", tls->min_version, out);
	print_value(indent, "alpn", tls->alpn, out);
	print_string(indent, "priority", tls->priority, out);
	print_string(indent, "client-ca", tls->client_ca, out);
	print_string(indent, "client-crl", tls->client_crl, out);
	print_value(indent, "client-certificate", tls->client_certificate,
		out);
	for (size_t i = 1; i < tls->certificate_count; i++) {
		print_opening(indent, "host", tls->certificates[i].host, out);
		print_certificate(deeper, &tls->certificates[i], out);
		fprintf(out, "%s}\n", indent);
	}
}

static void print_listen(const struct listen_settings *listen, FILE *out)
{
	print_opening("", "listen", listen->name, out);
	print_list("\t", "address", listen->addresses, out);
	print_value("\t", "port", listen->port, out);
	print_value("\t", "tls", listen->tls, out);
	print_list("\t", "proxies", listen->proxies.texts, out);
	print_value("\t", "proxy-tls", listen->proxy_tls, out);
	if (listen->own_tls != NULL) {
		fputs("\ttls-options {\n", out);
		print_tls("\t\t", listen->own_tls, out);
		fputs("\t}\n", out);
	}
	fputs("}\n", out);
}

static void print_passwd_file(const struct backend_settings *backend, FILE *out)
{
	print_string("\t\t", "path", backend->path, out);
	print_string("\t\t", "uid", backend->uid, out);
	print_string("\t\t", "gid", backend->gid, out);
	print_string("\t\t", "home", backend->home, out);
}

static void print_program(const struct backend_settings *backend, FILE *out)
{
	print_list("\t\t", "command", backend->command, out);
	print_value("\t\t", "timeout", backend->timeout_s, out);
}

static void print_token(const struct backend_settings *backend, FILE *out)
{
	print_program(backend, out);
	print_string("\t\t", "uid", backend->uid, out);
	print_string("\t\t", "gid", backend->gid, out);
	print_string("\t\t", "home", backend->home, out);
}

static void print_dovecot(const struct backend_settings *backend, FILE *out)
{
	print_passwd_file(backend, out);
	print_string("\t\t", "userdb", backend->userdb, out);
	print_value("\t\t", "timeout", backend->timeout_s, out);
}

static void print_backend(const struct backend_settings *backend, FILE *out)
{
	static void (*const printers[])(const struct backend_settings *,
		FILE *) = {
		[BACKEND_PASSWD_FILE] = print_passwd_file,
		[BACKEND_PROGRAM] = print_program,
		[BACKEND_TOKEN] = print_token,
		[BACKEND_DOVECOT] = print_dovecot,
	};

	print_opening("\t", "backend", backend->name, out);
	print_value("\t\t", "type", backend->type, out);
	printers[backend->type](backend, out);
	fputs("\t}\n", out);
}

/* None at all is a list, too, and not the same as no list. */
static void print_mechanisms(uint32_t permitted, FILE *out)
{
	const char *before = " ";

	fputs("\tmechanisms = {", out);
	for (int i = 0; i < MECHANISMS; i++)
		if ((permitted & UINT32_C(1) << i) != 0) {
			fprintf(out, "%s\"%s\"", before,
				mechanism_name((enum mechanism)i));
			before = ", ";
		}
	fputs(" }\n", out);
}

static void print_auth(const struct auth_settings *auth, FILE *out)
{
	fputs("auth {\n", out);
	print_value("\t", "cleartext", auth->cleartext, out);
	print_value("\t", "failure-delay", auth->failure_delay_ms, out);
	print_value("\t", "attempts", auth->attempts, out);
	print_value("\t", "concurrent-checks", auth->concurrent_checks, out);
	print_mechanisms(auth->mechanisms, out);
	print_list("\t", "trusted", auth->trusted.texts, out);
	for (size_t i = 0; i < auth->backend_count; i++)
		print_backend(&auth->backends[i], out);
	fputs("}\n", out);
}

/* What would do nothing is left out: it would not read back. */
static void print_mailbox(const struct mailbox_settings *mailbox, FILE *out)
{
	fputs("mailbox {\n", out);
	print_string("\t", "path", mailbox->path, out);
	print_string("\t", "folder-separator", mailbox->folder_separator, out);
	print_value("\t", "import", mailbox->import, out);
	if (mailbox->import == UIDLS_AUTO || mailbox->import == UIDLS_DOVECOT)
		print_string("\t", "uidl-format", mailbox->uidl_format, out);
	print_value("\t", "mark-seen", mailbox->mark_seen, out);
	print_value("\t", "delete", mailbox->delete, out);
	if (mailbox->delete == DELETE_TRASH)
		print_value("\t", "trash-days", mailbox->trash_days, out);
	print_value("\t", "expire", mailbox->expire_days, out);
	print_value("\t", "expire-retrieved", mailbox->expire_retrieved_days,
		out);
	print_value("\t", "quota", mailbox->quota, out);
	print_value("\t", "takeover-after", mailbox->takeover_after_s, out);
	fputs("}\n", out);
}

static void print_pool(const struct pool_settings *pool, FILE *out)
{
	fputs("pool {\n", out);
	print_value("\t", "spare", pool->spare, out);
	print_value("\t", "max", pool->max, out);
	print_value("\t", "sessions-per-worker", pool->sessions_per_worker,
		out);
	fputs("}\n", out);
}

static void print_limits(const struct limit_settings *limits, FILE *out)
{
	fputs("limits {\n", out);
	print_value("\t", "idle-timeout", limits->idle_timeout_s, out);
	print_value("\t", "login-timeout", limits->login_timeout_s, out);
	print_value("\t", "tls-timeout", limits->tls_timeout_s, out);
	print_value("\t", "per-address", limits->per_address, out);
	fputs("}\n", out);
}

static void print_policy(const struct policy_settings *policy, FILE *out)
{
	const struct session_rules *rules = &policy->rules;

	print_opening("", "policy", policy->name, out);
	print_list("\t", "match", policy->match.texts, out);
	print_value("\t", "cleartext", rules->cleartext, out);
	print_value("\t", "failure-delay", rules->failure_delay_ms, out);
	print_value("\t", "attempts", rules->attempts, out);
	print_value("\t", "idle-timeout", rules->idle_timeout_s, out);
	print_value("\t", "login-timeout", rules->login_timeout_s, out);
	print_value("\t", "tls-timeout", rules->tls_timeout_s, out);
	print_value("\t", "per-address", rules->per_address, out);
	print_value("\t", "legacy-tls", rules->allows_legacy_tls, out);
	fputs("}\n", out);
}

void settings_print(const struct settings *settings, FILE *out)
{
	print_string("", "user", settings->user, out);
	print_string("", "signer-user", settings->signer_user, out);
	print_value("", "sandbox", settings->sandbox, out);
	for (size_t i = 0; i < settings->listen_count; i++)
		print_listen(&settings->listens[i], out);
	fputs("tls {\n", out);
	print_tls("\t", &settings->tls, out);
	print_value("\t", "ticket-lifetime", settings->ticket_lifetime_s, out);
	fputs("}\n", out);
	print_auth(&settings->auth, out);
	print_mailbox(&settings->mailbox, out);
	print_pool(&settings->pool, out);
	print_limits(&settings->limits, out);
	for (size_t i = 0; i < settings->policy_count; i++)
		print_policy(&settings->policies[i], out);
	fputs("control {\n", out);
	print_string("\t", "path", settings->control.path, out);
	print_string("\t", "group", settings->control.group, out);
	fputs("}\n", out);
	fputs("log {\n", out);
	print_value("\t", "target", settings->log_target, out);
	print_value("\t", "level", settings->log_level, out);
	fputs("}\n", out);
}
