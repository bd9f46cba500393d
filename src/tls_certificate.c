/*
 * tls_certificate.c - the certificates of one host, and which host it is
 *
 * Runs in: the master (loads them), workers (choose).  Never: has a private
 * key.
 */
#include "config.h"

#include "tls_certificate.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tls_chain.h"
#include "tls_key.h"
#include "tls_staple.h"

/* What a file held, until the credentials have it. */
struct loaded {
	gnutls_x509_crt_t chain[TLS_CHAIN_MOST];
	int count;
};

static int tell_unread(const struct tls_certificate *certificate,
	const struct tls_pair *pair, FILE *errors)
{
	fprintf(errors, "%s: certificate = \"%s\": can't read it: %s\n",
		certificate->settings->place, pair->settings->certificate,
		strerror(errno));
	return -1;
}

static int tell_wrong(const struct tls_certificate *certificate,
	const struct tls_pair *pair, int status, FILE *errors)
{
	fprintf(errors, "%s: certificate = \"%s\": not a PEM certificate "
		"chain: %s\n", certificate->settings->place,
		pair->settings->certificate, gnutls_strerror(status));
	return -1;
}

static int read_pair(const struct tls_certificate *certificate,
	struct tls_pair *pair, struct loaded *loaded, FILE *errors)
{
	gnutls_datum_t pem;

	if (gnutls_load_file(pair->settings->certificate, &pem) < 0)
		return tell_unread(certificate, pair, errors);
	int status = tls_chain_read(&pem, loaded->chain);
	gnutls_free(pem.data);
	if (status < 0)
		return tell_wrong(certificate, pair, status, errors);
	loaded->count = status;
	status = gnutls_x509_crt_get_pk_algorithm(loaded->chain[0],
		&pair->bits);
	if (status < 0)
		return tell_wrong(certificate, pair, status, errors);
	pair->algorithm = (unsigned int)status;
	size_t count = sizeof(pair->key_id);
	status = gnutls_x509_crt_get_key_id(loaded->chain[0],
		GNUTLS_KEYID_USE_SHA256, pair->key_id, &count);
	if (status < 0)
		return tell_wrong(certificate, pair, status, errors);
	tls_chain_check(loaded->chain, loaded->count, pair);
	tls_staple_read(&pair->staple, pair->settings->ocsp, loaded->chain,
		loaded->count);
	return 0;
}

/* Give it to the credentials, as their certificate 'idx'. */
static int add_pair(struct tls_certificate *certificate, struct tls_pair *pair,
	struct loaded *loaded, unsigned int idx)
{
	/* The credentials take over what is in it. */
	gnutls_pcert_st chain[TLS_CHAIN_MOST];
	unsigned int count = (unsigned int)loaded->count;
	int status = gnutls_pcert_import_x509_list(chain, loaded->chain,
		&count, 0);

	if (status < 0)
		return status;
	status = tls_key_set(certificate->credentials, pair, chain, count);
	if (status >= 0)
		return tls_staple_set(certificate->credentials, idx,
			&pair->staple);
	for (unsigned int i = 0; i < count; i++)
		gnutls_pcert_deinit(&chain[i]);
	return status;
}

static bool is_rsa(const struct tls_pair *pair)
{
	return pair->algorithm == GNUTLS_PK_RSA;
}

static int load_pairs(struct tls_certificate *certificate,
	struct loaded *loaded, FILE *errors)
{
	unsigned int idx = 0;

	for (size_t i = 0; i < certificate->pair_count; i++)
		if (read_pair(certificate, &certificate->pairs[i], &loaded[i],
				errors) < 0)
			return -1;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < certificate->pair_count; i++) {
			struct tls_pair *pair = &certificate->pairs[i];
			if (is_rsa(pair) != (pass == 1))
				continue;
			int status = add_pair(certificate, pair, &loaded[i],
				idx++);
			if (status < 0)
				return tell_wrong(certificate, pair, status,
					errors);
		}
	}
	return 0;
}

int tls_certificate_load(struct tls_certificate *certificate,
	const struct certificate_settings *settings,
	struct tls_context *context, FILE *errors)
{
	size_t count = settings->pair_count;
	struct loaded *loaded = calloc(count, sizeof(*loaded));
	int result = -1;

	certificate->settings = settings;
	certificate->pairs = calloc(count, sizeof(*certificate->pairs));
	if (loaded == NULL || certificate->pairs == NULL ||
			gnutls_certificate_allocate_credentials(
				&certificate->credentials) < 0) {
		fprintf(errors, "tls: out of memory\n");
		free(loaded);
		return -1;
	}
	certificate->pair_count = count;
	for (size_t i = 0; i < count; i++) {
		certificate->pairs[i].context = context;
		certificate->pairs[i].settings = &settings->pairs[i];
	}
	result = load_pairs(certificate, loaded, errors);
	for (size_t i = 0; i < count; i++)
		tls_chain_free(loaded[i].chain, loaded[i].count);
	free(loaded);
	return result;
}

void tls_certificate_free(struct tls_certificate *certificate)
{
	if (certificate->credentials != NULL)
		gnutls_certificate_free_credentials(certificate->credentials);
	for (size_t i = 0; i < certificate->pair_count; i++)
		tls_staple_free(&certificate->pairs[i].staple);
	free(certificate->pairs);
}

/* "mail.example.net" against "*.example.net": one label and the rest. */
static bool is_below(const char *host, const char *pattern)
{
	const char *dot = strchr(host, '.');

	return dot != NULL && dot != host && strncmp(pattern, "*.", 2) == 0 &&
		strcmp(dot, pattern + 1) == 0;
}

static bool is_same(const char *host, const char *pattern)
{
	return strcmp(host, pattern) == 0;
}

static struct tls_certificate *find_host(struct tls_set *set,
	const char *host, bool (*matches)(const char *, const char *))
{
	/* The first one is the default, without a name. */
	for (size_t i = 1; i < set->certificate_count; i++) {
		struct tls_certificate *found = &set->certificates[i];
		if (matches(host, found->settings->host))
			return found;
	}
	return NULL;
}

struct tls_certificate *tls_certificate_choose(struct tls_set *set,
	const char *host)
{
	char name[256];
	size_t count = strnlen(host, sizeof(name) - 1);

	for (size_t i = 0; i < count; i++)
		name[i] = (char)tolower((unsigned char)host[i]);
	if (count > 0 && name[count - 1] == '.')
		count--;
	name[count] = '\0';

	struct tls_certificate *found = find_host(set, name, is_same);
	if (found == NULL)
		found = find_host(set, name, is_below);
	return found != NULL ? found : &set->certificates[0];
}
