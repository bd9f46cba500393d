/*
 * settings_print.c - write settings as a configuration file
 *
 * Owns: the order and the layout of that file.  Runs in: the master, for
 * postern --print-config.  Distrusts: nobody.
 */
#include "config.h"

#include "settings.h"

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

static void print_listen(const struct listen_settings *listen, FILE *out)
{
	print_opening("", "listen", listen->name, out);
	print_list("\t", "address", listen->addresses, out);
	print_value("\t", "port", listen->port, out);
	print_value("\t", "tls", listen->tls, out);
	fputs("}\n", out);
}

static void print_certificate(const char *indent,
	const struct certificate_settings *certificate, FILE *out)
{
	print_string(indent, "certificate", certificate->certificate, out);
	print_string(indent, "key", certificate->key, out);
}

static void print_tls(const struct tls_settings *tls, FILE *out)
{
	static char none[] = "";
	const struct certificate_settings no_certificate = {
		.certificate = none, .key = none };

	fputs("tls {\n", out);
	print_certificate("\t", tls->certificate_count == 0 ?
		&no_certificate : &tls->certificates[0], out);
	print_string("\t", "priority", tls->priority, out);
	for (size_t i = 1; i < tls->certificate_count; i++) {
		print_opening("\t", "host", tls->certificates[i].host, out);
		print_certificate("\t\t", &tls->certificates[i], out);
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

static void print_backend(const struct backend_settings *backend, FILE *out)
{
	static void (*const printers[])(const struct backend_settings *,
		FILE *) = {
		[BACKEND_PASSWD_FILE] = print_passwd_file,
		[BACKEND_PROGRAM] = print_program,
	};

	print_opening("\t", "backend", backend->name, out);
	print_value("\t\t", "type", backend->type, out);
	printers[backend->type](backend, out);
	fputs("\t}\n", out);
}

static void print_auth(const struct auth_settings *auth, FILE *out)
{
	fputs("auth {\n", out);
	print_value("\t", "cleartext", auth->cleartext, out);
	print_value("\t", "failure-delay", auth->failure_delay_ms, out);
	print_value("\t", "attempts", auth->attempts, out);
	print_value("\t", "concurrent-checks", auth->concurrent_checks, out);
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
	fputs("}\n", out);
}

void settings_print(const struct settings *settings, FILE *out)
{
	print_string("", "user", settings->user, out);
	print_string("", "signer-user", settings->signer_user, out);
	for (size_t i = 0; i < settings->listen_count; i++)
		print_listen(&settings->listens[i], out);
	print_tls(&settings->tls, out);
	print_auth(&settings->auth, out);
	print_mailbox(&settings->mailbox, out);
	print_pool(&settings->pool, out);
	print_limits(&settings->limits, out);
	for (size_t i = 0; i < settings->policy_count; i++)
		print_policy(&settings->policies[i], out);
	fputs("log {\n", out);
	print_value("\t", "target", settings->log_target, out);
	print_value("\t", "level", settings->log_level, out);
	fputs("}\n", out);
}
