/*
 * tls_context.c - certificates, and private keys that live in the signer
 *
 * Runs in: the master (makes it), workers (inherit it).  Never: has a private
 * key.
 */
#include "config.h"

#include "tls_context.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "wire.h"

/*
 * Appended to the system's policy: no TLS below 1.2, no static RSA (the signer
 * only signs), no finite-field DH (FFDHE8192 costs 200 ms a handshake, and the
 * client chooses it for nothing).
 */
#define DEFAULT_PRIORITY "-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL:" \
	"-RSA:-DHE-RSA:-GROUP-DH-ALL"

/* A longer chain is a mistake. */
#define CHAIN_CERTIFICATES 16

/* How long a worker waits for a signature. */
#define SIGNER_TIMEOUT_S 5

/* Ask the signer; 'octets' is what the handshake wants signed. */
static int ask_signer(const struct tls_certificate *certificate,
	struct wire_sign *request, const gnutls_datum_t *octets,
	gnutls_datum_t *signature)
{
	struct wire_signature answer;
	int fd = certificate->context->signer_fd;

	if (octets->size > sizeof(request->octets))
		return GNUTLS_E_INVALID_REQUEST;
	request->kind = WIRE_SIGN;
	request->key = certificate->key;
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
	void *certificate, unsigned int flags, const gnutls_datum_t *data,
	gnutls_datum_t *signature)
{
	struct wire_sign request = { .algorithm = algorithm };

	(void)key;
	(void)flags;
	return ask_signer(certificate, &request, data, signature);
}

static int sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algorithm,
	void *certificate, unsigned int flags, const gnutls_datum_t *hash,
	gnutls_datum_t *signature)
{
	struct wire_sign request = { .algorithm = algorithm, .is_digest = 1 };

	(void)key;
	(void)flags;
	return ask_signer(certificate, &request, hash, signature);
}

/* GnuTLS asks what kind of key it has; -1 means "not known". */
static int key_info(gnutls_privkey_t key, unsigned int flags, void *userdata)
{
	const struct tls_certificate *certificate = userdata;

	(void)key;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return (int)certificate->algorithm;
	if (flags & GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)certificate->bits;
	if (flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO)
		return (int)gnutls_sign_supports_pk_algorithm(
			GNUTLS_FLAGS_TO_SIGN_ALGO(flags),
			certificate->algorithm);
	return -1;
}

static void free_chain(gnutls_pcert_st *chain, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		gnutls_pcert_deinit(&chain[i]);
}

