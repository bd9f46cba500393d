/*
 * settings_tls.c - the section tls, and what listeners have of it on their own
 *
 * Owns: which certificate needs which key, and what a listener takes over.
 * Runs in: the master, or a child of it that tries a new file.  Distrusts:
 * nobody, but expects every mistake.
 */
#include "config.h"

#include "settings_parts.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_CERTIFICATE SYSCONFDIR "/postern/cert.pem"
#define USUAL_KEY SYSCONFDIR "/postern/key.pem"

/* Whether the file names a certificate here; one that is "" is none. */
static bool has_pair(cfg_t *section)
{
	return options_gives(section, "certificate") ||
		options_gives(section, "key");
}

static bool is_empty(cfg_t *section, const char *name)
{
	unsigned count = cfg_size(section, name);

	return count == 0 || (count == 1 &&
		*cfg_getnstr(section, name, 0) == '\0');
}

static void check_counts(cfg_t *section)
{
	unsigned count = cfg_size(section, "certificate");
	unsigned staples = cfg_size(section, "ocsp");

	if (is_empty(section, "certificate") != is_empty(section, "key"))
		settings_file_mistake(section, "certificate and key belong "
			"together (give both; they may be the same file)");
	else if (count != cfg_size(section, "key"))
		settings_file_mistake(section, "there are %u certificates and "
			"%u keys (give a key for each, in the same order)",
			count, cfg_size(section, "key"));
	else if (staples > 0 && staples != count)
		settings_file_mistake(section, "there are %u certificates and "
			"%u ocsp files (give one for each, \"\" for none)",
			count, staples);
}

static char *take_path(cfg_t *section, const char *name, unsigned i)
{
	return settings_copy_path(section, name, i < cfg_size(section, name) ?
		cfg_getnstr(section, name, i) : "");
}

/* Take the certificates of one host.  None, if there is a mistake. */
static void take_pairs(cfg_t *section, struct certificate_settings *into,
	uint32_t *key_count)
{
	unsigned mistakes = settings_file_mistakes();

	check_counts(section);
	if (settings_file_mistakes() > mistakes ||
			is_empty(section, "certificate"))
		return;
	into->pair_count = cfg_size(section, "certificate");
	into->pairs = settings_allocate(into->pair_count,
		sizeof(*into->pairs));
	for (unsigned i = 0; i < into->pair_count; i++) {
		struct pair_settings *pair = &into->pairs[i];

		pair->certificate = take_path(section, "certificate", i);
		pair->key = take_path(section, "key", i);
		pair->ocsp = take_path(section, "ocsp", i);
		pair->number = (*key_count)++;
		if (*pair->certificate == '\0' || *pair->key == '\0')
			settings_file_mistake(section, "a certificate or key "
				"of several is \"\" (write their files)");
	}
}

static void take_usual_pair(cfg_t *section, struct certificate_settings *into,
	uint32_t *key_count)
{
	if (cfg_size(section, "ocsp") > 1)
		settings_file_mistake(section, "there are %u ocsp files for "
			"one certificate (give one)",
			cfg_size(section, "ocsp"));
	into->pair_count = 1;
	into->pairs = settings_allocate(1, sizeof(*into->pairs));
	into->pairs[0] = (struct pair_settings){
		.certificate = settings_copy(USUAL_CERTIFICATE),
		.key = settings_copy(USUAL_KEY),
		.ocsp = take_path(section, "ocsp", 0),
		.number = (*key_count)++,
	};
}

