/*
 * tls_chain.c - whether a chain of certificates is good
 *
 * Runs in: the master, or a child of it that tries new files.
 */
#include "config.h"

#include "tls_chain.h"

int tls_chain_read(const gnutls_datum_t *pem,
	gnutls_x509_crt_t chain[TLS_CHAIN_MOST])
{
	unsigned int count = TLS_CHAIN_MOST;
	int read = gnutls_x509_crt_list_import(chain, &count, pem,
		GNUTLS_X509_FMT_PEM,
		GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED);

	return read == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : read;
}

void tls_chain_free(gnutls_x509_crt_t *chain, int count)
{
	for (int i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
}

/* Dates are looked at by themselves, so that each gets its own message. */
static bool is_signed_by(gnutls_x509_crt_t certificate,
	gnutls_x509_crt_t issuer)
{
	unsigned int result;

	return gnutls_x509_crt_check_issuer(certificate, issuer) != 0 &&
		gnutls_x509_crt_verify(certificate, &issuer, 1,
			GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
			GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS,
			&result) >= 0 &&
		(result & GNUTLS_CERT_INVALID) == 0;
}

void tls_chain_check(gnutls_x509_crt_t *chain, int count,
	struct tls_pair *pair)
{
	pair->until_s = INT64_MAX;
	for (int i = 0; i < count; i++) {
		int64_t from_s = gnutls_x509_crt_get_activation_time(chain[i]);
		int64_t until_s = gnutls_x509_crt_get_expiration_time(
			chain[i]);
		if (from_s > pair->from_s)
			pair->from_s = from_s;
		if (until_s < pair->until_s)
			pair->until_s = until_s;
		if (i + 1 < count && !is_signed_by(chain[i], chain[i + 1]))
			pair->flaw = "a certificate of the chain is not "
				"signed by the next one";
	}
}

const char *tls_chain_flaw(const struct tls_pair *pair, int64_t now_s)
{
	if (now_s > pair->until_s)
		return "it has expired, or its chain";
	if (now_s < pair->from_s)
		return "it is not valid yet";
	return pair->flaw;
}
