/*
 * ctl_passwd.c - posternctl passwd: add, change, lock or remove a user
 *
 * Runs as: root, or the owner of the file.  Distrusts: the name, and what is
 * typed as password.
 */
#include "config.h"

#include <crypt.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth_name.h"
#include "auth_normal.h"
#include "auth_scram.h"
#include "ctl.h"
#include "passwd_edit.h"
#include "passwd_lines.h"
#include "prompt.h"
#include "settings.h"

static const char usage[] =
"Usage: posternctl passwd [--config FILE | --file FILE]\n"
"                         [--delete | --lock | --unlock] USER\n"
"\n"
"Give USER of a passwd-file a new password; add USER if need be.\n"
"\n"
"  -c, --config FILE   change the first passwd-file that the settings in FILE\n"
"                      name (default: " CTL_CONFIG ")\n"
"  -f, --file FILE     change the passwd-file FILE\n"
"  -d, --delete        remove USER\n"
"  -l, --lock          let USER in no more, but keep the password\n"
"  -u, --unlock        let USER in again\n"
"  -h, --help          print this text\n"
"\n"
"The password is asked for twice; if standard input is no terminal, it is the\n"
"first line of it.\n";

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "file", required_argument, NULL, 'f' },
	{ "delete", no_argument, NULL, 'd' },
	{ "lock", no_argument, NULL, 'l' },
	{ "unlock", no_argument, NULL, 'u' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

#define DO_SET 's'

struct options {
	const char *config_path, *file;		/* NULL: not given */
	const char *user;
	int deed;	/* DO_SET, or the letter of an option */
};

/* What goes into the file in place of the password. */
struct secrets {
	char hash[CRYPT_OUTPUT_SIZE];
	char fields[2 * SCRAM_TEXT_BYTES + 64];
};

/* Take the options.  Returns -1 to go on, or an exit code. */
static int take_options(int argc, char *argv[], struct options *options)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:f:dluh", long_options,
			NULL)) != -1) {
		if (option == 'h')
			return fputs(usage, stdout) < 0 ? CTL_FAILED :
				CTL_DONE;
		if (option == 'c')
			options->config_path = optarg;
		else if (option == 'f')
			options->file = optarg;
		else if (option == '?' || options->deed != DO_SET)
			return ctl_misused(usage);
		else
			options->deed = option;
	}
	if (optind + 1 != argc || (options->file != NULL &&
			options->config_path != NULL))
		return ctl_misused(usage);
	options->user = argv[optind];
	return -1;
}

/* A '#' would make a comment of the line, a ':' end the name. */
static bool is_name(const char *name)
{
	return auth_name_is_usable(name) && strchr(name, ':') == NULL &&
		*name != '#';
}

/* The path of the first passwd-file of the settings.  NULL, and said why. */
static char *find_file(const char *config_path)
{
	const char *path = config_path != NULL ? config_path : CTL_CONFIG;
	struct settings *settings = settings_load(path, stderr);
	char *found = NULL;

	if (settings == NULL)
		return NULL;
	for (size_t i = 0; found == NULL && i < settings->auth.backend_count;
			i++)
		if (settings->auth.backends[i].type == BACKEND_PASSWD_FILE)
			found = strdup(settings->auth.backends[i].path);
	settings_free(settings);
	if (found == NULL)
		ctl_say("%s names no passwd-file; use --file", path);
	return found;
}

static bool make_hash(const char *password, char hash[CRYPT_OUTPUT_SIZE])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	struct crypt_data *data = calloc(1, sizeof(*data));
	const char *made = NULL;

	if (data == NULL)
		return false;
	if (crypt_gensalt_rn(NULL, 0, NULL, 0, setting, sizeof(setting)) !=
			NULL)
		made = crypt_r(password, setting, data);
	if (made != NULL && *made != '*')
		snprintf(hash, CRYPT_OUTPUT_SIZE, "%s", made);
	else
		made = NULL;
	explicit_bzero(data, sizeof(*data));
	free(data);
	return made != NULL;
}

static bool make_secrets(const char *password, struct secrets *secrets)
{
	char sha_1[SCRAM_TEXT_BYTES], sha_256[SCRAM_TEXT_BYTES];
	char normal[CRYPT_MAX_PASSPHRASE_SIZE];
	bool is_hashed = auth_normal_write(password, normal, sizeof(normal)) &&
		make_hash(normal, secrets->hash);

	explicit_bzero(normal, sizeof(normal));
	if (!is_hashed ||
			scram_enrol(SCRAM_SHA_1, password, sha_1) < 0 ||
			scram_enrol(SCRAM_SHA_256, password, sha_256) < 0)
		return false;
	snprintf(secrets->fields, sizeof(secrets->fields),
		"scram-sha-1=%s scram-sha-256=%s", sha_1, sha_256);
	return true;
}

