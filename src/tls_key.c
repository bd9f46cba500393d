/*
 * tls_key.c - private keys that only the signer has
 *
 * Runs in: a worker, in the middle of a handshake.  Never: has a private key.
 */
#include "config.h"

#include "tls_key.h"

#include <string.h>

#include "deadline.h"
#include "wire.h"

/* How long a worker waits for a signature. */
#define SIGNER_TIMEOUT_S 5

/* Ask the signer; 'octets' is what the handshake wants signed. */
static int ask_signer(const struct tls_pair *pair,
	struct wire_sign *request, const gnutls_datum_t *octets,
	gnutls_datum_t *signature)
{
	struct wire_signature answer;
	int fd = pair->context->signer_fd;

	if (octets->size > sizeof(request->octets))
		return GNUTLS_E_INVALID_REQUEST;
	request->kind = WIRE_SIGN;
	request->key = pair->settings->number;
	request->count = octets->size;
	memcpy(request->octets, octets->data, octets->size);

	if (wire_send(fd, request, sizeof(*request), -1) < 0 ||
			wire_wait(fd, deadline_in_s(SIGNER_TIMEOUT_S)) < 0 ||
			wire_receive(fd, WIRE_SIGN, &answer, sizeof(answer),
				NULL) < 0 ||
			answer.count == 0 ||
			answer.count > sizeof(answer.octets))
		return GNUTLS_E_PK_SIGN_FAILED;

	signature->data = gnutls_malloc(answer.count);
	if (signature->data == NULL)
		return GNUTLS_E_MEMORY_ERROR;
	memcpy(signature->data, answer.octets, answer.count);
	signature->size = answer.count;
	return 0;
}

/* GnuTLS calls these two in a handshake; 'flags' are only for PKCS#11. */
static int sign_data(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm,
	void *pair, unsigned int flags, const gnutls_datum_t *data,
	gnutls_datum_t *signature)
{
	struct wire_sign request = { .algorithm = algorithm };

	(void)key;
	(void)flags;
	return ask_signer(pair, &request, data, signature);
}

static int sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm,
	void *pair, unsigned int flags, const gnutls_datum_t *hash,
	gnutls_datum_t *signature)
{
	struct wire_sign request = { .algorithm = algorithm, .is_digest = 1 };

	(void)key;
	(void)flags;
	return ask_signer(pair, &request, hash, signature);
}

/* GnuTLS asks what kind of key it has; -1 means "not known". */
static int key_info(gnutls_privkey_t key, unsigned int flags, void *userdata)
{
	const struct tls_pair *pair = userdata;

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return (int)pair->algorithm;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)pair->bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return (int)gnutls_sign_supports_pk_algorithm(
			GNUTLS_FLAGS_TO_SIGN_ALGO(flags),
			pair->algorithm);
	return -1;
}

int tls_key_set(gnutls_certificate_credentials_t credentials,
	struct tls_pair *pair, gnutls_pcert_st *chain, unsigned int count)
{
	gnutls_privkey_t key;
	int status = gnutls_privkey_init(&key);

	if (status < 0)
		return status;
	status = gnutls_privkey_import_ext4(key, pair, sign_data, sign_hash,
		NULL, NULL, key_info, 0);
	/* The signer has compared key and certificate. */
	gnutls_certificate_set_flags(credentials,
		GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	if (status >= 0)
		status = gnutls_certificate_set_key(credentials, NULL, 0,
			chain, (int)count, key);
	if (status < 0)
		gnutls_privkey_deinit(key);
	return status < 0 ? status : 0;
}
