/*
 * settings_auth.c - the section auth: back ends, and what each type needs
 *
 * Owns: the back end that stands in when none is given.  Runs in: the master,
 * or a child of it that tries a new file.  Distrusts: nobody, but expects every
 * mistake.
 */
#include "config.h"

#include "settings_parts.h"

#include <stdlib.h>
#include <string.h>

#include "auth_socket.h"
#include "mechanism.h"

static const char pam_program[] = LIBEXECDIR "/postern-pam";

static void check_unused(cfg_t *section, const char *type,
	const char *const names[])
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (options_gives(section, names[i]))
			settings_file_mistake(section, "a backend of type %s "
				"has no %s (remove it)", type, names[i]);
}

static void check_passwd_file(cfg_t *section,
	const struct backend_settings *backend)
{
	static const char *const unused[] = {
		"userdb", "command", "timeout", NULL };

	check_unused(section, "passwd-file", unused);
	if (*backend->path == '\0')
		settings_file_mistake(section, "backend \"%s\" needs a path "
		    "(write: path = \"/etc/postern/users\")", backend->name);
	settings_check_absolute(section, "path", backend->path);
	settings_check_absolute(section, "home", backend->home);
	settings_check_percents(section, "home", "und%");
}

static void check_command(cfg_t *section,
	const struct backend_settings *backend, const char *example)
{
	if (backend->command[0] == NULL || *backend->command[0] == '\0')
		settings_file_mistake(section, "backend \"%s\" needs a command "
			"(write: command = { \"%s\" })", backend->name,
			example);
	else
		settings_check_absolute(section, "command",
			backend->command[0]);
}

static void check_program(cfg_t *section,
	const struct backend_settings *backend)
{
	static const char *const unused[] = {
		"path", "userdb", "uid", "gid", "home", NULL };

	check_unused(section, "program", unused);
	check_command(section, backend, pam_program);
}

static void check_token(cfg_t *section,
	const struct backend_settings *backend)
{
	static const char *const unused[] = { "path", NULL };

	check_unused(section, "token", unused);
	check_command(section, backend, "/usr/local/bin/check-token");
	settings_check_absolute(section, "home", backend->home);
	settings_check_percents(section, "home", "und%");
}

/* Which mechanisms are permitted: those of the list, or else all. */
static uint32_t take_mechanisms(cfg_t *section)
{
	unsigned count = cfg_size(section, "mechanisms");
	uint32_t permitted = 0;

	if (!options_gives(section, "mechanisms"))
		return (UINT32_C(1) << MECHANISMS) - 1;
	for (unsigned i = 0; i < count; i++) {
		const char *name = cfg_getnstr(section, "mechanisms", i);
		enum mechanism mechanism = mechanism_find(name);

		if (mechanism == MECHANISMS)
			settings_file_mistake(section, "mechanism \"%s\" is "
				"not known (one of: %s ... %s)", name,
				mechanism_name((enum mechanism)0),
				mechanism_name(MECHANISMS - 1));
		else
			permitted |= UINT32_C(1) << mechanism;
	}
	return permitted;
}

static void check_socket(cfg_t *section, const char *name, const char *path)
{
	settings_check_absolute(section, name, path);
	if (!auth_socket_can_have(path))
		settings_file_mistake(section, "%s = \"%.40s...\" is too long "
			"for a socket (at most 107 octets)", name, path);
}

/* Without a userdb, nothing but the settings tells whose the mail is. */
static void check_dovecot(cfg_t *section,
	const struct backend_settings *backend)
{
	static const char *const unused[] = { "command", NULL };

	check_unused(section, "dovecot", unused);
	if (*backend->path == '\0')
		settings_file_mistake(section, "backend \"%s\" needs a path "
			"(write: path = \"/run/dovecot/auth-client\")",
			backend->name);
	if (*backend->userdb == '\0' &&
			(*backend->uid == '\0' || *backend->gid == '\0'))
		settings_file_mistake(section, "backend \"%s\" needs a userdb, "
			"or uid and gid (write: userdb = "
			"\"/run/dovecot/auth-userdb\")", backend->name);
	check_socket(section, "path", backend->path);
	check_socket(section, "userdb", backend->userdb);
	settings_check_absolute(section, "home", backend->home);
	settings_check_percents(section, "home", "und%");
}

static void take_backend(cfg_t *section, struct backend_settings *backend)
{
	static void (*const checks[])(cfg_t *,
		const struct backend_settings *) = {
		[BACKEND_PASSWD_FILE] = check_passwd_file,
		[BACKEND_PROGRAM] = check_program,
		[BACKEND_TOKEN] = check_token,
		[BACKEND_DOVECOT] = check_dovecot,
	};

	backend->name = settings_copy(cfg_title(section));
	backend->type = (enum backend_type)cfg_getint(section, "type");
	backend->path = settings_copy_of(section, "path");
	backend->userdb = settings_copy_of(section, "userdb");
	backend->command = settings_copy_list(section, "command");
	backend->timeout_s = (uint32_t)cfg_getint(section, "timeout");
	backend->uid = settings_copy_of(section, "uid");
	backend->gid = settings_copy_of(section, "gid");
	backend->home = settings_copy_of(section, "home");
	backend->place = settings_place_of(section);
	if (options_gives(section, "type"))
		checks[backend->type](section, backend);
	else
		settings_file_mistake(section, "backend \"%s\" needs a type "
			"(one of: passwd-file, program, token, dovecot)",
			backend->name);
}

static void set_usual_backend(struct auth_settings *auth)
{
	struct backend_settings *backend =
		settings_allocate(1, sizeof(*backend));

	backend->name = settings_copy("system");
	backend->type = BACKEND_PROGRAM;
	backend->path = settings_copy("");
	backend->userdb = settings_copy("");
	backend->command = settings_allocate(2, sizeof(*backend->command));
	backend->command[0] = settings_copy(pam_program);
	backend->timeout_s = 30;
	backend->uid = settings_copy("");
	backend->gid = settings_copy("");
	backend->home = settings_copy("");
	backend->place = settings_copy("built-in settings");
	auth->backends = backend;
	auth->backend_count = 1;
}

void settings_take_auth(cfg_t *section, struct auth_settings *auth)
{
	unsigned count = cfg_size(section, "backend");

	auth->cleartext = (enum cleartext)cfg_getint(section, "cleartext");
	auth->failure_delay_ms =
		(uint32_t)cfg_getint(section, "failure-delay");
	auth->attempts = (uint32_t)cfg_getint(section, "attempts");
	auth->concurrent_checks =
		(uint32_t)cfg_getint(section, "concurrent-checks");
	auth->mechanisms = take_mechanisms(section);
	settings_take_networks(section, "trusted", &auth->trusted);
	if (count == 0) {
		set_usual_backend(auth);
		return;
	}
	auth->backends = settings_allocate(count, sizeof(*auth->backends));
	auth->backend_count = count;
	for (unsigned i = 0; i < count; i++)
		take_backend(cfg_getnsec(section, "backend", i),
			&auth->backends[i]);
}

static void free_backend(struct backend_settings *backend)
{
	free(backend->name);
	free(backend->path);
	free(backend->userdb);
	settings_free_list(backend->command);
	free(backend->uid);
	free(backend->gid);
	free(backend->home);
	free(backend->place);
}

void settings_free_auth(struct auth_settings *auth)
{
	for (size_t i = 0; i < auth->backend_count; i++)
		free_backend(&auth->backends[i]);
	free(auth->backends);
	settings_free_networks(&auth->trusted);
}
