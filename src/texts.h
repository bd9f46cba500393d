/*
 * texts.h - the languages of our replies; their catalogues
 *
 * The English texts are in the code, where xgettext finds them: as formats of
 * pop3_ok(), pop3_err() and pop3_bad(), or marked by N_().
 */
#ifndef POSTERN_TEXTS_H
#define POSTERN_TEXTS_H

/* Marks a text that is translated elsewhere. */
#define N_(text) (text)

/* The language of a client that has asked for none: English.  RFC 2277. */
#define TEXTS_DEFAULT 0

struct texts_language {
	const char *tag;	/* RFC 5646 */
	const char *name;	/* in that language, UTF-8 */
};

/*
 * Read the catalogues, once, in the master: every process that is forked later
 * has them.  Of one that can't be read a line is logged, and the language is
 * not offered.
 */
void texts_load(void);

/* Return language 'idx', from TEXTS_DEFAULT on, or NULL behind the last. */
const struct texts_language *texts_language(unsigned int idx);

/*
 * Return the language that 'range' asks for, or -1 if there is none: a basic
 * language range, found by lookup (RFC 4647 section 3.4), so that "de-AT" gets
 * "de"; or "*", which is English.
 */
int texts_choose(const char *range);

/* Return 'english' in a language, or as it is if that has no such text. */
const char *texts_find(unsigned int language, const char *english)
	__attribute__((format_arg(2)));

#endif
