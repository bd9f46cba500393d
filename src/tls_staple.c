/*
 * tls_staple.c - OCSP responses that are sent with certificates
 *
 * Runs in: the master (reads them), workers (send them).  Fetching them is the
 * work of others.  RFC 6960; RFC 6066 section 8.
 */
#include "config.h"

#include "tls_staple.h"

#include <gnutls/ocsp.h>
#include <string.h>
#include <time.h>

#define PEM_BEGINNING "-----BEGIN"

/* More is no response for one certificate. */
#define STAPLE_BYTES 65536

static gnutls_x509_crt_fmt_t format_of(const gnutls_datum_t *file)
{
	size_t count = strlen(PEM_BEGINNING);

	return file->size >= count &&
		memcmp(file->data, PEM_BEGINNING, count) == 0 ?
		GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER;
}

/* Whether the issuer has signed it, or one whom the issuer lets do so. */
static bool is_signed_by(gnutls_ocsp_resp_t response, gnutls_x509_crt_t issuer)
{
	gnutls_x509_trust_list_t trust;
	unsigned int flaws = 1;

	if (gnutls_x509_trust_list_init(&trust, 0) < 0)
		return false;
	if (gnutls_x509_trust_list_add_cas(trust, &issuer, 1, 0) < 1 ||
			gnutls_ocsp_resp_verify(response, trust, &flaws, 0) < 0)
		flaws = 1;
	gnutls_x509_trust_list_deinit(trust, 0);
	return flaws == 0;
}

static const char *find_flaw(gnutls_ocsp_resp_t response,
	gnutls_x509_crt_t *chain, int count, struct tls_staple *staple)
{
	unsigned int status;
	time_t next = (time_t)-1;

	if (gnutls_ocsp_resp_get_status(response) != GNUTLS_OCSP_RESP_SUCCESSFUL
			|| gnutls_ocsp_resp_check_crt(response, 0, chain[0]) < 0
			|| gnutls_ocsp_resp_get_single(response, 0, NULL, NULL,
				NULL, NULL, &status, NULL, &next, NULL, NULL)
			< 0)
		return "it is not for this certificate";
	if (status != GNUTLS_OCSP_CERT_GOOD)
		return "it does not say that the certificate is good";
	if (count > 1 && !is_signed_by(response, chain[1]))
		return "it is not signed by the issuer of the certificate";
	staple->until_s = next == (time_t)-1 ? 0 : next;
	return NULL;
}

static const char *parse(struct tls_staple *staple, const gnutls_datum_t *file,
	gnutls_x509_crt_t *chain, int count)
{
	gnutls_ocsp_resp_t response;
	const char *flaw = "it is no OCSP response";

	if (file->size > STAPLE_BYTES ||
			gnutls_ocsp_resp_init(&response) < 0)
		return flaw;
	if (gnutls_ocsp_resp_import2(response, file, format_of(file)) >= 0)
		flaw = find_flaw(response, chain, count, staple);
	if (flaw == NULL && gnutls_ocsp_resp_export(response,
			&staple->der) < 0)
		flaw = "out of memory";
	gnutls_ocsp_resp_deinit(response);
	return flaw;
}

void tls_staple_read(struct tls_staple *staple, const char *path,
	gnutls_x509_crt_t *chain, int count)
{
	gnutls_datum_t file;

	if (*path == '\0')
		return;
	if (gnutls_load_file(path, &file) < 0) {
		staple->flaw = "it can't be read";
		return;
	}
	staple->flaw = parse(staple, &file, chain, count);
	gnutls_free(file.data);
}

void tls_staple_free(struct tls_staple *staple)
{
	gnutls_free(staple->der.data);
	staple->der.data = NULL;
}

bool tls_staple_is_fresh(const struct tls_staple *staple, int64_t now_s)
{
	return staple->der.data != NULL &&
		(staple->until_s == 0 || now_s < staple->until_s);
}

/* GnuTLS asks for each handshake, and frees what it gets. */
static int give(gnutls_session_t session, void *userdata,
	gnutls_datum_t *response)
{
	const struct tls_staple *staple = userdata;

	(void)session;
	if (!tls_staple_is_fresh(staple, time(NULL)))
		return GNUTLS_E_NO_CERTIFICATE_STATUS;
	response->data = gnutls_malloc(staple->der.size);
	if (response->data == NULL)
		return GNUTLS_E_NO_CERTIFICATE_STATUS;
	memcpy(response->data, staple->der.data, staple->der.size);
	response->size = staple->der.size;
	return 0;
}

int tls_staple_set(gnutls_certificate_credentials_t credentials, unsigned idx,
	struct tls_staple *staple)
{
	if (staple->der.data == NULL)
		return 0;
	return gnutls_certificate_set_ocsp_status_request_function2(
		credentials, idx, give, staple);
}
