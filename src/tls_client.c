/*
 * tls_client.c - who a client is, by its certificate
 *
 * Runs in: a worker.  Distrusts: the certificate until it is verified, and then
 * what it says, because authorities err.
 */
#include "config.h"

#include "tls_client.h"

#include <gnutls/x509.h>
#include <stdbool.h>
#include <string.h>

/* Whether the certificate leads to one of client-ca, for a TLS client, now. */
static bool is_verified(gnutls_session_t session)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	unsigned int flaws;

	return gnutls_certificate_verify_peers(session, &purpose, 1,
		&flaws) >= 0 && flaws == 0;
}

/* Whether 'name' is UTF-8 of a bounded length, without control characters. */
static bool is_plain_text(const char *name, size_t count)
{
	gnutls_datum_t normal = { NULL, 0 };

	if (count == 0 || count >= TLS_CLIENT_NAME_BYTES)
		return false;
	for (size_t i = 0; i < count; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
			return false;
	bool is_text = gnutls_utf8_password_normalize(
		(const unsigned char *)name, (unsigned int)count, &normal,
		0) >= 0;
	gnutls_free(normal.data);
	return is_text;
}

/*
 * The first rfc822Name.  Returns its length; 0 if there is none; or -1 if there
 * is one that can't be used.
 */
static int find_address(gnutls_x509_crt_t certificate, char *name,
	size_t room)
{
	for (unsigned int i = 0; ; i++) {
		size_t count = room;
		int type = gnutls_x509_crt_get_subject_alt_name(certificate, i,
			name, &count, NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return 0;
		if (type == GNUTLS_SAN_RFC822NAME)
			return is_plain_text(name, count) ? (int)count : -1;
		/* Any other kind may be as long as it likes. */
		if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER)
			return -1;
	}
}

/* The common name, if there is one only: its length, else -1. */
static int find_common_name(gnutls_x509_crt_t certificate, char *name,
	size_t room)
{
	size_t count = room, second = 0;

	if (gnutls_x509_crt_get_dn_by_oid(certificate,
			GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &count) < 0 ||
			gnutls_x509_crt_get_dn_by_oid(certificate,
				GNUTLS_OID_X520_COMMON_NAME, 1, 0, NULL,
				&second) !=
				GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return -1;
	return is_plain_text(name, count) ? (int)count : -1;
}

static int find_name(gnutls_x509_crt_t certificate, char *name, size_t room)
{
	int count = find_address(certificate, name, room);

	return count != 0 ? count : find_common_name(certificate, name, room);
}

/* The name in the certificate that was shown: its length, else -1. */
static int read_name(gnutls_session_t session, char *name, size_t room)
{
	unsigned int chain_count = 0;
	const gnutls_datum_t *chain = gnutls_certificate_get_peers(session,
		&chain_count);
	gnutls_x509_crt_t certificate;
	int count = -1;

	if (chain == NULL || chain_count == 0 ||
			gnutls_x509_crt_init(&certificate) < 0)
		return -1;
	if (gnutls_x509_crt_import(certificate, &chain[0],
			GNUTLS_X509_FMT_DER) >= 0)
		count = find_name(certificate, name, room);
	gnutls_x509_crt_deinit(certificate);
	return count;
}

void tls_client_identify(gnutls_session_t session,
	char name[TLS_CLIENT_NAME_BYTES])
{
	int count = is_verified(session) ?
		read_name(session, name, TLS_CLIENT_NAME_BYTES) : -1;

	name[count > 0 ? count : 0] = '\0';
}
