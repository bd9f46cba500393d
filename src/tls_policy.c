/*
 * tls_policy.c - which versions and ciphers are spoken
 *
 * Owns: what is refused by default.  Runs in: the master.
 */
#include "config.h"

#include "tls_policy.h"

#include <stdlib.h>
#include <string.h>
#if defined(__aarch64__) || defined(__arm__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define PRIORITY_BYTES 2048
#define MOST_NAMES 64

/*
 * Appended to the system's policy: no static RSA (the signer only signs), no
 * finite-field DH (FFDHE8192 costs 200 ms a handshake, and the client chooses
 * it for nothing).
 */
#define OURS "-VERS-DTLS-ALL:-RSA:-DHE-RSA:-GROUP-DH-ALL:" \
	"-VERS-TLS1.0:-VERS-TLS1.1"

/* What is appended for each minimum. */
static const char *const versions[] = {
	[TLS_VERSION_1_0] = ":+VERS-TLS1.1:+VERS-TLS1.0",
	[TLS_VERSION_1_1] = ":+VERS-TLS1.1",
	[TLS_VERSION_1_2] = "",
	[TLS_VERSION_1_3] = ":-VERS-TLS1.2",
};

/* What comes first: ciphers, with and without instructions for AES. */
#define RANKS 3
static const char *const cipher_ranks[2][RANKS] = {
	[false] = { "CHACHA20-POLY1305", "AES-128-GCM", "AES-256-GCM" },
	[true] = { "AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305" },
};

/*
 * Clients that know the hybrid (GnuTLS has it from 3.8 on), which no quantum
 * computer will break, bring a share for it; and all bring one for the second,
 * which is the cheapest.
 */
static const char *const group_ranks[RANKS] = {
	"X25519-MLKEM768", "X25519", "SECP256R1",
};

/* The word "aes" in a line of flags or features. */
static bool has_word(char *line)
{
	char *rest = NULL;

	for (char *word = strtok_r(line, " \t\n", &rest); word != NULL;
			word = strtok_r(NULL, " \t\n", &rest))
		if (strcmp(word, "aes") == 0)
			return true;
	return false;
}

/* For processors that we can't ask. */
static bool __attribute__((unused)) cpuinfo_has_aes(void)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[4096];
	bool is_found = false;

	while (file != NULL && !is_found &&
			fgets(line, sizeof(line), file) != NULL)
		is_found = has_word(line);
	if (file != NULL)
		fclose(file);
	return is_found;
}

bool tls_policy_has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	/* GnuTLS goes by it: bit 1 lets it use AES-NI. */
	const char *override = getenv("GNUTLS_CPUID_OVERRIDE");

	if (override != NULL)
		return (strtoul(override, NULL, 0) & 2) != 0;
	__builtin_cpu_init();
	return __builtin_cpu_supports("aes") != 0;
#elif defined(__aarch64__) && defined(HWCAP_AES)
	return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#elif defined(__arm__) && defined(HWCAP2_AES)
	return (getauxval(AT_HWCAP2) & HWCAP2_AES) != 0;
#else
	return cpuinfo_has_aes();
#endif
}

static size_t rank_of(const char *name, const char *const *ranks)
{
	size_t rank = 0;

	while (rank < RANKS && strcmp(name, ranks[rank]) != 0)
		rank++;
	return rank;
}

static void order(const char **names, size_t count, const char *const *ranks)
{
	/* By insertion: equal ranks keep their order, and they are few. */
	for (size_t i = 1; i < count; i++) {
		const char *moved = names[i];
		size_t to = i;

		for (; to > 0 && rank_of(names[to - 1], ranks) >
				rank_of(moved, ranks); to--)
			names[to] = names[to - 1];
		names[to] = moved;
	}
}

void tls_policy_order_ciphers(const char **ciphers, size_t count,
	bool has_aes)
{
	order(ciphers, count, cipher_ranks[has_aes]);
}

void tls_policy_order_groups(const char **groups, size_t count)
{
	order(groups, count, group_ranks);
}

static int initialise(gnutls_priority_t *priority, const char *text,
	const char **where)
{
	return gnutls_priority_init2(priority, text, where,
		GNUTLS_PRIORITY_INIT_DEF_APPEND);
}

static void write_ciphers(gnutls_priority_t priority, FILE *out)
{
	const char *ciphers[MOST_NAMES];
	const unsigned int *list;
	int count = gnutls_priority_cipher_list(priority, &list);

	if (count <= 0 || count > MOST_NAMES)
		return;
	for (int i = 0; i < count; i++)
		ciphers[i] = gnutls_cipher_get_name(
			(gnutls_cipher_algorithm_t)list[i]);
	tls_policy_order_ciphers(ciphers, (size_t)count,
		tls_policy_has_aes());
	fputs(":%SERVER_PRECEDENCE:-CIPHER-ALL", out);
	for (int i = 0; i < count; i++)
		fprintf(out, ":+%s", ciphers[i]);
}

static void write_groups(gnutls_priority_t priority, FILE *out)
{
	const char *groups[MOST_NAMES];
	const unsigned int *list;
	int count = gnutls_priority_group_list(priority, &list);

	if (count <= 0 || count > MOST_NAMES)
		return;
	for (int i = 0; i < count; i++)
		groups[i] = gnutls_group_get_name((gnutls_group_t)list[i]);
	tls_policy_order_groups(groups, (size_t)count);
	fputs(":-GROUP-ALL", out);
	for (int i = 0; i < count; i++)
		fprintf(out, ":+GROUP-%s", groups[i]);
}

/* Write all that comes before what the administrator adds. */
static int write_ours(char *text, size_t bytes, enum tls_version minimum)
{
	gnutls_priority_t priority;
	const char *where;
	char base[256];

	snprintf(base, sizeof(base), "%s%s", OURS, versions[minimum]);
	int status = initialise(&priority, base, &where);
	if (status < 0)
		return status;
	FILE *out = fmemopen(text, bytes, "w");
	if (out != NULL) {
		fputs(base, out);
		/* The same ones as the system permits, in another order. */
		write_ciphers(priority, out);
		write_groups(priority, out);
	}
	gnutls_priority_deinit(priority);
	return out != NULL && fclose(out) == 0 ? 0 : GNUTLS_E_MEMORY_ERROR;
}

int tls_policy_make(gnutls_priority_t *priority, enum tls_version minimum,
	const char *addition, const char *place, FILE *errors)
{
	char text[PRIORITY_BYTES];
	const char *where = text;
	int status = write_ours(text, sizeof(text), minimum);
	size_t ours = status < 0 ? 0 : strlen(text);

	if (status < 0) {
		fprintf(errors, "%s: the system's priorities are wrong: %s\n",
			place, gnutls_strerror(status));
		return -1;
	}
	if (ours + strlen(addition) + 2 > sizeof(text)) {
		fprintf(errors, "%s: priority is too long\n", place);
		return -1;
	}
	snprintf(text + ours, sizeof(text) - ours, "%s%s",
		addition[0] != '\0' ? ":" : "", addition);
	status = initialise(priority, text, &where);
	if (status < 0) {
		/* It is about the whole if it points at our part. */
		bool is_precise = where >= text + ours;
		fprintf(errors, "%s: priority = \"%s\" is wrong%s%s: %s "
			"(see gnutls-cli --list)\n", place, addition,
			is_precise ? " at " : "", is_precise ? where : "",
			gnutls_strerror(status));
		return -1;
	}
	return 0;
}
