/*
 * token.h - bearer tokens in OAUTHBEARER and XOAUTH2 responses; pure
 */
#ifndef POSTERN_TOKEN_H
#define POSTERN_TOKEN_H

#include <stddef.h>

/* Parts of a response that was taken apart: NUL-terminated, "" if not there. */
struct token {
	const char *name;	/* whom the client wants to be */
	const char *bearer;	/* the token itself */
};

/*
 * Take a response apart, in place.  octets: 'count' of them, and a NUL behind.
 * Returns 0, or -1 if it is not what the mechanism wants.  RFC 7628 section
 * 3.1; https://developers.google.com/gmail/imap/xoauth2-protocol
 */
int token_parse_oauthbearer(char *octets, size_t count, struct token *token);
int token_parse_xoauth2(char *octets, size_t count, struct token *token);

#endif
