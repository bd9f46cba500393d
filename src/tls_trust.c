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

/* Each of the credentials gets its own copy, as below. */
static int add_authorities(struct tls_set *set, const gnutls_datum_t *pem)
{
	int status = 1;

	for (size_t i = 0; i < set->certificate_count && status > 0; i++)
		status = gnutls_certificate_set_x509_trust_mem(
			set->certificates[i].credentials, pem,
			GNUTLS_X509_FMT_PEM);
	return status;
}

/* The list that must be replaced first decides. */
static void note_age(struct tls_set *set, gnutls_x509_crl_t list)
{
	time_t until = gnutls_x509_crl_get_next_update(list);

	if (until != (time_t)-1 && until < set->crl_until_s)
		set->crl_until_s = until;
}

/* Whether one of the authorities has signed 'list', however old it is. */
static bool is_signed(gnutls_x509_crl_t list, const gnutls_x509_crt_t *all,
	unsigned int count)
{
	unsigned int flaws;

	/* What is wrong with the signature has a flag beside INVALID. */
	return gnutls_x509_crl_verify(list, all, count, 0, &flaws) >= 0 &&
		(flaws & ~(unsigned)(GNUTLS_CERT_INVALID |
			GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED)) == 0;
}

/* Returns NULL, or what is wrong with the lists. */
static const char *check_lists(struct tls_set *set, const gnutls_datum_t *pem,
	const gnutls_x509_crt_t *authorities, unsigned int authority_count)
{
	gnutls_x509_crl_t *lists;
	unsigned int count;
	const char *wrong = NULL;

	if (gnutls_x509_crl_list_import2(&lists, &count, pem,
			GNUTLS_X509_FMT_PEM, 0) < 0)
		return "no PEM revocation lists";
	for (unsigned int i = 0; i < count; i++) {
		note_age(set, lists[i]);
		if (!is_signed(lists[i], authorities, authority_count))
			wrong = "a list is not signed by one of client-ca";
		gnutls_x509_crl_deinit(lists[i]);
	}
	gnutls_free(lists);
	return wrong;
}

static const char *add_lists(struct tls_set *set, const gnutls_datum_t *pem)
{
	int status = 1;

	for (size_t i = 0; i < set->certificate_count && status > 0; i++)
		status = gnutls_certificate_set_x509_crl_mem(
			set->certificates[i].credentials, pem,
			GNUTLS_X509_FMT_PEM);
	return status > 0 ? NULL : "no PEM revocation lists";
}

static int load_ca(struct tls_set *set, gnutls_datum_t *pem, FILE *errors)
{
	const char *path = set->settings->client_ca;

	if (read_pem(set, "client-ca", path, pem, errors) < 0)
		return -1;
	return add_authorities(set, pem) > 0 ? 0 : tell(set, "client-ca", path,
		"no PEM certificates", errors);
}

/* 'ca' is what client-ca holds. */
static int load_crl(struct tls_set *set, const gnutls_datum_t *ca,
	FILE *errors)
{
	const char *path = set->settings->client_crl;
	gnutls_x509_crt_t *authorities;
	unsigned int count;
	gnutls_datum_t pem;

	if (read_pem(set, "client-crl", path, &pem, errors) < 0)
		return -1;
	const char *wrong = "out of memory";
	if (gnutls_x509_crt_list_import2(&authorities, &count, ca,
			GNUTLS_X509_FMT_PEM, 0) >= 0) {
		wrong = check_lists(set, &pem, authorities, count);
		for (unsigned int i = 0; i < count; i++)
			gnutls_x509_crt_deinit(authorities[i]);
		gnutls_free(authorities);
	}
	if (wrong == NULL)
		wrong = add_lists(set, &pem);
	gnutls_free(pem.data);
	return wrong == NULL ? 0 : tell(set, "client-crl", path, wrong, errors);
}

int tls_trust_load(struct tls_set *set, FILE *errors)
{
	const struct tls_settings *settings = set->settings;

	set->client_request = GNUTLS_CERT_IGNORE;
	set->crl_until_s = INT64_MAX;
	if (settings->client_ca[0] == '\0')
		return 0;

	gnutls_datum_t pem = { NULL, 0 };
	int status = load_ca(set, &pem, errors);
	if (status == 0 && settings->client_crl[0] != '\0')
		status = load_crl(set, &pem, errors);
	gnutls_free(pem.data);
	if (status < 0)
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
