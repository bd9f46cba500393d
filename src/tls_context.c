/*
 * tls_context.c - what goes for each listener, and private keys in the signer
 *
 * Runs in: the master (makes it), workers (inherit it).  Never: has a private
 * key.
 */
#include "config.h"

#include "tls_context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tls_certificate.h"
#include "tls_chain.h"
#include "tls_policy.h"
#include "tls_staple.h"
#include "tls_trust.h"

#define DAY_S 86400

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

static int make_priorities(struct tls_set *set, FILE *errors)
{
	const struct tls_settings *settings = set->settings;
	const char *place = settings->certificates[0].place;

	if (tls_policy_make(&set->priority, settings->min_version,
			settings->priority, place, errors) < 0)
		return -1;
	return tls_policy_make(&set->legacy_priority, TLS_VERSION_1_0,
		settings->priority, place, errors);
}

static int fill_set(struct tls_context *context, struct tls_set *set,
	FILE *errors)
{
	size_t count = set->settings->certificate_count;

	if (make_priorities(set, errors) < 0)
		return -1;
	set->certificates = calloc(count, sizeof(*set->certificates));
	if (set->certificates == NULL || gnutls_session_ticket_key_generate(
			&set->ticket_key) < 0) {
		fprintf(errors, "tls: out of memory\n");
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		set->certificate_count = i + 1;
		if (tls_certificate_load(&set->certificates[i],
				&set->settings->certificates[i], context,
				errors) < 0)
			return -1;
	}
	return tls_trust_load(set, errors);
}

static int fill_context(struct tls_context *context,
	const struct settings *settings, FILE *errors)
{
	context->sets = calloc(settings->listen_count + 1,
		sizeof(*context->sets));
	if (context->sets == NULL) {
		fprintf(errors, "tls: out of memory\n");
		return -1;
	}
	context->set_count = settings->listen_count + 1;
	context->sets[0].settings = &settings->tls;
	for (size_t i = 0; i < settings->listen_count; i++)
		context->sets[i + 1].settings = settings->listens[i].own_tls;
	warm_up();
	for (size_t i = 0; i < context->set_count; i++) {
		struct tls_set *set = &context->sets[i];
		if (set->settings != NULL &&
				set->settings->certificate_count > 0 &&
				fill_set(context, set, errors) < 0)
			return -1;
	}
	return 0;
}