/* Ask for the password, and keep only what is made of it. */
static int ask(const char *user, struct secrets *secrets)
{
	char password[CRYPT_MAX_PASSPHRASE_SIZE];
	const char *wrong = prompt_password(user, password, sizeof(password));
	int result = CTL_DONE;

	if (wrong == NULL && !make_secrets(password, secrets))
		wrong = "the system can't make a hash of it";
	if (wrong != NULL) {
		ctl_say("%s", wrong);
		result = CTL_FAILED;
	}
	explicit_bzero(password, sizeof(password));
	return result;
}

static struct passwd_change plan(int deed, const struct secrets *secrets)
{
	switch (deed) {
	case 'd':
		return (struct passwd_change){ .is_removal = true,
			.adds = "" };
	case 'l':
		return (struct passwd_change){ .drops = { "nologin" },
			.adds = "nologin" };
	case 'u':
		return (struct passwd_change){ .drops = { "nologin" },
			.adds = "" };
	default:
		return (struct passwd_change){ .may_add = true,
			.hash = secrets->hash, .adds = secrets->fields,
			.drops = { "scram-sha-1", "scram-sha-256" } };
	}
}

/* Say what is wrong with the user's line, if anything is. */
static int judge(const char *path, const struct options *options,
	const char *wrong, const struct passwd_found *found)
{
	if (wrong != NULL) {
		ctl_say("%s:%u: the user's line %s", path, found->line, wrong);
		return CTL_FAILED;
	}
	if (found->lines == 0 && options->deed != DO_SET) {
		ctl_say("%s: there is no user %s", path, options->user);
		return CTL_FAILED;
	}
	if (options->deed == 'u' && !found->has_password)
		ctl_say("%s still has no password that would fit; give one by "
			"posternctl passwd", options->user);
	return CTL_DONE;
}

/* Change the text that was read, and put it in its place. */
static int change(struct passwd_edit *edit, const char *path,
	const struct options *options, const struct secrets *secrets)
{
	const struct passwd_change wanted = plan(options->deed, secrets);
	struct passwd_found found;
	char *octets = NULL;
	size_t count = 0;
	FILE *out = open_memstream(&octets, &count);
	const char *wrong;
	int result;

	if (out == NULL) {
		ctl_say("out of memory");
		return CTL_FAILED;
	}
	wrong = passwd_lines_change(edit->octets, edit->count, options->user,
		&wanted, out, &found);
	result = judge(path, options, wrong, &found);
	/* Nothing less than all of it may take its place. */
	bool is_whole = !ferror(out);
	is_whole &= fclose(out) == 0;
	if (result == CTL_DONE) {
		wrong = is_whole ? passwd_edit_replace(edit, octets, count) :
			"out of memory";
		if (wrong != NULL) {
			ctl_say("%s: %s", path, wrong);
			result = CTL_FAILED;
		}
	}
	if (octets != NULL)
		explicit_bzero(octets, count);
	free(octets);
	return result;
}

/* The lock is taken after the questions: nobody waits for a terminal. */
static int edit(const char *path, const struct options *options)
{
	struct secrets secrets = { "", "" };
	struct passwd_edit edit;
	const char *wrong;
	int result = options->deed == DO_SET ? ask(options->user, &secrets) :
		CTL_DONE;

	if (result != CTL_DONE)
		return result;
	wrong = passwd_edit_begin(&edit, path);
	if (wrong == NULL) {
		result = change(&edit, path, options, &secrets);
	} else {
		ctl_say("%s: %s", path, wrong);
		result = CTL_FAILED;
	}
	passwd_edit_end(&edit);
	explicit_bzero(&secrets, sizeof(secrets));
	return result;
}

int ctl_passwd(int argc, char *argv[])
{
	struct options options = { .deed = DO_SET };
	int result = take_options(argc, argv, &options);
	char *path;

	if (result >= 0)
		return result;
	if (!is_name(options.user)) {
		ctl_say("that is no name for a user: it is too long, empty, "
			"or has a '/', a ':', a control character or a dot or "
			"'#' in front");
		return CTL_MISUSED;
	}
	path = options.file != NULL ? strdup(options.file) :
		find_file(options.config_path);
	if (path == NULL)
		return CTL_FAILED;
	result = edit(path, &options);
	free(path);
	return result;
}
