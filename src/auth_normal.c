/*
 * auth_normal.c - one form for names and passwords that look the same; pure
 *
 * Runs in: a keeper.  Distrusts: the text; it comes from the network.
 *
 * RFC 6856 asks for SASLprep (RFC 4013), which Unicode has outgrown; RFC 8265
 * takes its place.  GnuTLS, which we have anyway, knows that one's profile for
 * passwords.  It serves for names as well: it keeps case, as our names do.
 */
#include "config.h"

#include "auth_normal.h"

#include <gnutls/gnutls.h>
#include <string.h>

#include "auth.h"

/* Most texts are ASCII, which is normal. */
static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text > 0x7f)
			return false;
	return true;
}

static bool copy(const char *text, size_t count, char *normal, size_t room)
{
	normal[0] = '\0';
	if (count >= room)
		return false;
	memcpy(normal, text, count);
	normal[count] = '\0';
	return true;
}

bool auth_normal_write(const char *text, char *normal, size_t room)
{
	gnutls_datum_t form;
	size_t count = strlen(text);
	bool is_written;

	/* No form is so much shorter that it could still fit. */
	if (count >= room * 4 || is_ascii(text) ||
			gnutls_utf8_password_normalize(
				(const unsigned char *)text,
				(unsigned int)count, &form, 0) < 0)
		return copy(text, count, normal, room);
	is_written = copy((const char *)form.data, form.size, normal, room);
	explicit_bzero(form.data, form.size);
	gnutls_free(form.data);
	return is_written;
}

bool auth_normal_is_of(const char *stored, const char *normal)
{
	char form[AUTH_NAME_OCTETS + 1];

	if (is_ascii(stored))
		return strcmp(stored, normal) == 0;
	return auth_normal_write(stored, form, sizeof(form)) &&
		strcmp(form, normal) == 0;
}
