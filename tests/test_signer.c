/*
 * test_signer.c - the process with the private keys, and workers that lie
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "deadline.h"
#include "scratch.h"
#include "signer.h"
#include "wire.h"

#define LONG_MS 20000

struct house {
	pid_t signer_pid;
	int master_fd, worker_fd;
	gnutls_pubkey_t public_key;
};

static void write_pem(const char *name, const gnutls_datum_t *pem)
{
	scratch_write_octets(name, (const char *)pem->data, pem->size);
}

/* Make key 'key_name' and a certificate for it, self-signed. */
static gnutls_pubkey_t make_certificate(const char *key_name,
	const char *certificate_name)
{
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t certificate;
	gnutls_pubkey_t public_key;
	gnutls_datum_t pem;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
	gnutls_x509_crt_set_version(certificate, 3);
	gnutls_x509_crt_set_serial(certificate, "\1", 1);
	gnutls_x509_crt_set_activation_time(certificate, time(NULL) - 60);
	gnutls_x509_crt_set_expiration_time(certificate, time(NULL) + 3600);
	gnutls_x509_crt_set_dn(certificate, "CN=localhost", NULL);
	gnutls_x509_crt_set_key(certificate, key);
	assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key,
		GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM,
		&pem), 0);
	write_pem(key_name, &pem);
	gnutls_free(pem.data);
	assert_int_equal(gnutls_x509_crt_export2(certificate,
		GNUTLS_X509_FMT_PEM, &pem), 0);
	write_pem(certificate_name, &pem);
	gnutls_free(pem.data);

	assert_int_equal(gnutls_pubkey_init(&public_key), 0);
	assert_int_equal(gnutls_pubkey_import_x509(public_key, certificate, 0),
		0);
	gnutls_x509_crt_deinit(certificate);
	gnutls_x509_privkey_deinit(key);
	return public_key;
}

/* Fork a signer for the files 'certificate' and 'key'. */
static void start_signer(struct house *house, const char *certificate,
	const char *key)
{
	struct pair_settings pair = {
		.certificate = strdup(scratch_path(certificate)),
		.key = strdup(scratch_path(key)), .ocsp = (char *)"",
	};
	struct certificate_settings host = {
		.pairs = &pair, .pair_count = 1,
		.place = (char *)"postern.conf:1",
	};
	struct settings settings = {
		.tls = {
			.certificates = &host, .certificate_count = 1,
			.priority = (char *)"", .client_ca = (char *)"",
			.client_crl = (char *)"",
		},
		.key_count = 1,
	};
	struct tls_context *context = tls_context_new(&settings, stderr);
	int fds[2];

	assert_int_equal(wire_pair(fds), 0);
	house->signer_pid = fork();
	if (house->signer_pid == 0) {
		struct signer signer = {
			.settings = &settings, .tls_context = context,
			.master_fd = fds[1],
			.root_fd = dup(fds[1]), .most_workers = 4,
		};
		close(fds[0]);
		signer_run(&signer);
	}
	close(fds[1]);
	house->master_fd = fds[0];
	tls_context_free(context);
	free(pair.certificate);
	free(pair.key);
}

