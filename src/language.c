/*
 * language.c - the commands LANG and UTF8, the same in both states
 *
 * Runs in: a worker.
 */
#include "config.h"

#include "language.h"

#include "texts.h"

static enum pop3_event list_languages(struct session *session)
{
	const struct texts_language *language;

	pop3_ok(session, "language list follows");
	for (unsigned int i = 0; (language = texts_language(i)) != NULL; i++)
		pop3_line(session, "%s %s", language->tag, language->name);
	return pop3_end_of_lines(session);
}

enum pop3_event language_lang(struct session *session,
	const struct pop3_request *request)
{
	if (request->text == NULL)
		return list_languages(session);

	int language = texts_choose(request->text);
	if (language < 0)
		return pop3_err(session, "this language is not available");
	session->language = (unsigned int)language;
	return pop3_ok_data(session, "%s %s",
		texts_language(session->language)->tag,
		texts_find(session->language, N_("language changed")));
}

enum pop3_event language_utf8(struct session *session,
	const struct pop3_request *request)
{
	(void)request;
	return pop3_ok(session, "UTF8 enabled");
}
