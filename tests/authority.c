/*
 * authority.c - keys and certificates for tests, made here
 */
#include "config.h"

#include "authority.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "scratch.h"

#define STEM_BYTES 64

static void write_pem(const char *stem, const char *what, gnutls_datum_t *pem)
{
	char name[STEM_BYTES];

	snprintf(name, sizeof(name), "%s.%s.pem", stem, what);
	scratch_write_octets(name, (const char *)pem->data, pem->size);
	gnutls_free(pem->data);
}

static gnutls_datum_t read_pem(const char *stem, const char *what)
{
	char name[STEM_BYTES];
	gnutls_datum_t pem;

	snprintf(name, sizeof(name), "%s.%s.pem", stem, what);
	assert_int_equal(gnutls_load_file(scratch_path(name), &pem), 0);
	return pem;
}

static gnutls_x509_privkey_t make_key(const struct wanted_certificate *wanted)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, wanted->is_rsa ?
		GNUTLS_PK_RSA : GNUTLS_PK_ECDSA, wanted->is_rsa ? 2048 :
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM,
		&pem), 0);
	write_pem(wanted->stem, "key", &pem);
	return key;
}

/* Put tag and length before 'count' octets at 'der' + 4.  Returns where. */
static size_t put_head(unsigned char *der, unsigned char tag, size_t count)
{
	if (count < 0x80) {
		der[2] = tag;
		der[3] = (unsigned char)count;
		return 2;
	}
	der[0] = tag;
	der[1] = 0x82;
	der[2] = (unsigned char)(count >> 8);
	der[3] = (unsigned char)count;
	if (count > 0xff)
		return 0;
	der[1] = tag;
	der[2] = 0x81;
	return 1;
}

/* GnuTLS makes no rfc822Name that is wrong; an authority may. */
static void set_address(gnutls_x509_crt_t certificate, const char *address,
	size_t count)
{
	unsigned char der[1024];

	assert_true(count < sizeof(der) - 8);
	memcpy(der + 8, address, count);
	size_t inner = put_head(der + 4, 0x81, count);
	count += 4 - inner;
	memmove(der + 4, der + 4 + inner, count);
	size_t outer = put_head(der, 0x30, count);
	assert_int_equal(gnutls_x509_crt_set_extension_by_oid(certificate,
		"2.5.29.17", der + outer, 4 - outer + count, 0), 0);
}

static void set_names(gnutls_x509_crt_t certificate,
	const struct wanted_certificate *wanted)
{
	const char *address = wanted->address;

	for (size_t i = 0; i < 2; i++)
		if (wanted->common_names[i] != NULL)
			assert_int_equal(gnutls_x509_crt_set_dn_by_oid(
				certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
				wanted->common_names[i], (unsigned int)
				strlen(wanted->common_names[i])), 0);
	if (address != NULL)
		set_address(certificate, address, wanted->address_count > 0 ?
			wanted->address_count : strlen(address));
	if (wanted->purpose != NULL)
		assert_int_equal(gnutls_x509_crt_set_key_purpose_oid(
			certificate, wanted->purpose, 0), 0);
}

static void sign(gnutls_x509_crt_t certificate, gnutls_x509_privkey_t own_key,
	const char *issuer_stem)
{
	gnutls_x509_crt_t issuer;
	gnutls_x509_privkey_t key;

	if (issuer_stem == NULL) {
		assert_int_equal(gnutls_x509_crt_sign2(certificate,
			certificate, own_key, GNUTLS_DIG_SHA256, 0), 0);
		return;
	}
	gnutls_datum_t crt_pem = read_pem(issuer_stem, "cert");
	gnutls_datum_t key_pem = read_pem(issuer_stem, "key");
	gnutls_x509_crt_init(&issuer);
	gnutls_x509_privkey_init(&key);
	assert_int_equal(gnutls_x509_crt_import(issuer, &crt_pem,
		GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_privkey_import(key, &key_pem,
		GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_crt_sign2(certificate, issuer, key,
		GNUTLS_DIG_SHA256, 0), 0);
	gnutls_x509_crt_deinit(issuer);
	gnutls_x509_privkey_deinit(key);
	gnutls_free(crt_pem.data);
	gnutls_free(key_pem.data);
}

void authority_make(const struct wanted_certificate *wanted)
{
	static unsigned char serial;
	gnutls_x509_privkey_t key = make_key(wanted);
	gnutls_x509_crt_t certificate;
	gnutls_datum_t pem;
	long valid_s = wanted->valid_s != 0 ? wanted->valid_s : 3600;

	serial++;
	assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
	gnutls_x509_crt_set_version(certificate, 3);
	gnutls_x509_crt_set_serial(certificate, &serial, 1);
	gnutls_x509_crt_set_activation_time(certificate, time(NULL) - 7200);
	gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + valid_s);
	gnutls_x509_crt_set_key(certificate, key);
	set_names(certificate, wanted);
	gnutls_x509_crt_set_basic_constraints(certificate,
		(unsigned int)wanted->is_authority, -1);
	if (wanted->is_authority)
		gnutls_x509_crt_set_key_usage(certificate,
			GNUTLS_KEY_KEY_CERT_SIGN |
			GNUTLS_KEY_DIGITAL_SIGNATURE);
	sign(certificate, key, wanted->issuer);
	assert_int_equal(gnutls_x509_crt_export2(certificate,
		GNUTLS_X509_FMT_PEM, &pem), 0);
	write_pem(wanted->stem, "cert", &pem);
	gnutls_x509_crt_deinit(certificate);
	gnutls_x509_privkey_deinit(key);
}
