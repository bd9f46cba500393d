/*
 * holder.h - who holds a maildrop, as the one line of postern.lock
 *
 *   postern 1 SESSION SINCE ADDRESS
 *
 * SESSION is 32 hexadecimal digits, SINCE is decimal, one blank is between two
 * words, a newline ends the line and the file.
 */
#ifndef POSTERN_MAILDIR_HOLDER_H
#define POSTERN_MAILDIR_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOLDER_LINE_OCTETS 200

/* With a NUL: the longest IPv6 address with a zone (INET6_ADDRSTRLEN is 46). */
#define HOLDER_ADDRESS_BYTES 64

#define HOLDER_SESSION_OCTETS 16

struct holder {
	uint8_t session[HOLDER_SESSION_OCTETS];	/* random, never twice */
	int64_t since_s;			/* since the epoch */
	char address[HOLDER_ADDRESS_BYTES];	/* of the client, numeric */
};

/*
 * Say whether 'address', of at most HOLDER_ADDRESS_BYTES, holds a NUL and only
 * what a numeric address with a zone is made of: it can forge no other text.
 */
bool holder_is_address(const char *address);

/*
 * Write the line of 'holder', and a NUL.  An address that is none becomes "-".
 * Returns its length in octets.
 */
size_t holder_write(const struct holder *holder,
	char line[HOLDER_LINE_OCTETS + 1]);

/*
 * Read 'count' octets at 'octets', which anybody may have written.  Returns 0,
 * or -1 if they are not one whole line that tells a time and an address; then
 * 'holder' tells nothing.
 */
int holder_read(struct holder *holder, const char *octets, size_t count);

#endif
