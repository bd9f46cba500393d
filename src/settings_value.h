/*
 * settings_value.h - numbers, durations and words of the configuration file
 *
 * One table says for each setting of these kinds what is a value; reading,
 * printing and the messages follow from it.
 */
#ifndef POSTERN_SETTINGS_VALUE_H
#define POSTERN_SETTINGS_VALUE_H

#include <stdbool.h>
#include <stdio.h>

#define VALUE_WHY_BYTES 256

/*
 * Read 'text' as a value of the setting 'name': a count, a duration in the
 * setting's unit, or the index of a word (= the enum of settings.h).
 * Returns true, or false with 'why' saying what would be right.
 */
bool value_parse(const char *name, const char *text, long *value,
	char why[VALUE_WHY_BYTES]);

/* Write 'value' of the setting 'name' so that value_parse() reads it back. */
void value_print(const char *name, long value, FILE *out);

/* Write 'text' as a quoted string that expands nothing. */
void value_quote(const char *text, FILE *out);

#endif
