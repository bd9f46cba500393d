/*
 * uidl_place.c - one variable of a pop3_uidl_format, and what is done to it
 *
 * Pure.  Runs in: the master, which checks the settings, and the keeper.
 * Distrusts: the format.
 */
#include "config.h"

#include "maildir/uidl_place.h"

#include <ctype.h>
#include <string.h>

#include "maildir/text.h"

static const struct {
	char letter;
	const char *name;
	bool is_number;
} variables[UIDL_VARIABLES] = {
	[UIDL_UID] = { 'u', "uid", true },
	[UIDL_UIDVALIDITY] = { 'v', "uidvalidity", true },
	[UIDL_FILENAME] = { 'f', "filename", false },
	[UIDL_GUID] = { 'g', "guid", false },
};

static const struct {
	const char *name;	/* 2.4 */
	char letter;		/* 2.3; NUL: it has none */
} steps[] = {
	[UIDL_HEX] = { "hex", 'X' },
	[UIDL_MD5] = { "md5", 'M' },
	[UIDL_LOWER] = { "lower", 'L' },
	[UIDL_UPPER] = { "upper", 'U' },
	[UIDL_HEXLIFY] = { "hexlify", '\0' },
};

#define STEPS (sizeof(steps) / sizeof(*steps))

static const char *const unknown_variable =
	"names a variable that is not known here (known are %u, %v, %f and %g, "
	"or %{uid}, %{uidvalidity}, %{filename} and %{guid})";
static const char *const unknown_filter =
	"has a filter that is not known here (known are hex, hex(WIDTH), md5, "
	"lower and upper)";
static const char *const no_md5_of_mbox =
	"names %m, which only mbox files have, not Maildirs";
static const char *const unfinished = "ends within a variable";
static const char *const not_a_number =
	"makes a hexadecimal number of what is no number";
static const char *const too_wide = "has a width above 255";
static const char *const offset =
	"has an offset or a negative width, which is not known here";
static const char *const too_many_steps = "has too many modifiers";
static const char *const after_md5 =
	"changes an MD5, of which Dovecot 2.4 can only make hex digits";

/* Take a word of letters and digits at '*at'. */
static size_t take_word(const char **at)
{
	size_t count = 0;

	while (isalnum((unsigned char)(*at)[count]) || (*at)[count] == '_')
		count++;
	*at += count;
	return count;
}

static bool is_word(const char *word, size_t count, const char *name)
{
	return strlen(name) == count && memcmp(word, name, count) == 0;
}

static const char *add_step(struct uidl_place *place, enum uidl_step_kind kind,
	uint64_t width)
{
	if (place->step_count == UIDL_MOST_STEPS)
		return too_many_steps;
	place->steps[place->step_count++] = (struct uidl_step){ kind, width };
	return NULL;
}

/* Read the width and the modifiers of 2.3. */
static const char *read_modifiers(const char **at, struct uidl_place *place)
{
	const char *wrong = NULL;

	place->is_padded = **at == '0';
	if (isdigit((unsigned char)**at) &&
			!text_number(at, UIDL_MOST_WIDTH, &place->width))
		return too_wide;
	if (**at == '.' || **at == '-')
		return offset;
	for (size_t kind = 0; kind < STEPS && wrong == NULL;) {
		if (**at != '\0' && **at == steps[kind].letter) {
			wrong = add_step(place, (enum uidl_step_kind)kind, 0);
			(*at)++;
			kind = 0;
		} else {
			kind++;
		}
	}
	return wrong;
}

static const char *read_letter(const char **at, struct uidl_place *place)
{
	char letter = *(*at)++;

	for (size_t i = 0; i < UIDL_VARIABLES; i++) {
		place->variable = (enum uidl_variable)i;
		if (letter == variables[i].letter)
			return NULL;
	}
	if (letter == '\0')
		return unfinished;
	return letter == 'm' ? no_md5_of_mbox : unknown_variable;
}

static const char *read_filter(const char **at, struct uidl_place *place)
{
	const char *word, *wrong;
	uint64_t width = 0;
	size_t count, kind = 0;

	*at += strspn(*at, " ");
	word = *at;
	count = take_word(at);
	while (kind < STEPS && !is_word(word, count, steps[kind].name))
		kind++;
	if (kind == STEPS)
		return unknown_filter;
	if (**at == '(') {
		(*at)++;
		if (kind != UIDL_HEX || !isdigit((unsigned char)**at))
			return unknown_filter;
		if (!text_number(at, UIDL_MOST_WIDTH, &width))
			return too_wide;
		if (*(*at)++ != ')')
			return unknown_filter;
	}
	wrong = add_step(place, (enum uidl_step_kind)kind, width);
	*at += strspn(*at, " ");
	return wrong;
}

/* Read "name|filter|filter}", the form of 2.4. */
static const char *read_long(const char **at, struct uidl_place *place)
{
	const char *word, *wrong = NULL;
	size_t count, i = 0;

	*at += strspn(*at, " ");
	word = *at;
	count = take_word(at);
	*at += strspn(*at, " ");
	while (i < UIDL_VARIABLES && !is_word(word, count, variables[i].name))
		i++;
	if (i == UIDL_VARIABLES)
		return is_word(word, count, "md5") ? no_md5_of_mbox :
			unknown_variable;
	place->variable = (enum uidl_variable)i;
	while (**at == '|' && wrong == NULL) {
		(*at)++;
		wrong = read_filter(at, place);
	}
	if (wrong == NULL && *(*at)++ != '}')
		wrong = unfinished;
	return wrong;
}

/* 2.4 has the octets of an MD5 and shows their digits in the end. */
static const char *check_steps(const struct uidl_place *place, bool is_long)
{
	bool is_number = variables[place->variable].is_number;

	for (size_t i = 0; i < place->step_count; i++) {
		enum uidl_step_kind kind = place->steps[i].kind;
		bool follows_md5 = i > 0 &&
			place->steps[i - 1].kind == UIDL_MD5;

		if (kind == UIDL_HEX && !is_number)
			return not_a_number;
		if (is_long && follows_md5 && kind != UIDL_HEXLIFY)
			return after_md5;
		if (kind == UIDL_HEXLIFY && !follows_md5)
			return unknown_filter;
		if (kind == UIDL_HEX || kind == UIDL_MD5)
			is_number = false;
	}
	return NULL;
}

const char *uidl_place_read(const char **at, struct uidl_place *place)
{
	bool is_long = **at == '{';
	const char *wrong;

	*place = (struct uidl_place){ .variable = UIDL_UID };
	if (is_long) {
		(*at)++;
		wrong = read_long(at, place);
	} else {
		wrong = read_modifiers(at, place);
		if (wrong == NULL)
			wrong = read_letter(at, place);
	}
	return wrong != NULL ? wrong : check_steps(place, is_long);
}