/* The signer needs no key twice: a copy has the number of the first one. */
static void copy_certificate(const struct certificate_settings *from,
	struct certificate_settings *into)
{
	into->host = from->host != NULL ? settings_copy(from->host) : NULL;
	into->place = settings_copy(from->place);
	into->pair_count = from->pair_count;
	into->pairs = settings_allocate(from->pair_count,
		sizeof(*into->pairs));
	for (size_t i = 0; i < from->pair_count; i++) {
		into->pairs[i].certificate =
			settings_copy(from->pairs[i].certificate);
		into->pairs[i].key = settings_copy(from->pairs[i].key);
		into->pairs[i].ocsp = settings_copy(from->pairs[i].ocsp);
		into->pairs[i].number = from->pairs[i].number;
	}
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

static void take_host(cfg_t *section, struct tls_settings *tls,
	uint32_t *key_count)
{
	struct certificate_settings *into =
		&tls->certificates[tls->certificate_count];
	unsigned mistakes = settings_file_mistakes();

	into->host = copy_lower_case(cfg_title(section));
	into->place = settings_place_of(section);
	if (is_host_known(tls, into->host))
		settings_file_mistake(section, "host \"%s\" is given twice "
			"(case does not count)", into->host);
	take_pairs(section, into, key_count);
	if (into->pair_count == 0 && settings_file_mistakes() == mistakes)
		settings_file_mistake(section, "host \"%s\" needs a "
			"certificate and a key", into->host);
	tls->certificate_count++;
}

/* 'base': what counts where the section says nothing; NULL: our defaults. */
static void take_default(cfg_t *section, const struct tls_settings *base,
	struct tls_settings *tls, uint32_t *key_count)
{
	struct certificate_settings *into = &tls->certificates[0];

	tls->certificate_count = 1;
	if (base != NULL && !has_pair(section)) {
		if (options_gives(section, "ocsp"))
			settings_file_mistake(section, "ocsp needs its "
				"certificate beside it (give that and key)");
		copy_certificate(&base->certificates[0], into);
		return;
	}
	into->place = settings_place_of(section);
	if (has_pair(section))
		take_pairs(section, into, key_count);
	else
		take_usual_pair(section, into, key_count);
}

static void take_certificates(cfg_t *section, const struct tls_settings *base,
	struct tls_settings *tls, uint32_t *key_count)
{
	unsigned hosts = cfg_size(section, "host");
	bool has_others = hosts == 0 && base != NULL;
	size_t others = has_others ? base->certificate_count - 1 : 0;

