/*
 * settings.c - the configuration file as one plain struct
 *
 * Owns: the defaults that depend on other settings, and the checks that need
 * more than one value.  Runs in: the master, or a child of it that tries a new
 * file.  Distrusts: nobody, but expects every mistake.
 */
#include "config.h"

#include "settings.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "settings_parts.h"

#define POP3_PORT 110
#define POP3S_PORT 995

static const char *const any_addresses[] = { "0.0.0.0", "::" };
#define ANY_ADDRESS_COUNT 2

static bool is_numeric_address(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 ||
		inet_pton(AF_INET6, text, address) == 1;
}

static void set_any_addresses(struct listen_settings *listen)
{
	listen->addresses = settings_allocate(ANY_ADDRESS_COUNT + 1,
		sizeof(*listen->addresses));
	listen->address_count = ANY_ADDRESS_COUNT;
	for (size_t i = 0; i < ANY_ADDRESS_COUNT; i++)
		listen->addresses[i] = settings_copy(any_addresses[i]);
}

static void take_addresses(cfg_t *section, struct listen_settings *listen)
{
	if (cfg_size(section, "address") == 0) {
		set_any_addresses(listen);
		return;
	}
	listen->addresses = settings_copy_list(section, "address");
	listen->address_count = cfg_size(section, "address");
	for (size_t i = 0; i < listen->address_count; i++)
		if (!is_numeric_address(listen->addresses[i]))
			settings_file_mistake(section, "address \"%s\" is not "
				"numeric (write 192.0.2.1 or 2001:db8::1)",
				listen->addresses[i]);
}

static uint16_t usual_port(enum tls_mode tls)
{
	return tls == TLS_IMPLICIT ? POP3S_PORT : POP3_PORT;
}

static void take_listen(cfg_t *section, struct listen_settings *listen)
{
	listen->name = settings_copy(cfg_title(section));
	listen->tls = (enum tls_mode)cfg_getint(section, "tls");
	listen->port = options_gives(section, "port") ?
		(uint16_t)cfg_getint(section, "port") : usual_port(listen->tls);
	take_addresses(section, listen);
	settings_take_networks(section, "proxies", &listen->proxies);
	listen->proxy_tls = (enum proxy_tls)cfg_getint(section, "proxy-tls");
	if (listen->proxy_tls == PROXY_TLS_ALWAYS &&
			listen->proxies.count == 0)
		settings_file_mistake(section, "listen \"%s\" has proxy-tls = "
			"always, but no proxies (write: proxies = { "
			"\"192.0.2.7\" })", listen->name);
}

static void set_usual_listens(struct settings *settings)
{
	settings->listens = settings_allocate(2, sizeof(*settings->listens));
	settings->listen_count = 2;
	settings->listens[0].name = settings_copy("pop3");
	settings->listens[0].tls = TLS_STARTTLS;
	settings->listens[1].name = settings_copy("pop3s");
	settings->listens[1].tls = TLS_IMPLICIT;
	for (size_t i = 0; i < 2; i++) {
		struct listen_settings *listen = &settings->listens[i];

		listen->port = usual_port(listen->tls);
		listen->proxies.texts = settings_allocate(1, sizeof(char *));
		set_any_addresses(listen);
	}
}

static void take_listens(cfg_t *root, struct settings *settings)
{
	unsigned count = cfg_size(root, "listen");

	if (count == 0) {
		set_usual_listens(settings);
		return;
	}
	settings->listens = settings_allocate(count,
		sizeof(*settings->listens));
	settings->listen_count = count;
	for (unsigned i = 0; i < count; i++)
		take_listen(cfg_getnsec(root, "listen", i),
			&settings->listens[i]);
}

static void take_pool(cfg_t *section, struct pool_settings *pool)
{
	pool->spare = (uint32_t)cfg_getint(section, "spare");
	pool->max = (uint32_t)cfg_getint(section, "max");
	pool->sessions_per_worker =
		(uint32_t)cfg_getint(section, "sessions-per-worker");
	if (pool->spare > pool->max)
		settings_file_mistake(section, "spare = %u is more than max = "
			"%u (write a smaller spare or a larger max)",
			(unsigned)pool->spare, (unsigned)pool->max);
}

static void take_limits(cfg_t *section, struct limit_settings *limits)
{
	limits->idle_timeout_s =
		(uint32_t)cfg_getint(section, "idle-timeout");
	limits->login_timeout_s =
		(uint32_t)cfg_getint(section, "login-timeout");
	limits->tls_timeout_s = (uint32_t)cfg_getint(section, "tls-timeout");
	limits->per_address = (uint32_t)cfg_getint(section, "per-address");
}

static void take_control(cfg_t *section, struct control_settings *control)
{
	control->path = settings_copy_of(section, "path");
	control->group = settings_copy_of(section, "group");
	settings_check_absolute(section, "path", control->path);
}

static struct settings *take_all(cfg_t *root)
{
	struct settings *settings = settings_allocate(1, sizeof(*settings));
	cfg_t *log = cfg_getsec(root, "log");

	settings->user = settings_copy_of(root, "user");
	settings->signer_user = settings_copy_of(root, "signer-user");
	settings->sandbox = (enum sandbox_mode)cfg_getint(root, "sandbox");
	take_listens(root, settings);
	settings_take_tls(root, settings);
	settings_take_auth(cfg_getsec(root, "auth"), &settings->auth);
	settings_take_mailbox(cfg_getsec(root, "mailbox"),
		&settings->mailbox);
	take_pool(cfg_getsec(root, "pool"), &settings->pool);
	take_limits(cfg_getsec(root, "limits"), &settings->limits);
	settings_take_policies(root, settings);
	take_control(cfg_getsec(root, "control"), &settings->control);
	settings->log_target = (enum log_target)cfg_getint(log, "target");
	settings->log_level = (enum log_level)cfg_getint(log, "level");
	return settings;
}

struct settings *settings_load(const char *path, FILE *errors)
{
	cfg_t *root = settings_file_read(path, errors);
	struct settings *settings;

	if (root == NULL)
		return NULL;
	settings = take_all(root);
	if (settings_file_mistakes() > 0) {
		settings_free(settings);
		settings = NULL;
	}
	settings_file_close(root);
	if (settings != NULL)
		settings->file = settings_copy(path != NULL ? path :
			"built-in settings");
	return settings;
}

void settings_free(struct settings *settings)
{
	if (settings == NULL)
		return;
	for (size_t i = 0; i < settings->listen_count; i++) {
		free(settings->listens[i].name);
		settings_free_list(settings->listens[i].addresses);
		settings_free_networks(&settings->listens[i].proxies);
		if (settings->listens[i].own_tls != NULL)
			settings_free_tls(settings->listens[i].own_tls);
		free(settings->listens[i].own_tls);
	}
	free(settings->listens);
	settings_free_tls(&settings->tls);
	settings_free_auth(&settings->auth);
	settings_free_mailbox(&settings->mailbox);
	settings_free_policies(settings);
	free(settings->control.path);
	free(settings->control.group);
	free(settings->user);
	free(settings->signer_user);
	free(settings->file);
	free(settings);
}
