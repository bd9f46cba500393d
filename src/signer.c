/*
 * signer.c - the process that has the private keys, and uses them for others
 *
 * Runs as: the settings' signer-user, in an empty root directory.  Reads: SIGN
 * records from workers.  Distrusts: every field of them.  A worker that an
 * attacker has taken over gets signatures while it lives, but never the key.
 * Waits for more than one thing: its workers' sockets.
 */
#include "config.h"

#include "signer.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "log.h"
#include "wire.h"

/* Stdio, the master's socket, a log socket, one that just came, a few. */
#define OTHER_FDS 16

struct keys {
	gnutls_privkey_t *all;	/* by their numbers in the settings */
	size_t count;
};

/* [0] is the master's socket, the others are workers'. */
struct sockets {
	struct pollfd *all;
	nfds_t count, room;
};

/* Make a key that signs out of PEM, which must be certificate 'number's. */
static int import_key(gnutls_privkey_t *key, const gnutls_datum_t *pem,
	const struct tls_context *context, uint32_t number)
{
	unsigned char id[TLS_KEY_ID_OCTETS];
	size_t count = sizeof(id);
	gnutls_x509_privkey_t parsed;
	int status = gnutls_x509_privkey_init(&parsed);

	if (status < 0)
		return status;
	status = gnutls_x509_privkey_import2(parsed, pem, GNUTLS_X509_FMT_PEM,
		NULL, GNUTLS_PKCS_PLAIN);
	if (status >= 0)
		status = gnutls_x509_privkey_get_key_id(parsed,
			GNUTLS_KEYID_USE_SHA256, id, &count);
	if (status >= 0 && !tls_context_has_key(context, number, id))
		status = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
	if (status >= 0)
		status = gnutls_privkey_init(key);
	if (status >= 0)
		status = gnutls_privkey_import_x509(*key, parsed,
			GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	if (status < 0)
		gnutls_x509_privkey_deinit(parsed);
	return status;
}

static int load_key(gnutls_privkey_t *key, const struct pair_settings *pair,
	const char *place, const struct tls_context *context)
{
	gnutls_datum_t pem;

	if (gnutls_load_file(pair->key, &pem) < 0) {
		log_error("%s: %s: can't read it: %s", place, pair->key,
			strerror(errno));
		return -1;
	}
	int status = import_key(key, &pem, context, pair->number);
	explicit_bzero(pem.data, pem.size);
	gnutls_free(pem.data);
	if (status == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
		log_error("%s: %s: not the key of %s", place, pair->key,
			pair->certificate);
	else if (status < 0)
		log_error("%s: %s: not a PEM private key without password: %s",
			place, pair->key, gnutls_strerror(status));
	return status < 0 ? -1 : 0;
}

/* Several hosts and listeners may share a pair. */
static int load_host(struct keys *keys, const struct tls_context *context,
	const struct certificate_settings *host)
{
	for (size_t i = 0; i < host->pair_count; i++) {
		const struct pair_settings *pair = &host->pairs[i];
		if (keys->all[pair->number] == NULL &&
				load_key(&keys->all[pair->number], pair,
					host->place, context) < 0)
			return -1;
	}
	return 0;
}

static int load_set(struct keys *keys, const struct tls_context *context,
	const struct tls_settings *settings)
{
	for (size_t i = 0; i < settings->certificate_count; i++)
		if (load_host(keys, context, &settings->certificates[i]) < 0)
			return -1;
	return 0;
}

static int load_keys(struct keys *keys, const struct signer *signer)
{
	const struct settings *settings = signer->settings;
	const struct tls_context *context = signer->tls_context;

	keys->count = settings->key_count;
	keys->all = calloc(keys->count, sizeof(*keys->all));
	if (keys->all == NULL || load_set(keys, context,
			&settings->tls) < 0)
		return -1;
	for (size_t i = 0; i < settings->listen_count; i++) {
		const struct tls_settings *own = settings->listens[i].own_tls;
		if (own != NULL && load_set(keys, context, own) < 0)
			return -1;
	}
	return 0;
}

/* MD5 and SHA-1 one after the other, which TLS 1.0 and 1.1 have signed. */
#define OLD_DIGEST_OCTETS 36

/* A digest must have the length that its algorithm gives it. */
static bool has_digest_length(const struct wire_sign *request)
{
	if (request->algorithm == GNUTLS_SIGN_RSA_RAW)
		return request->count == OLD_DIGEST_OCTETS;

	gnutls_digest_algorithm_t hash =
		gnutls_sign_get_hash_algorithm(request->algorithm);

	return hash != GNUTLS_DIG_UNKNOWN &&
		request->count == gnutls_hash_get_len(hash);
}

/* Sign what 'request' has; every field was sent by a worker. */
static int sign(const struct keys *keys, const struct wire_sign *request,
	gnutls_datum_t *signature)
{
	gnutls_datum_t octets = {
		.data = (unsigned char *)request->octets,
		.size = request->count,
	};

	if (request->key >= keys->count || keys->all[request->key] == NULL ||
			request->count > sizeof(request->octets) ||
			request->is_digest > 1 ||
			(request->is_digest && !has_digest_length(request)))
		return GNUTLS_E_INVALID_REQUEST;
	gnutls_privkey_t key = keys->all[request->key];
	if (request->is_digest)
		return gnutls_privkey_sign_hash2(key, request->algorithm, 0,
			&octets, signature);
	return gnutls_privkey_sign_data2(key, request->algorithm, 0, &octets,
		signature);
}

/* Answer one request.  Returns -1 when that worker is gone or lies. */
static int serve(const struct keys *keys, int worker_fd)
{
	struct wire_sign request;
	struct wire_signature answer = { .kind = WIRE_SIGN };
	gnutls_datum_t signature = { NULL, 0 };

	if (wire_receive(worker_fd, WIRE_SIGN, &request, sizeof(request),
			NULL) < 0)
		return -1;
	if (sign(keys, &request, &signature) >= 0 &&
			signature.size <= sizeof(answer.octets)) {
		memcpy(answer.octets, signature.data, signature.size);
		answer.count = signature.size;
	}
	gnutls_free(signature.data);
	return wire_send(worker_fd, &answer, sizeof(answer), -1);
}

/* Nobody may keep the signer waiting: whoever does not read is dropped. */
static int add_socket(struct sockets *sockets, int fd)
{
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	if (sockets->count == sockets->room) {
		nfds_t room = sockets->room * 2 + 16;
		struct pollfd *all = realloc(sockets->all,
			room * sizeof(*all));
		if (all == NULL)
			return -1;
		sockets->all = all;
		sockets->room = room;
	}
	sockets->all[sockets->count++] =
		(struct pollfd){ .fd = fd, .events = POLLIN };
	return 0;
}

static void remove_socket(struct sockets *sockets, nfds_t i)
{
	close(sockets->all[i].fd);
	sockets->all[i] = sockets->all[--sockets->count];
}

/* The master sends a worker's socket, or is gone. */
static void hear_master(struct sockets *sockets)
{
	struct wire_plain record;
	int worker_fd;

	if (wire_receive(sockets->all[0].fd, WIRE_SIGNER, &record,
			sizeof(record), &worker_fd) < 0) {
		/* Workers may still be at it: serve them to their end. */
		close(sockets->all[0].fd);
		sockets->all[0].fd = -1;
	} else if (worker_fd >= 0 && add_socket(sockets, worker_fd) < 0) {
		close(worker_fd);
	}
}

static void serve_ready(const struct keys *keys, struct sockets *sockets)
{
	/* Backwards, because the last one takes the place of one removed. */
	for (nfds_t i = sockets->count - 1; i > 0; i--)
		if (sockets->all[i].revents != 0 &&
				serve(keys, sockets->all[i].fd) < 0)
			remove_socket(sockets, i);
	if (sockets->all[0].revents != 0)
		hear_master(sockets);
}

static _Noreturn void serve_workers(const struct keys *keys, int master_fd)
{
	struct sockets sockets = { .count = 0 };

	if (add_socket(&sockets, master_fd) < 0)
		_exit(SIGNER_EXIT_FAILED);
	while (sockets.all[0].fd >= 0 || sockets.count > 1) {
		int ready = poll(sockets.all, sockets.count, -1);
		if (ready < 0 && errno != EINTR)
			_exit(SIGNER_EXIT_FAILED);
		if (ready > 0)
			serve_ready(keys, &sockets);
	}
	_exit(SIGNER_EXIT_OK);
}

void signer_run(const struct signer *signer)
{
	struct keys keys = { .count = 0 };
	struct wire_plain ready = { .kind = WIRE_READY };

	(void)prctl(PR_SET_NAME, "postern-signer", 0, 0, 0);
	if (load_keys(&keys, signer) < 0)
		_exit(SIGNER_EXIT_NO_KEY);
	if (confine_to(signer->root_fd, signer->identity,
			signer->most_workers + OTHER_FDS) < 0 ||
			sandbox_enter(signer->sandbox, FILTER_SIGNER, -1,
				-1) < 0) {
		log_error("signer: can't be confined: %s", strerror(errno));
		_exit(SIGNER_EXIT_NOT_CONFINED);
	}
	close(signer->root_fd);
	if (wire_send(signer->master_fd, &ready, sizeof(ready), -1) < 0)
		_exit(SIGNER_EXIT_FAILED);
	serve_workers(&keys, signer->master_fd);
}
