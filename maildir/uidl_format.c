/*
 * uidl_format.c - Dovecot's pop3_uidl_format: make a unique-id as it did
 *
 * Pure.  Runs in: the master, which checks the settings, and the keeper.
 * Distrusts: the format, and names of any length with any octets.
 */
#include "config.h"

#include "maildir/uidl_format.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "maildir/text.h"
#include "maildir/uidl_place.h"

/* A file name, or a GUID that is as long, and all that makes it longer. */
#define VALUE_BYTES 512

/* Whether a '%' that stands for itself is at '*at'; then move behind it. */
static bool skip_percent(const char **at)
{
	if (**at != '%')
		return false;
	(*at)++;
	return true;
}

const char *uidl_format_check(const char *format)
{
	bool names[UIDL_VARIABLES] = { false };
	const char *wrong;
	struct uidl_place place;

	for (const char *at = format; *at != '\0';) {
		char octet = *at++;

		if (octet < 0x21 || octet > 0x7E)
			return "holds a blank or another octet that no "
				"unique-id may have";
		if (octet != '%' || skip_percent(&at))
			continue;
		wrong = uidl_place_read(&at, &place);
		if (wrong != NULL)
			return wrong;
		names[place.variable] = true;
	}
	if (!names[UIDL_UID] && !names[UIDL_FILENAME] && !names[UIDL_GUID])
		return "makes the same of all messages (it needs one of %u, "
			"%f and %g)";
	return NULL;
}

bool uidl_format_has_uidvalidity(const char *format)
{
	struct uidl_place place;

	for (const char *at = format; *at != '\0';) {
		if (*at++ != '%' || skip_percent(&at))
			continue;
		if (uidl_place_read(&at, &place) != NULL)
			return false;
		if (place.variable == UIDL_UIDVALIDITY)
			return true;
	}
	return false;
}

void uidl_format_hex(const uint8_t digest[16], char hex[33])
{
	for (size_t i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* Print a number in hex; of one that is too wide the last digits. */
static void make_hex(char value[VALUE_BYTES], uint64_t width)
{
	uint64_t number;
	const char *at = value;
	char digits[UIDL_MOST_WIDTH + 17];
	size_t count;

	if (!text_number(&at, UINT64_MAX, &number))
		return;
	count = (size_t)snprintf(digits, sizeof(digits), "%0*" PRIx64,
		(int)width, number);
	at = digits;
	if (width > 0 && count > width)
		at += count - width;
	memcpy(value, at, strlen(at) + 1);
}

static void take_step(char value[VALUE_BYTES], const struct uidl_step *step,
	import_md5 *md5)
{
	uint8_t digest[16];

	switch (step->kind) {
	case UIDL_HEX:
		make_hex(value, step->width);
		break;
	case UIDL_MD5:
		md5(value, strlen(value), digest);
		uidl_format_hex(digest, value);
		break;
	case UIDL_LOWER:
		for (; *value != '\0'; value++)
			if (*value >= 'A' && *value <= 'Z')
				*value = (char)(*value - 'A' + 'a');
		break;
	case UIDL_UPPER:
		for (; *value != '\0'; value++)
			if (*value >= 'a' && *value <= 'z')
				*value = (char)(*value - 'a' + 'A');
		break;
	case UIDL_HEXLIFY:
		break;	/* it is hex digits already */
	}
}

static void look_up(const struct uidl_facts *facts, enum uidl_variable variable,
	char value[VALUE_BYTES])
{
	switch (variable) {
	case UIDL_UID:
		snprintf(value, VALUE_BYTES, "%" PRIu32, facts->uid);
		break;
	case UIDL_UIDVALIDITY:
		snprintf(value, VALUE_BYTES, "%" PRIu32, facts->uidvalidity);
		break;
	case UIDL_FILENAME:
		snprintf(value, VALUE_BYTES, "%s", facts->filename);
		break;
	default:
		snprintf(value, VALUE_BYTES, "%s", facts->guid);
		break;
	}
}

/* Append, or remember by a length above the limit that it did not fit. */
static void append(char *uidl, size_t *count, const char *octets, size_t more)
{
	if (*count + more <= NAME_UIDL_OCTETS)
		memcpy(uidl + *count, octets, more);
	*count += more;
}

static void append_place(char *uidl, size_t *count,
	const struct uidl_place *place, const char *value)
{
	size_t octets = strlen(value);

	if (place->is_padded)
		for (size_t i = octets; i < place->width; i++)
			append(uidl, count, "0", 1);
	else if (place->width > 0 && octets > place->width)
		octets = place->width;
	append(uidl, count, value, octets);
}

int uidl_format_write(const char *format, const struct uidl_facts *facts,
	import_md5 *md5, char uidl[NAME_UIDL_OCTETS + 1])
{
	char value[VALUE_BYTES];
	struct uidl_place place;
	size_t count = 0;

	for (const char *at = format; *at != '\0';) {
		const char *literal = at;

		if (*at++ != '%' || skip_percent(&at)) {
			append(uidl, &count, literal, 1);
			continue;
		}
		if (uidl_place_read(&at, &place) != NULL)
			break;
		look_up(facts, place.variable, value);
		for (size_t i = 0; i < place.step_count; i++)
			take_step(value, &place.steps[i], md5);
		append_place(uidl, &count, &place, value);
	}
	if (count > NAME_UIDL_OCTETS || !name_is_uidl(uidl, count)) {
		errno = EINVAL;
		return -1;
	}
	uidl[count] = '\0';
	return 0;
}