struct tls_context *tls_context_new(const struct settings *settings,
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

static void free_set(struct tls_set *set)
{
	for (size_t i = 0; i < set->certificate_count; i++)
		tls_certificate_free(&set->certificates[i]);
	free(set->certificates);
	if (set->priority != NULL)
		gnutls_priority_deinit(set->priority);
	if (set->legacy_priority != NULL)
		gnutls_priority_deinit(set->legacy_priority);
	gnutls_free(set->ticket_key.data);
}

void tls_context_free(struct tls_context *context)
{
	if (context == NULL)
		return;
	tls_context_wipe(context);
	for (size_t i = 0; i < context->set_count; i++)
		free_set(&context->sets[i]);
	free(context->sets);
	free(context);
}

void tls_context_wipe(struct tls_context *context)
{
	for (size_t i = 0; i < context->set_count; i++) {
		gnutls_datum_t *key = &context->sets[i].ticket_key;
		if (key->data != NULL)
			explicit_bzero(key->data, key->size);
	}
}

void tls_context_use_signer(struct tls_context *context, int signer_fd)
{
	context->signer_fd = signer_fd;
}

void tls_context_renew_tickets(struct tls_context *context)
{
	for (size_t i = 0; i < context->set_count; i++) {
		struct tls_set *set = &context->sets[i];
		gnutls_datum_t fresh;

		if (set->certificate_count == 0 ||
				gnutls_session_ticket_key_generate(&fresh) < 0)
			continue;
		explicit_bzero(set->ticket_key.data, set->ticket_key.size);
		gnutls_free(set->ticket_key.data);
		set->ticket_key = fresh;
	}
}

static bool is_key(const struct tls_certificate *certificate, uint32_t number,
	const uint8_t *id)
{
	for (size_t i = 0; i < certificate->pair_count; i++) {
		const struct tls_pair *pair = &certificate->pairs[i];
		if (pair->settings->number == number)
			return memcmp(pair->key_id, id, TLS_KEY_ID_OCTETS) == 0;
	}
	return false;
}

bool tls_context_has_key(const struct tls_context *context, uint32_t number,
	const uint8_t id[TLS_KEY_ID_OCTETS])
{
	for (size_t i = 0; i < context->set_count; i++) {
		const struct tls_set *set = &context->sets[i];
		for (size_t j = 0; j < set->certificate_count; j++)
			if (is_key(&set->certificates[j], number, id))
				return true;
	}
	return false;
}

/* Call 'tell' for each pair, once, although several listeners may share it. */
static unsigned for_each_pair(const struct tls_context *context,
	bool (*tell)(const struct tls_certificate *, const struct tls_pair *,
		int64_t now_s, FILE *out), FILE *out)
{
	unsigned count = 0;
	uint32_t next = 0;
	int64_t now_s = time(NULL);

	for (size_t i = 0; i < context->set_count; i++) {
		const struct tls_set *set = &context->sets[i];
		for (size_t j = 0; j < set->certificate_count; j++) {
			const struct tls_certificate *one =
				&set->certificates[j];
			for (size_t k = 0; k < one->pair_count; k++) {
				const struct tls_pair *pair = &one->pairs[k];
				/* Copies have numbers that were there. */
				if (pair->settings->number < next)
					continue;
				next = pair->settings->number + 1;
				count += tell(one, pair, now_s, out);
			}
		}
	}
	return count;
}

static bool tell_flaw(const struct tls_certificate *certificate,
	const struct tls_pair *pair, int64_t now_s, FILE *out)
{
	const struct tls_staple *staple = &pair->staple;
	const char *flaw = tls_chain_flaw(pair, now_s);
	const char *staple_flaw = staple->der.data != NULL &&
		!tls_staple_is_fresh(staple, now_s) ?
		"its time has passed" : staple->flaw;

	if (flaw != NULL)
		fprintf(out, "%s: certificate = \"%s\": %s\n",
			certificate->settings->place,
			pair->settings->certificate, flaw);
	if (staple_flaw != NULL)
		fprintf(out, "%s: ocsp = \"%s\": %s\n",
			certificate->settings->place, pair->settings->ocsp,
			staple_flaw);
	return flaw != NULL || staple_flaw != NULL;
}

unsigned tls_context_tell_flaws(const struct tls_context *context, FILE *out)
{
	return for_each_pair(context, tell_flaw, out);
}

static bool tell_expiry(const struct tls_certificate *certificate,
	const struct tls_pair *pair, int64_t now_s, FILE *out)
{
	int64_t left_s = pair->until_s - now_s;

	if (left_s < 0 || left_s > TLS_EXPIRY_WARNING_DAYS * (int64_t)DAY_S)
		return false;
	fprintf(out, "%s: certificate = \"%s\": it expires in %d days, or its "
		"chain\n", certificate->settings->place,
		pair->settings->certificate, (int)(left_s / DAY_S));
	return true;
}

/* Listeners of their own may have the same lists. */
static bool is_crl_told(const struct tls_context *context, size_t set)
{
	const char *path = context->sets[set].settings->client_crl;

	for (size_t i = 0; i < set; i++)
		if (context->sets[i].certificate_count > 0 && strcmp(path,
				context->sets[i].settings->client_crl) == 0)
			return true;
	return false;
}

unsigned tls_context_tell_expiry(const struct tls_context *context, FILE *out)
{
	unsigned count = for_each_pair(context, tell_expiry, out);

	for (size_t i = 0; i < context->set_count; i++)
		if (context->sets[i].certificate_count > 0 &&
				!is_crl_told(context, i))
			count += tls_trust_tell_flaw(&context->sets[i],
				time(NULL), out);
	return count;
}

struct tls_set *tls_context_set(struct tls_context *context, size_t listener)
{
	size_t own = listener + 1;

	return own < context->set_count &&
		context->sets[own].certificate_count > 0 ?
		&context->sets[own] : &context->sets[0];
}
