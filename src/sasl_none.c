/*
 * sasl_none.c - no SASL exchange: built without GNU SASL
 *
 * Runs in: a keeper, which refuses AUTH then.
 */
#include "config.h"

#include "sasl.h"

#include "log.h"

struct sasl *sasl_begin(const struct sasl_facts *facts)
{
	(void)facts;
	return NULL;
}

enum sasl_event sasl_step(struct sasl *sasl, const char *response,
	char challenge[WIRE_IMAGE_BYTES])
{
	(void)sasl, (void)response, (void)challenge;
	bug("an exchange that can't have begun");
}

const struct sasl_outcome *sasl_outcome(const struct sasl *sasl)
{
	(void)sasl;
	bug("an exchange that can't have begun");
}

void sasl_end(struct sasl *sasl)
{
	(void)sasl;
}