/* Give 'chain' to the credentials, with a key that the signer has. */
static int set_external_key(struct tls_certificate *certificate,
	gnutls_pcert_st *chain, unsigned int count)
{
	gnutls_privkey_t key;
	int status = gnutls_privkey_init(&key);

	if (status < 0)
		return status;
	status = gnutls_privkey_import_ext4(key, certificate, sign_data,
		sign_hash, NULL, NULL, key_info, 0);
	/* The signer has compared key and certificate. */
	gnutls_certificate_set_flags(certificate->credentials,
		GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	if (status >= 0)
		status = gnutls_certificate_set_key(certificate->credentials,
			NULL, 0, chain, (int)count, key);
	if (status < 0)
		gnutls_privkey_deinit(key);
	return status;
}

static int load_chain(struct tls_certificate *certificate,
	const gnutls_datum_t *pem)
{
	/* gnutls_certificate_set_key() takes over what is in it. */
	gnutls_pcert_st chain[CHAIN_CERTIFICATES];
	unsigned int count = CHAIN_CERTIFICATES;
	int status = gnutls_pcert_list_import_x509_raw(chain, &count, pem,
		GNUTLS_X509_FMT_PEM, 0);

	if (status < 0)
		return status;
	status = gnutls_pubkey_get_pk_algorithm(chain[0].pubkey,
		&certificate->bits);
	if (status >= 0) {
		certificate->algorithm = (unsigned int)status;
		status = set_external_key(certificate, chain, count);
	}
	if (status < 0)
		free_chain(chain, count);
	return status;
}

static int load_certificate(struct tls_certificate *certificate,
	const struct certificate_settings *settings, FILE *errors)
{
	gnutls_datum_t pem;
	int status = gnutls_load_file(settings->certificate, &pem);

	if (status < 0) {
		fprintf(errors, "%s: certificate = \"%s\": can't read it: "
			"%s\n", settings->place, settings->certificate,
			strerror(errno));
		return -1;
	}
	certificate->host = settings->host;
	status = gnutls_certificate_allocate_credentials(
		&certificate->credentials);
	if (status >= 0)
		status = load_chain(certificate, &pem);
	gnutls_free(pem.data);
	if (status < 0) {
		fprintf(errors, "%s: certificate = \"%s\": not a PEM "
			"certificate chain: %s\n", settings->place,
			settings->certificate, gnutls_strerror(status));
		return -1;
	}
	return 0;
}

/* Each of the credentials knows the authorities of clients. */
static int trust(struct tls_context *context, const gnutls_datum_t *pem)
{
	int status = 0;

	for (size_t i = 0; i < context->certificate_count && status >= 0; i++) {
		status = gnutls_certificate_set_x509_trust_mem(
			context->certificates[i].credentials, pem,
			GNUTLS_X509_FMT_PEM);
		if (status == 0)
			status = GNUTLS_E_NO_CERTIFICATE_FOUND;
	}
	return status;
}

static int load_client_ca(struct tls_context *context,
	const struct tls_settings *settings, FILE *errors)
{
	const char *place = settings->certificates[0].place;
	gnutls_datum_t pem;

	context->client_request = GNUTLS_CERT_IGNORE;
	if (settings->client_ca[0] == '\0')
		return 0;
	if (gnutls_load_file(settings->client_ca, &pem) < 0) {
		fprintf(errors, "%s: client-ca = \"%s\": can't read it: %s\n",
			place, settings->client_ca, strerror(errno));
		return -1;
	}
	int status = trust(context, &pem);
	gnutls_free(pem.data);
	if (status < 0) {
		fprintf(errors, "%s: client-ca = \"%s\": no PEM certificates: "
			"%s\n", place, settings->client_ca,
			gnutls_strerror(status));
		return -1;
	}
	context->client_request =
		settings->client_certificate == CLIENT_REQUIRED ?
		GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST;
	return 0;
}

static int set_priority(struct tls_context *context,
	const struct tls_settings *settings, FILE *errors)
{
	const char *addition = settings->priority;
	const char *place = settings->certificates[0].place;
	char priority[1024];
	const char *where = priority;
	int length = snprintf(priority, sizeof(priority), "%s%s%s",
		DEFAULT_PRIORITY, addition[0] != '\0' ? ":" : "", addition);

	if (length < 0 || (size_t)length >= sizeof(priority)) {
		fprintf(errors, "%s: priority is too long\n", place);
		return -1;
	}
	int status = gnutls_priority_init2(&context->priority, priority, &where,
		GNUTLS_PRIORITY_INIT_DEF_APPEND);
	if (status < 0) {
		/* It is about the whole if it points at our part. */
		bool is_precise = where >= priority + strlen(DEFAULT_PRIORITY);
		fprintf(errors, "%s: priority = \"%s\" is wrong%s%s: %s "
			"(see gnutls-cli --list)\n", place, addition,
			is_precise ? " at " : "", is_precise ? where : "",
			gnutls_strerror(status));
		return -1;
	}
	return 0;
}

/*
 * Do one elliptic-curve operation, for what the libraries do only once: choose
 * routines for this processor, bind symbols.  Else every worker would.
 */
static void warm_up(void)
{
	gnutls_privkey_t key;

	if (gnutls_privkey_init(&key) < 0)
		return;
	/* The key is for nothing, so nothing is lost if there is none. */
	(void)gnutls_privkey_generate(key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_privkey_deinit(key);
}

static int fill_context(struct tls_context *context,
	const struct tls_settings *settings, FILE *errors)
{
	size_t count = settings->certificate_count;

	if (set_priority(context, settings, errors) < 0)
		return -1;
	warm_up();
	context->certificates = calloc(count,
		sizeof(*context->certificates));
	if (context->certificates == NULL ||
			gnutls_session_ticket_key_generate(
				&context->ticket_key) < 0) {
		fprintf(errors, "tls: out of memory\n");
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct tls_certificate *next = &context->certificates[i];
		next->context = context;
		next->key = (uint32_t)i;
		context->certificate_count = i + 1;
		if (load_certificate(next, &settings->certificates[i],
				errors) < 0)
			return -1;
	}
	return load_client_ca(context, settings, errors);
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

static struct tls_certificate *find_host(struct tls_context *context,
	const char *host, bool (*matches)(const char *, const char *))
{
	for (size_t i = 0; i < context->certificate_count; i++) {
		struct tls_certificate *found = &context->certificates[i];
		if (found->host != NULL && matches(host, found->host))
			return found;
	}
	return NULL;
}

struct tls_context *tls_context_new(const struct tls_settings *settings,
	FILE *errors)
{
	struct tls_context *context = calloc(1, sizeof(*context));

	if (context == NULL) {
		fprintf(errors, "tls: out of memory\n");
		return NULL;
	}
	context->signer_fd = -1;
	if (fill_context(context, settings, errors) < 0) {
		tls_context_free(context);
		return NULL;
	}
	return context;
}

void tls_context_free(struct tls_context *context)
{
	if (context == NULL)
		return;
	tls_context_wipe(context);
	for (size_t i = 0; i < context->certificate_count; i++)
		if (context->certificates[i].credentials != NULL)
			gnutls_certificate_free_credentials(
				context->certificates[i].credentials);
	free(context->certificates);
	if (context->priority != NULL)
		gnutls_priority_deinit(context->priority);
	gnutls_free(context->ticket_key.data);
	free(context);
}

void tls_context_wipe(struct tls_context *context)
{
	if (context->ticket_key.data != NULL)
		explicit_bzero(context->ticket_key.data,
			context->ticket_key.size);
}

void tls_context_use_signer(struct tls_context *context, int signer_fd)
{
	context->signer_fd = signer_fd;
}

struct tls_certificate *tls_context_choose(struct tls_context *context,
	const char *host)
{
	char name[256];
	size_t count = strnlen(host, sizeof(name) - 1);

	for (size_t i = 0; i < count; i++)
		name[i] = (char)tolower((unsigned char)host[i]);
	if (count > 0 && name[count - 1] == '.')
		count--;
	name[count] = '\0';

	struct tls_certificate *found = find_host(context, name, is_same);
	if (found == NULL)
		found = find_host(context, name, is_below);
	return found != NULL ? found : &context->certificates[0];
}
