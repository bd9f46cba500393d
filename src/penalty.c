/*
 * penalty.c - what a failed login costs, from the keeper that has seen it fail
 *
 * Runs in: a keeper, before it is anybody's; and the master, which hears of it.
 */
#include "config.h"

#include "penalty.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"

#define SHA256_OCTETS 32

static const struct peer_key nobody;

/* The master need not know who that is, only who it is again. */
static struct peer_key tag_of(const char *user)
{
	uint8_t digest[SHA256_OCTETS];
	struct peer_key tag = nobody;
	char folded[512];
	size_t count = strlen(user);

	if (count == 0 || count > sizeof(folded))
		return nobody;
	for (size_t i = 0; i < count; i++)
		folded[i] = user[i] >= 'A' && user[i] <= 'Z' ?
			(char)(user[i] + 'a' - 'A') : user[i];
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, folded, count, digest) == 0)
		memcpy(tag.octets, digest, sizeof(tag.octets));
	return tag;
}

static uint32_t failures_of_name(const struct penalty *penalty,
	const struct peer_key *name)
{
	uint32_t failures = 0;

	if (!penalty_is_nobody(name))
		failures = peers_failures(penalty->names, name,
			deadline_now_ms());
	return failures > PENALTY_MOST_NAME_FAILURES ?
		PENALTY_MOST_NAME_FAILURES : failures;
}

int penalty_make_pipe(int fds[2])
{
	int status = pipe2(fds, O_CLOEXEC);

	if (status == 0)
		status = fcntl(fds[0], F_SETFL, O_NONBLOCK);
	return status < 0 ? -1 : 0;
}

uint32_t penalty_tell(const struct penalty *penalty, const char *user)
{
	const struct penalty_report report = {
		.keeper_pid = getpid(), .name = tag_of(user),
	};
	uint32_t of_name = failures_of_name(penalty, &report.name);

	/* If the master is gone, nobody counts. */
	(void)!write(penalty->report_fd, &report, sizeof(report));
	return peers_delay_ms(penalty->first_ms, penalty->failures > of_name ?
		penalty->failures : of_name);
}

/* A report is shorter than PIPE_BUF, so it comes whole. */
bool penalty_hear(int fd, struct penalty_report *report)
{
	return read(fd, report, sizeof(*report)) == sizeof(*report);
}

bool penalty_is_nobody(const struct peer_key *name)
{
	return memcmp(name, &nobody, sizeof(nobody)) == 0;
}
