/*
 * ctl_text.c - names that others chose, for a terminal and for programs; pure
 *
 * Runs in: posternctl.  Distrusts: every octet.
 */
#include "config.h"

#include "ctl_text.h"

#include <inttypes.h>
#include <string.h>

size_t text_plain(FILE *out, const char *text)
{
	size_t columns = 0;

	for (; *text != '\0'; text++) {
		unsigned char octet = (unsigned char)*text;
		char one[5] = { (char)octet };

		if (octet == '\\')
			snprintf(one, sizeof(one), "\\\\");
		else if (octet <= 0x20 || octet >= 0x7f)
			snprintf(one, sizeof(one), "\\x%02x", octet);
		columns += strlen(one);
		if (out != NULL)
			fputs(one, out);
	}
	return columns;
}

/* Ranges of RFC 3629 section 4: which second octet may follow a first one. */
static const struct lead {
	unsigned char from, to;	/* the first octet */
	unsigned char low, high;	/* the second one */
	unsigned char more;	/* octets behind the first */
} leads[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 1 }, { 0xe0, 0xe0, 0xa0, 0xbf, 2 },
	{ 0xe1, 0xec, 0x80, 0xbf, 2 }, { 0xed, 0xed, 0x80, 0x9f, 2 },
	{ 0xee, 0xef, 0x80, 0xbf, 2 }, { 0xf0, 0xf0, 0x90, 0xbf, 3 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 3 }, { 0xf4, 0xf4, 0x80, 0x8f, 3 },
};

/* How many octets the character at 'text' has, which is not ASCII; 0: none. */
static size_t character(const char *text)
{
	const unsigned char *octets = (const unsigned char *)text;

	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		const struct lead *lead = &leads[i];
		if (octets[0] < lead->from || octets[0] > lead->to)
			continue;
		if (octets[1] < lead->low || octets[1] > lead->high)
			return 0;
		for (size_t j = 2; j <= lead->more; j++)
			if (octets[j] < 0x80 || octets[j] > 0xbf)
				return 0;
		return lead->more + 1u;
	}
	return 0;
}

void text_json(FILE *out, const char *text)
{
	putc('"', out);
	while (*text != '\0') {
		unsigned char octet = (unsigned char)*text;
		size_t count = octet < 0x80 ? 1 : character(text);

		if (count == 0) {
			fputs("\xef\xbf\xbd", out);
			count = 1;
		} else if (octet == '"' || octet == '\\') {
			fprintf(out, "\\%c", octet);
		} else if (octet < 0x20 || octet == 0x7f) {
			fprintf(out, "\\u%04x", octet);
		} else {
			fwrite(text, 1, count, out);
		}
		text += count;
	}
	putc('"', out);
}

void text_label(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (*text == '\n')
			fputs("\\n", out);
		else
			putc(*text, out);
	}
	putc('"', out);
}

void text_span(char span[TEXT_SPAN_BYTES], int64_t seconds)
{
	int64_t s = seconds < 0 ? 0 : seconds;

	if (s < 60)
		snprintf(span, TEXT_SPAN_BYTES, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(span, TEXT_SPAN_BYTES, "%" PRId64 "m%02ds", s / 60,
			(int)(s % 60));
	else if (s < 86400)
		snprintf(span, TEXT_SPAN_BYTES, "%" PRId64 "h%02dm", s / 3600,
			(int)(s % 3600 / 60));
	else
		snprintf(span, TEXT_SPAN_BYTES, "%" PRId64 "d%02dh",
			s / 86400, (int)(s % 86400 / 3600));
}
