/*
 * auth_normal.h - one form for names and passwords that look the same; pure
 */
#ifndef POSTERN_AUTH_NORMAL_H
#define POSTERN_AUTH_NORMAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Write the normal form of 'text' to the 'room' bytes at 'normal': the profile
 * OpaqueString of RFC 8265 section 4.2, which is Unicode's form C with every
 * blank a U+0020.  What is no UTF-8, or holds what that profile forbids, is
 * its own normal form: old clients send ISO 8859-1.
 * Returns true, or false with 'normal' empty if it does not fit.
 */
bool auth_normal_write(const char *text, char *normal, size_t room);

/*
 * Return true if 'normal' is the normal form of 'stored', which may have been
 * written in another one.  Not for secrets: the time tells where they differ.
 */
bool auth_normal_is_of(const char *stored, const char *normal);

#endif
