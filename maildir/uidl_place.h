/*
 * uidl_place.h - one variable of a pop3_uidl_format, and what is done to it
 *
 * For uidl_format.c only.
 */
#ifndef POSTERN_MAILDIR_UIDL_PLACE_H
#define POSTERN_MAILDIR_UIDL_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No legal unique-id is wider. */
#define UIDL_MOST_WIDTH 255

#define UIDL_MOST_STEPS 8

enum uidl_variable {
	UIDL_UID, UIDL_UIDVALIDITY, UIDL_FILENAME, UIDL_GUID, UIDL_VARIABLES
};

/* What is done to a value. */
enum uidl_step_kind {
	UIDL_HEX, UIDL_MD5, UIDL_LOWER, UIDL_UPPER, UIDL_HEXLIFY
};
struct uidl_step {
	enum uidl_step_kind kind;
	uint64_t width;		/* of 2.4's hex; 0: as it comes */
};

/* One variable of a format, and all that its place says. */
struct uidl_place {
	enum uidl_variable variable;
	struct uidl_step steps[UIDL_MOST_STEPS];
	size_t step_count;
	uint64_t width;		/* 0: as it comes */
	bool is_padded;		/* to that width; else it is cut */
};

/*
 * Read what follows a '%' at '*at', and move '*at' behind it.  Returns NULL, or
 * what is wrong with it; then '*at' is of no use.
 */
const char *uidl_place_read(const char **at, struct uidl_place *place);

#endif
