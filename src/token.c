/*
 * token.c - bearer tokens in OAUTHBEARER and XOAUTH2 responses
 *
 * Runs in: a keeper.  Distrusts: every octet.  Pure.
 */
#include "config.h"

#include "token.h"

#include <string.h>
#include <strings.h>

#define SEPARATOR '\x01'

/*
 * RFC 6750 section 2.1: token68; a backslash, a quote or a blank would mean
 * something to the program that is asked.
 */
static int is_bearer(const char *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz0123456789-._~+/";
	size_t count = strspn(text, letters);

	return count > 0 && strspn(text + count, "=") == strlen(text + count);
}

/* Find "auth=Bearer TOKEN" among pairs that end with ^A each, then one more. */
static int parse_pairs(char *pairs, struct token *token)
{
	token->bearer = "";
	while (*pairs != SEPARATOR) {
		char *end = strchr(pairs, SEPARATOR);

		if (end == NULL)
			return -1;
		*end = '\0';
		if (strncmp(pairs, "auth=", 5) == 0) {
			pairs += 5;
			if (*token->bearer != '\0' ||
					strncasecmp(pairs, "Bearer ", 7) != 0)
				return -1;
			token->bearer = pairs + 7 + strspn(pairs + 7, " ");
		}
		pairs = end + 1;
	}
	return pairs[1] == '\0' && is_bearer(token->bearer) ? 0 : -1;
}

static int hex_pair(const char *text)
{
	if (strncasecmp(text, "2C", 2) == 0)
		return ',';
	return strncasecmp(text, "3D", 2) == 0 ? '=' : -1;
}

/* RFC 5801 section 4: ',' and '=' in a saslname stand as =2C and =3D. */
static int decode_saslname(char *name)
{
	char *to = name;

	for (; *name != '\0'; name++) {
		int octet = *name == '=' ? hex_pair(name + 1) :
			(unsigned char)*name;

		if (octet < 0)
			return -1;
		if (*name == '=')
			name += 2;
		*to++ = (char)octet;
	}
	*to = '\0';
	return 0;
}

int token_parse_oauthbearer(char *octets, size_t count, struct token *token)
{
	char *name, *end;

	/* No channel is bound: "n" or "y", and no extension.  RFC 5801. */
	if (strlen(octets) != count || (octets[0] != 'n' &&
			octets[0] != 'y') || octets[1] != ',')
		return -1;
	name = octets + 2;
	end = strchr(name, ',');
	if (end == NULL || end[1] != SEPARATOR)
		return -1;
	*end = '\0';
	token->name = "";
	if (*name != '\0') {
		if (strncmp(name, "a=", 2) != 0 ||
				decode_saslname(name + 2) < 0)
			return -1;
		token->name = name + 2;
	}
	return parse_pairs(end + 2, token);
}

int token_parse_xoauth2(char *octets, size_t count, struct token *token)
{
	char *end = strchr(octets, SEPARATOR);

	if (strlen(octets) != count || end == NULL ||
			strncmp(octets, "user=", 5) != 0)
		return -1;
	*end = '\0';
	token->name = octets + 5;
	return *token->name == '\0' ? -1 : parse_pairs(end + 1, token);
}
