/*
 * stamp.c - whether files that we depend on have changed on disk
 *
 * Runs in: the master.  Distrusts: nobody; who may write there has the keys.
 */
#include "config.h"

#include "stamp.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* FNV-1a: short, and nobody chooses its input to harm us. */
#define FNV_START UINT64_C(14695981039346656037)
#define FNV_PRIME UINT64_C(1099511628211)

struct stamp {
	uint64_t sum;
	const char *strange;
};

static void add_number(struct stamp *stamp, uint64_t number)
{
	for (int i = 0; i < 8; i++, number >>= 8)
		stamp->sum = (stamp->sum ^ (number & 0xff)) * FNV_PRIME;
}

static void add_file(struct stamp *stamp, const char *path)
{
	struct stat found;

	if (*path == '\0')
		return;
	if (stat(path, &found) < 0) {
		add_number(stamp, (uint64_t)errno);
		stamp->strange = path;
		return;
	}
	if (!S_ISREG(found.st_mode))
		stamp->strange = path;
	add_number(stamp, (uint64_t)found.st_dev);
	add_number(stamp, (uint64_t)found.st_ino);
	add_number(stamp, (uint64_t)found.st_size);
	add_number(stamp, (uint64_t)found.st_mtim.tv_sec);
	add_number(stamp, (uint64_t)found.st_mtim.tv_nsec);
	add_number(stamp, (uint64_t)found.st_ctim.tv_sec);
	add_number(stamp, (uint64_t)found.st_ctim.tv_nsec);
}

static void add_set(struct stamp *stamp, const struct tls_settings *tls)
{
	for (size_t i = 0; i < tls->certificate_count; i++) {
		const struct certificate_settings *host =
			&tls->certificates[i];
		for (size_t j = 0; j < host->pair_count; j++) {
			add_file(stamp, host->pairs[j].certificate);
			add_file(stamp, host->pairs[j].key);
			add_file(stamp, host->pairs[j].ocsp);
		}
	}
	add_file(stamp, tls->client_ca);
	add_file(stamp, tls->client_crl);
}

uint64_t stamp_files(const struct settings *settings, const char **strange)
{
	struct stamp stamp = { .sum = FNV_START };

	add_set(&stamp, &settings->tls);
	for (size_t i = 0; i < settings->listen_count; i++)
		if (settings->listens[i].own_tls != NULL)
			add_set(&stamp, settings->listens[i].own_tls);
	*strange = stamp.strange;
	return stamp.sum;
}

uint64_t stamp_users(const struct settings *settings)
{
	struct stamp stamp = { .sum = FNV_START };

	for (size_t i = 0; i < settings->auth.backend_count; i++)
		if (settings->auth.backends[i].type == BACKEND_PASSWD_FILE)
			add_file(&stamp, settings->auth.backends[i].path);
	return stamp.sum;
}
