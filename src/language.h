/*
 * language.h - the commands LANG and UTF8, the same in both states
 */
#ifndef POSTERN_LANGUAGE_H
#define POSTERN_LANGUAGE_H

#include "pop3.h"

/*
 * LANG: list the languages, or choose one for the replies from this one on.
 * RFC 6856 section 3.
 */
enum pop3_event language_lang(struct session *session,
	const struct pop3_request *request);

/*
 * UTF8: agree.  Names, passwords and messages may hold UTF-8 in any case, and
 * messages are sent as they are stored, before and after.  RFC 6856 section 2
 * has it before the login only; clients say it later, too.
 */
enum pop3_event language_utf8(struct session *session,
	const struct pop3_request *request);

#endif
