/*
 * settings_tls.c - the section tls: certificates and their keys
 *
 * Owns: which certificate needs which key.  Runs in: the master, or a child of
 * it that tries a new file.  Distrusts: nobody, but expects every mistake.
 */
#include "config.h"

#include "settings_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Both files or none of them: "" stands for none. */
static void take_certificate(cfg_t *section, struct certificate_settings *into)
{
	into->certificate = settings_copy_of(section, "certificate");
	into->key = settings_copy_of(section, "key");
	into->place = settings_place_of(section);
	settings_check_absolute(section, "certificate", into->certificate);
	settings_check_absolute(section, "key", into->key);
	if (options_gives(section, "certificate") !=
		options_gives(section, "key") ||
		(*into->certificate == '\0') != (*into->key == '\0'))
		settings_file_mistake(section, "certificate and key belong "
			"together (give both; they may be the same file)");
}

static char *copy_lower_case(const char *text)
{
	char *own = settings_copy(text);

	for (char *octet = own; *octet != '\0'; octet++)
		*octet = (char)tolower((unsigned char)*octet);
	return own;
}

static bool is_host_known(const struct tls_settings *tls, const char *host)
{
	for (size_t i = 1; i < tls->certificate_count; i++)
		if (strcmp(tls->certificates[i].host, host) == 0)
			return true;
	return false;
}

static void take_host(cfg_t *section, struct tls_settings *tls)
{
	struct certificate_settings *into =
		&tls->certificates[tls->certificate_count];

	into->host = copy_lower_case(cfg_title(section));
	if (is_host_known(tls, into->host))
		settings_file_mistake(section, "host \"%s\" is given twice "
			"(case does not count)", into->host);
	take_certificate(section, into);
	if (*into->certificate == '\0' && *into->key == '\0')
		settings_file_mistake(section, "host \"%s\" needs a "
			"certificate and a key", into->host);
	tls->certificate_count++;
}

static void take_client_ca(cfg_t *section, struct tls_settings *tls)
{
	tls->client_ca = settings_copy_of(section, "client-ca");
	tls->client_certificate = (enum client_certificate)
		cfg_getint(section, "client-certificate");
	settings_check_absolute(section, "client-ca", tls->client_ca);
	if (tls->client_certificate == CLIENT_REQUIRED &&
			*tls->client_ca == '\0')
		settings_file_mistake(section, "client-certificate = required "
			"needs a client-ca (the authorities whose "
			"certificates count)");
}

void settings_take_tls(cfg_t *section, struct tls_settings *tls)
{
	unsigned hosts = cfg_size(section, "host");

	tls->priority = settings_copy_of(section, "priority");
	take_client_ca(section, tls);
	tls->certificates = settings_allocate((size_t)hosts + 1,
		sizeof(*tls->certificates));
	take_certificate(section, &tls->certificates[0]);
	tls->certificate_count = 1;
	for (unsigned i = 0; i < hosts; i++)
		take_host(cfg_getnsec(section, "host", i), tls);
}

static void free_certificate(struct certificate_settings *certificate)
{
	free(certificate->host);
	free(certificate->certificate);
	free(certificate->key);
	free(certificate->place);
}

void settings_check_tls(cfg_t *section, struct settings *settings)
{
	struct tls_settings *tls = &settings->tls;

	if (*tls->certificates[0].certificate != '\0')
		return;
	if (tls->certificate_count > 1)
		settings_file_mistake(section, "a host has a certificate, but "
			"there is no default one (set certificate and key)");
	for (size_t i = 0; i < settings->listen_count; i++) {
		struct listen_settings *listen = &settings->listens[i];

		if (listen->tls != TLS_NONE)
			settings_file_mistake(section, "listen \"%s\" offers "
			    "TLS, but no certificate is set (set certificate "
				"and key, or tls = none there)", listen->name);
	}
	if (settings_file_mistakes() == 0) {
		free_certificate(&tls->certificates[0]);
		tls->certificate_count = 0;
	}
}

void settings_free_tls(struct tls_settings *tls)
{
	for (size_t i = 0; i < tls->certificate_count; i++)
		free_certificate(&tls->certificates[i]);
	free(tls->certificates);
	free(tls->priority);
	free(tls->client_ca);
}
