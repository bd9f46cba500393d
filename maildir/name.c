/*
 * name.c - a Maildir file name: unique part, time, sizes, unique-id
 *
 * Pure.  Runs in: the keeper.
 * Distrusts: every octet of a name; any program may have chosen it.
 */
#include "config.h"

#include "maildir/name.h"

#include <string.h>

#define DIGEST_OCTETS 16
#define INODE_OCTETS 8

static void write_hashed(const uint8_t digest[DIGEST_OCTETS], char *uidl)
{
	static const char hex[] = "0123456789abcdef";

	*uidl++ = 'h';
	for (size_t i = 0; i < DIGEST_OCTETS; i++) {
		*uidl++ = hex[digest[i] >> 4];
		*uidl++ = hex[digest[i] & 15];
	}
	*uidl = '\0';
}

/*
 * Add the decimal digit 'digit' to '*number'.  Returns false, and leaves it
 * alone, if the result would exceed UINT64_MAX.
 */
static bool add_digit(uint64_t *number, char digit)
{
	uint64_t value = (uint64_t)(digit - '0');

	if (*number > (UINT64_MAX - value) / 10)
		return false;
	*number = *number * 10 + value;
	return true;
}

static bool is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

static bool is_unique_end(char octet)
{
	return octet == '\0' || octet == ',' || octet == ':';
}

static size_t count_digits(const char *name)
{
	size_t count = 0;

	while (is_digit(name[count]))
		count++;
	return count;
}

/* Compare octets; the end of a unique part goes before any octet. */
static int compare_octets(char a, char b)
{
	unsigned char left = is_unique_end(a) ? 0 : (unsigned char)a;
	unsigned char right = is_unique_end(b) ? 0 : (unsigned char)b;

	return (left > right) - (left < right);
}

/* Where the last number of this key begins, or NULL. */
static const char *last_number(const char *name, char key)
{
	const char *found = NULL;

	for (; *name != '\0' && *name != ':'; name++)
		if (name[0] == ',' && name[1] == key && name[2] == '=')
			found = name + 3;
	return found;
}

size_t name_unique(const char *name)
{
	return strcspn(name, ",:");
}

uint64_t name_time(const char *name)
{
	uint64_t time_s = 0;

	for (; is_digit(*name); name++)
		if (!add_digit(&time_s, *name))
			return UINT64_MAX;
	return time_s;
}

bool name_size(const char *name, char key, uint64_t *value)
{
	const char *at = last_number(name, key);
	uint64_t number = 0;

	if (at == NULL || !is_digit(*at))
		return false;
	for (; is_digit(*at); at++)
		if (!add_digit(&number, *at))
			return false;
	if (*at != '\0' && *at != ',' && *at != ':')
		return false;
	*value = number;
	return true;
}

/*
 * Both begin with 'same' equal octets.  Numbers of as many digits are in the
 * order of their octets, so they need not be read.
 */
int name_compare_unique(const char *a, const char *b)
{
	size_t same = 0, digits = count_digits(a);
	uint64_t a_time_s, b_time_s;

	while (a[same] == b[same] && !is_unique_end(a[same]))
		same++;
	if (digits >= same && digits != count_digits(b)) {
		a_time_s = name_time(a);
		b_time_s = name_time(b);
		if (a_time_s != b_time_s)
			return a_time_s < b_time_s ? -1 : 1;
	}
	return compare_octets(a[same], b[same]);
}

int name_compare(const char *a, const char *b)
{
	int order = name_compare_unique(a, b);

	return order != 0 ? order : strcmp(a, b);
}

bool name_is_uidl(const char *text, size_t octets)
{
	if (octets < 1 || octets > NAME_UIDL_OCTETS)
		return false;
	for (size_t i = 0; i < octets; i++)
		if (text[i] < 0x21 || text[i] > 0x7E)
			return false;
	return true;
}

bool name_has_uidl(const char *name)
{
	return name_is_uidl(name, name_unique(name));
}

void name_uidl(const char *name, name_digest *digest,
	char uidl[NAME_UIDL_OCTETS + 1])
{
	size_t octets = name_unique(name);
	uint8_t hash[DIGEST_OCTETS];

	if (name_has_uidl(name)) {
		memcpy(uidl, name, octets);
		uidl[octets] = '\0';
		return;
	}
	digest(name, octets, hash);
	write_hashed(hash, uidl);
}

void name_uidl_of_twin(const char *name, uint64_t inode, name_digest *digest,
	char uidl[NAME_UIDL_OCTETS + 1])
{
	uint8_t input[DIGEST_OCTETS + INODE_OCTETS], hash[DIGEST_OCTETS];

	digest(name, name_unique(name), input);
	for (size_t i = 0; i < INODE_OCTETS; i++)
		input[DIGEST_OCTETS + i] = (uint8_t)(inode >> (56 - 8 * i));
	digest(input, sizeof(input), hash);
	write_hashed(hash, uidl);
}