	tls->certificates = settings_allocate((size_t)hosts + others + 1,
		sizeof(*tls->certificates));
	take_default(section, base, tls, key_count);
	for (unsigned i = 0; i < hosts; i++)
		take_host(cfg_getnsec(section, "host", i), tls, key_count);
	for (size_t i = 0; i < others; i++)
		copy_certificate(&base->certificates[i + 1],
			&tls->certificates[tls->certificate_count++]);
}

static bool is_own(cfg_t *section, const struct tls_settings *base,
	const char *name)
{
	return base == NULL || options_gives(section, name);
}

static void take_client_ca(cfg_t *section, const struct tls_settings *base,
	struct tls_settings *tls)
{
	tls->client_ca = is_own(section, base, "client-ca") ?
		settings_copy_path(section, "client-ca",
			cfg_getstr(section, "client-ca")) :
		settings_copy(base->client_ca);
	tls->client_crl = is_own(section, base, "client-crl") ?
		settings_copy_path(section, "client-crl",
			cfg_getstr(section, "client-crl")) :
		settings_copy(base->client_crl);
	tls->client_certificate = is_own(section, base,
		"client-certificate") ? (enum client_certificate)
		cfg_getint(section, "client-certificate") :
		base->client_certificate;
	if (tls->client_certificate == CLIENT_REQUIRED &&
			*tls->client_ca == '\0')
		settings_file_mistake(section, "client-certificate = required "
			"needs a client-ca (the authorities whose "
			"certificates count)");
	if (*tls->client_crl != '\0' && *tls->client_ca == '\0')
		settings_file_mistake(section, "client-crl needs a client-ca "
			"(the authorities that have signed it)");
}

static void take_section(cfg_t *section, const struct tls_settings *base,
	struct tls_settings *tls, uint32_t *key_count)
{
	take_certificates(section, base, tls, key_count);
	tls->min_version = is_own(section, base, "min-version") ?
		(enum tls_version)cfg_getint(section, "min-version") :
		base->min_version;
	tls->alpn = is_own(section, base, "alpn") ?
		(enum alpn)cfg_getint(section, "alpn") : base->alpn;
	tls->priority = settings_copy(is_own(section, base, "priority") ?
		cfg_getstr(section, "priority") : base->priority);
	take_client_ca(section, base, tls);
}

static bool gives_any(cfg_t *section)
{
	for (const cfg_opt_t *opt = section->opts; opt->name != NULL; opt++)
		if (opt->type == CFGT_SEC ? cfg_size(section, opt->name) > 0 :
				options_gives(section, opt->name))
			return true;
	return false;
}

static void take_own(cfg_t *root, struct settings *settings)
{
	for (unsigned i = 0; i < cfg_size(root, "listen"); i++) {
		cfg_t *section = cfg_getsec(cfg_getnsec(root, "listen", i),
			"tls-options");
		struct listen_settings *listen = &settings->listens[i];

		if (!gives_any(section))
			continue;
		listen->own_tls = settings_allocate(1,
			sizeof(*listen->own_tls));
		take_section(section, &settings->tls, listen->own_tls,
			&settings->key_count);
		if (listen->tls == TLS_NONE)
			settings_file_mistake(section, "listen \"%s\" has "
				"tls-options, but tls = none", listen->name);
	}
}

static void free_certificate(struct certificate_settings *certificate)
{
	for (size_t i = 0; i < certificate->pair_count; i++) {
		free(certificate->pairs[i].certificate);
		free(certificate->pairs[i].key);
		free(certificate->pairs[i].ocsp);
	}
	free(certificate->pairs);
	free(certificate->host);
	free(certificate->place);
}

static bool has_default(const struct tls_settings *tls)
{
	return tls->certificates[0].pair_count > 0;
}

/* Whether each listener with TLS has certificates of its own. */
static bool is_needless(cfg_t *section, const struct settings *settings)
{
	unsigned others = 0;

	for (size_t i = 0; i < settings->listen_count; i++) {
		if (settings->listens[i].own_tls != NULL)
			others++;
		else if (settings->listens[i].tls != TLS_NONE)
			return false;
	}
	return others > 0 && !has_pair(section) &&
		settings->tls.certificate_count == 1;
}

/* Nothing may need the certificate that is not there; then none is counted. */
static void check_default(cfg_t *section, struct settings *settings)
{
	struct tls_settings *tls = &settings->tls;

	if (has_default(tls) && !is_needless(section, settings))
		return;
	if (tls->certificate_count > 1)
		settings_file_mistake(section, "a host has a certificate, but "
			"there is no default one (set certificate and key)");
	if (settings_file_mistakes() == 0) {
		free_certificate(&tls->certificates[0]);
		tls->certificate_count = 0;
	}
}

static void check_listener(cfg_t *section, const struct settings *settings,
	const struct listen_settings *listen)
{
	const struct tls_settings *tls = listen->own_tls != NULL ?
		listen->own_tls : &settings->tls;

	if (listen->tls != TLS_NONE && !has_default(tls))
		settings_file_mistake(section, "listen \"%s\" offers TLS, but "
			"no certificate is set (set certificate and key, or "
			"tls = none there)", listen->name);
}

void settings_take_tls(cfg_t *root, struct settings *settings)
{
	cfg_t *section = cfg_getsec(root, "tls");
	unsigned mistakes = settings_file_mistakes();

	settings->ticket_lifetime_s =
		(uint32_t)cfg_getint(section, "ticket-lifetime");
	take_section(section, NULL, &settings->tls, &settings->key_count);
	take_own(root, settings);
	if (settings_file_mistakes() > mistakes)
		return;
	for (size_t i = 0; i < settings->listen_count; i++)
		check_listener(section, settings, &settings->listens[i]);
	check_default(section, settings);
}

void settings_free_tls(struct tls_settings *tls)
{
	for (size_t i = 0; i < tls->certificate_count; i++)
		free_certificate(&tls->certificates[i]);
	free(tls->certificates);
	free(tls->priority);
	free(tls->client_ca);
	free(tls->client_crl);
}
