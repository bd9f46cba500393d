/*
 * passwd_lines.h - the text of a passwd-file with one user changed; pure
 */
#ifndef POSTERN_PASSWD_LINES_H
#define POSTERN_PASSWD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What is made of a user's line; all else in it stays. */
struct passwd_change {
	bool is_removal;	/* of all lines of the user */
	bool may_add;		/* a line, if there is none */
	const char *hash;	/* NULL: the old one stays */
	const char *drops[2];	/* extra fields to leave out, or NULL */
	const char *adds;	/* extra fields to add, or "" */
};

/* What was found on the way. */
struct passwd_found {
	unsigned lines;		/* of the user */
	unsigned line;		/* the first, or the one that is wrong */
	bool has_password;	/* the user can log in by some password */
};

/*
 * Write the 'count' octets of a passwd-file to 'out', with 'change' made to the
 * first line of 'user', which is the one that counts.
 *
 * user: auth_name_is_usable(), without ':', not beginning with '#'.
 * Returns NULL; or what is wrong with the user's line 'found->line', or that
 * memory is short.  The caller checks 'out' for errors.
 */
const char *passwd_lines_change(const char *octets, size_t count,
	const char *user, const struct passwd_change *change, FILE *out,
	struct passwd_found *found);

#endif
