/*
 * authority.h - keys and certificates for tests, made here
 */
#ifndef POSTERN_TESTS_AUTHORITY_H
#define POSTERN_TESTS_AUTHORITY_H

#include <stddef.h>

/* What a certificate shall say. */
struct wanted_certificate {
	const char *stem;		/* files: stem.cert.pem, stem.key.pem */
	const char *issuer;		/* stem of the issuer; NULL: itself */
	const char *common_names[2];
	const char *address;		/* rfc822Name; NULL: none */
	size_t address_count;		/* its octets; 0: up to its NUL */
	const char *purpose;		/* NULL: any */
	long valid_s;			/* from now on; 0: an hour */
	int is_authority;
	int is_rsa;
};

/* Make key and certificate in the scratch directory. */
void authority_make(const struct wanted_certificate *wanted);

#endif
