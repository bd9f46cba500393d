/*
 * tls_trust.c - whose certificates of clients count
 *
 * Runs in: the master.  Distrusts: nobody, but expects every mistake.
 */
#include "config.h"

#include "tls_trust.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <string.h>
#include <time.h>

/* What is taken from a file: returns how many, or an error of GnuTLS. */
typedef int adder(gnutls_certificate_credentials_t credentials,
	const gnutls_datum_t *pem, gnutls_x509_crt_fmt_t format);

static int tell(const struct tls_set *set, const char *option,
	const char *path, const char *why, FILE *errors)
{
	fprintf(errors, "%s: %s = \"%s\": %s\n",
		set->settings->certificates[0].place, option, path, why);
	return -1;
}

static int read_pem(const struct tls_set *set, const char *option,
	const char *path, gnutls_datum_t *pem, FILE *errors)
{
	char why[256];

	if (gnutls_load_file(path, pem) >= 0)
		return 0;
	snprintf(why, sizeof(why), "can't read it: %s", strerror(errno));
	return tell(set, option, path, why, errors);
}

/* Each of the credentials gets its own copy. */
static int add(struct tls_set *set, const gnutls_datum_t *pem, adder *take)
{
	int status = 1;

	for (size_t i = 0; i < set->certificate_count && status > 0; i++)
		status = take(set->certificates[i].credentials, pem,
			GNUTLS_X509_FMT_PEM);
	return status;
}

/* The list that must be replaced first decides.  'set->crl_until_s' is that. */
static int note_crl(struct tls_set *set, const gnutls_datum_t *pem)
{
	gnutls_x509_crl_t *lists;
	unsigned int count;
	int status = gnutls_x509_crl_list_import2(&lists, &count, pem,
		GNUTLS_X509_FMT_PEM, 0);

	if (status < 0)
		return status;
	for (unsigned int i = 0; i < count; i++) {
		time_t until = gnutls_x509_crl_get_next_update(lists[i]);

		if (until != (time_t)-1 && until < set->crl_until_s)
			set->crl_until_s = until;
		gnutls_x509_crl_deinit(lists[i]);
	}
	gnutls_free(lists);
	return 0;
}

static int load_ca(struct tls_set *set, FILE *errors)
{
	const char *path = set->settings->client_ca;
	gnutls_datum_t pem;

	if (read_pem(set, "client-ca", path, &pem, errors) < 0)
		return -1;
	int status = add(set, &pem, gnutls_certificate_set_x509_trust_mem);
	gnutls_free(pem.data);
	return status > 0 ? 0 : tell(set, "client-ca", path,
		"no PEM certificates", errors);
}

static int load_crl(struct tls_set *set, FILE *errors)
{
	const char *path = set->settings->client_crl;
	gnutls_datum_t pem;

	if (read_pem(set, "client-crl", path, &pem, errors) < 0)
		return -1;
	int status = add(set, &pem, gnutls_certificate_set_x509_crl_mem);
	if (status > 0)
		status = note_crl(set, &pem);
	else
		status = -1;
	gnutls_free(pem.data);
	return status == 0 ? 0 : tell(set, "client-crl", path,
		"no PEM revocation lists", errors);
}

int tls_trust_load(struct tls_set *set, FILE *errors)
{
	const struct tls_settings *settings = set->settings;

	set->client_request = GNUTLS_CERT_IGNORE;
	set->crl_until_s = INT64_MAX;
	if (settings->client_ca[0] == '\0')
		return 0;
	if (load_ca(set, errors) < 0)
		return -1;
	if (settings->client_crl[0] != '\0' && load_crl(set, errors) < 0)
		return -1;
	set->client_request = settings->client_certificate == CLIENT_REQUIRED ?
		GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST;
	return 0;
}

bool tls_trust_tell_flaw(const struct tls_set *set, int64_t now_s, FILE *out)
{
	if (now_s < set->crl_until_s)
		return false;
	(void)tell(set, "client-crl", set->settings->client_crl,
		"it is out of date, and counts as it is", out);
	return true;
}
