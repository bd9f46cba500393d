/*
 * auth_scheme.h - one stored password, "{SCHEME}hash" or a hash of crypt(3)
 */
#ifndef POSTERN_AUTH_SCHEME_H
#define POSTERN_AUTH_SCHEME_H

enum scheme_result {
	SCHEME_MATCH, SCHEME_DIFFERENT,
	SCHEME_LOCKED,		/* "", "!..." or "*...": no password fits */
	SCHEME_UNSUPPORTED	/* the scheme, or this kind of hash */
};

/* Return how 'stored' would be checked: MATCH for "it can be", else why not. */
enum scheme_result scheme_kind(const char *stored);

/*
 * Compare 'password', in its normal form, with 'stored'; takes as long as the
 * scheme is slow.
 */
enum scheme_result scheme_check(const char *stored, const char *password);

/* What is wrong with 'stored', which is unsupported; for the log. */
const char *scheme_fault(const char *stored);

/* Do the work of a comparison with a hash as this system makes them today. */
void scheme_pretend(const char *password);

#endif
