/*
 * auth_scram.h - the keys by which SCRAM checks a password; pure
 *
 * RFC 5802 section 3, RFC 7677.
 */
#ifndef POSTERN_AUTH_SCRAM_H
#define POSTERN_AUTH_SCRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scram_digest { SCRAM_SHA_1, SCRAM_SHA_256 };

/* Of a digest, in octets. */
#define SCRAM_MOST_OCTETS 32

#define SCRAM_MOST_SALT_OCTETS 64

/* RFC 5802 section 5.1 wants 4096 at least; more cost us too much. */
#define SCRAM_ITERATIONS 4096
#define SCRAM_MOST_ITERATIONS 1000000

struct scram_keys {
	uint32_t iterations;
	uint8_t salt[SCRAM_MOST_SALT_OCTETS];
	size_t salt_bytes;
	/* As many octets of them as the digest has. */
	uint8_t stored_key[SCRAM_MOST_OCTETS];
	uint8_t server_key[SCRAM_MOST_OCTETS];
};

/* How many octets a digest has. */
size_t scram_digest_bytes(enum scram_digest digest);

/*
 * Read "4096,salt,StoredKey,ServerKey", the last three in base64, up to the end
 * or a blank.  Returns whether it was that.
 */
bool scram_parse(enum scram_digest digest, const char *text,
	struct scram_keys *keys);

/*
 * Make the keys of 'password', which was normalised, with the salt and the
 * iterations that 'keys' has.  Returns 0, or -1 if GnuTLS can't.
 */
int scram_derive(enum scram_digest digest, const char *password,
	struct scram_keys *keys);

/* What scram_enrol() writes, at most. */
#define SCRAM_TEXT_BYTES 256

/*
 * Make keys of a new password, normalised (RFC 8265) if it is UTF-8, with a new
 * salt and SCRAM_ITERATIONS, and write them as scram_parse() reads them.
 * Returns 0, or -1 if GnuTLS can't.
 */
int scram_enrol(enum scram_digest digest, const char *password,
	char text[SCRAM_TEXT_BYTES]);

/* Make keys that no password fits.  Returns 0, or -1 as above. */
int scram_make_up(struct scram_keys *keys);

#endif