static int exit_status(const struct house *house)
{
	int status;

	assert_int_equal(waitpid(house->signer_pid, &status, 0),
		house->signer_pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int wait_ready(const struct house *house)
{
	struct wire_plain ready;

	if (wire_wait(house->master_fd, deadline_now_ms() + LONG_MS) < 0)
		return -1;
	return wire_receive(house->master_fd, WIRE_READY, &ready,
		sizeof(ready), NULL);
}

/* Introduce one more worker; returns its socket. */
static int add_worker(const struct house *house)
{
	struct wire_plain record = { WIRE_SIGNER };
	int fds[2];

	assert_int_equal(wire_pair(fds), 0);
	assert_int_equal(wire_send(house->master_fd, &record, sizeof(record),
		fds[1]), 0);
	close(fds[1]);
	return fds[0];
}

static void begin(struct house *house)
{
	house->public_key = make_certificate("key.pem", "cert.pem");
	start_signer(house, "cert.pem", "key.pem");
	assert_int_equal(wait_ready(house), 0);
	house->worker_fd = add_worker(house);
}

/* All sockets closed: the signer ends by itself. */
static void end(struct house *house)
{
	close(house->worker_fd);
	close(house->master_fd);
	assert_int_equal(exit_status(house), SIGNER_EXIT_OK);
	gnutls_pubkey_deinit(house->public_key);
}

static const struct wire_sign good_request = {
	.kind = WIRE_SIGN, .algorithm = GNUTLS_SIGN_ECDSA_SECP256R1_SHA256,
	.count = 5, .octets = "hello",
};

/* Ask for a signature.  Returns whether an answer came. */
static bool ask(int worker_fd, const void *request, size_t bytes,
	struct wire_signature *answer)
{
	return wire_send(worker_fd, request, bytes, -1) == 0 &&
		wire_wait(worker_fd, deadline_now_ms() + LONG_MS) == 0 &&
		wire_receive(worker_fd, WIRE_SIGN, answer, sizeof(*answer),
			NULL) == 0;
}

static void a_signature_is_the_certificates(void **state)
{
	struct house house;
	struct wire_signature answer;
	gnutls_datum_t data = { (unsigned char *)"hello", 5 };

	(void)state;
	begin(&house);
	assert_true(ask(house.worker_fd, &good_request, sizeof(good_request),
		&answer));
	gnutls_datum_t signature = { answer.octets, answer.count };
	assert_true(gnutls_pubkey_verify_data2(house.public_key,
		GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 0, &data, &signature) >= 0);
	end(&house);
}

static void expect_refused(struct house *house,
	const struct wire_sign *request)
{
	struct wire_signature answer;

	assert_true(ask(house->worker_fd, request, sizeof(*request),
		&answer));
	assert_int_equal(answer.count, 0);
}

static void a_request_wrong_in_any_field_gets_no_signature(void **state)
{
	struct house house;
	struct wire_sign request;

	(void)state;
	begin(&house);
	request = good_request;
	request.key = 1;
	expect_refused(&house, &request);
	request.key = UINT32_MAX;
	expect_refused(&house, &request);
	request = good_request;
	request.count = WIRE_SIGN_OCTETS + 1;
	expect_refused(&house, &request);
	request.count = UINT32_MAX;
	expect_refused(&house, &request);
	request = good_request;
	request.is_digest = 2;
	expect_refused(&house, &request);
	request = good_request;
	request.algorithm = 0xffffff;
	expect_refused(&house, &request);
	request.algorithm = GNUTLS_SIGN_RSA_SHA256;
	expect_refused(&house, &request);
	request = good_request;
	request.is_digest = 1;
	expect_refused(&house, &request);
	request.algorithm = GNUTLS_SIGN_RSA_RAW;
	expect_refused(&house, &request);
	request.count = 36;
	expect_refused(&house, &request);
	end(&house);
}

static void a_worker_that_lies_is_dropped_and_others_are_served(void **state)
{
	struct house house;
	struct wire_signature answer;

	(void)state;
	begin(&house);
	int other_fd = add_worker(&house);
	assert_false(ask(house.worker_fd, &good_request,
		sizeof(good_request) - 1, &answer));
	assert_true(ask(other_fd, &good_request, sizeof(good_request),
		&answer));
	assert_true(answer.count > 0);
	close(other_fd);
	end(&house);
}

static void a_worker_that_reads_no_answer_holds_nobody_up(void **state)
{
	struct house house;
	struct wire_signature answer;
	int sent = 0;

	(void)state;
	begin(&house);
	int other_fd = add_worker(&house);
	while (sent < 10000 && wire_send(house.worker_fd, &good_request,
			sizeof(good_request), -1) == 0)
		sent++;
	assert_true(ask(other_fd, &good_request, sizeof(good_request),
		&answer));
	close(other_fd);
	end(&house);
}

static void it_serves_workers_after_the_master_has_gone(void **state)
{
	struct house house;
	struct wire_signature answer;

	(void)state;
	begin(&house);
	/* The answer shows that the worker's socket has arrived. */
	assert_true(ask(house.worker_fd, &good_request, sizeof(good_request),
		&answer));
	close(house.master_fd);
	assert_true(ask(house.worker_fd, &good_request, sizeof(good_request),
		&answer));
	house.master_fd = dup(house.worker_fd);
	end(&house);
}

static void expect_no_start(const char *certificate, const char *key)
{
	struct house house;

	start_signer(&house, certificate, key);
	assert_int_equal(wait_ready(&house), -1);
	assert_int_equal(exit_status(&house), SIGNER_EXIT_NO_KEY);
	close(house.master_fd);
}

static void a_key_that_is_missing_broken_or_anothers_is_told(void **state)
{
	(void)state;
	gnutls_pubkey_deinit(make_certificate("key.pem", "cert.pem"));
	gnutls_pubkey_deinit(make_certificate("other.pem", "other-cert.pem"));
	scratch_write("broken.pem", 0600, "-----BEGIN nothing\n");

	expect_no_start("cert.pem", "missing.pem");
	assert_non_null(strstr(scratch_errors(), "missing.pem: can't read"));
	expect_no_start("cert.pem", "broken.pem");
	assert_non_null(strstr(scratch_errors(), "broken.pem: not a PEM"));
	expect_no_start("cert.pem", "other.pem");
	assert_non_null(strstr(scratch_errors(), "other.pem: not the key of"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCRATCH_CASE("a signature is the certificate's",
			a_signature_is_the_certificates),
		SCRATCH_CASE("a request wrong in any field gets no signature",
			a_request_wrong_in_any_field_gets_no_signature),
		SCRATCH_CASE("a worker that lies is dropped, others are served",
			a_worker_that_lies_is_dropped_and_others_are_served),
		SCRATCH_CASE("a worker that reads no answer holds nobody up",
			a_worker_that_reads_no_answer_holds_nobody_up),
		SCRATCH_CASE("it serves workers after the master has gone",
			it_serves_workers_after_the_master_has_gone),
		SCRATCH_CASE("a key missing, broken or another's is told",
			a_key_that_is_missing_broken_or_anothers_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
