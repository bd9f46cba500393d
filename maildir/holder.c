/*
 * holder.c - who holds a maildrop, as the one line of postern.lock
 *
 * Runs in: the keeper, as the mail user; a worker checks addresses.
 * Distrusts: the line, which the mail user may have written.
 */
#include "config.h"

#include "maildir/holder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PREFIX "postern 1 "

/* More seconds are no date that can be written. */
#define SINCE_DIGITS 11

static const char digits[] = "0123456789abcdef";

static bool is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

static bool is_alphanumeric(char octet)
{
	return is_digit(octet) || (octet >= 'a' && octet <= 'z') ||
		(octet >= 'A' && octet <= 'Z');
}

bool holder_is_address(const char *address)
{
	size_t count = strnlen(address, HOLDER_ADDRESS_BYTES);

	if (count == 0 || count == HOLDER_ADDRESS_BYTES)
		return false;
	/* Behind a '%' is the name of an interface: "fe80::1%br-lan.2". */
	for (size_t i = 0; i < count; i++)
		if (!is_alphanumeric(address[i]) &&
				strchr(i == 0 ? ":" : ":.%-_",
					address[i]) == NULL)
			return false;
	return true;
}

size_t holder_write(const struct holder *holder,
	char line[HOLDER_LINE_OCTETS + 1])
{
	char session[2 * HOLDER_SESSION_OCTETS + 1] = "";

	for (size_t i = 0; i < HOLDER_SESSION_OCTETS; i++) {
		session[2 * i] = digits[holder->session[i] >> 4];
		session[2 * i + 1] = digits[holder->session[i] & 15];
	}
	int count = snprintf(line, HOLDER_LINE_OCTETS + 1,
		PREFIX "%s %" PRId64 " %s\n", session, holder->since_s,
		holder_is_address(holder->address) ? holder->address : "-");
	/* Its longest parts are 10, 32, 20 and 63 octets. */
	return (size_t)count;
}

/* Take the session's digits from '*text', and the blank behind them. */
static bool take_session(const char **text, struct holder *holder)
{
	for (size_t i = 0; i < 2 * HOLDER_SESSION_OCTETS; i++) {
		const char *digit = **text == '\0' ? NULL :
			strchr(digits, **text);
		if (digit == NULL)
			return false;
		holder->session[i / 2] = (uint8_t)(holder->session[i / 2] << 4 |
			(digit - digits));
		++*text;
	}
	return *(*text)++ == ' ';
}

static bool take_since(const char **text, struct holder *holder)
{
	int count = 0;

	for (; is_digit(**text) && count < SINCE_DIGITS; count++)
		holder->since_s = holder->since_s * 10 + (*(*text)++ - '0');
	return holder->since_s > 0 && *(*text)++ == ' ';
}

static bool take_address(const char *text, struct holder *holder)
{
	size_t count = strlen(text);

	if (count == 0 || count > HOLDER_ADDRESS_BYTES ||
			text[count - 1] != '\n')
		return false;
	memcpy(holder->address, text, count - 1);
	return holder_is_address(holder->address);
}

int holder_read(struct holder *holder, const char *octets, size_t count)
{
	char line[HOLDER_LINE_OCTETS + 1];
	const char *text = line;

	memset(holder, 0, sizeof(*holder));
	if (count > HOLDER_LINE_OCTETS || memchr(octets, '\0', count) != NULL)
		return -1;
	memcpy(line, octets, count);
	line[count] = '\0';
	if (strncmp(text, PREFIX, strlen(PREFIX)) != 0)
		return -1;
	text += strlen(PREFIX);
	if (take_session(&text, holder) && take_since(&text, holder) &&
			take_address(text, holder))
		return 0;
	memset(holder, 0, sizeof(*holder));
	return -1;
}
