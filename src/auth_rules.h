/*
 * auth_rules.h - what the extra fields of a user's line permit and change
 */
#ifndef POSTERN_AUTH_RULES_H
#define POSTERN_AUTH_RULES_H

#include "auth.h"
#include "passwd_file.h"

/*
 * Judge the extra fields of 'entry', a line of the file 'path': allow-nets,
 * nologin and valid-until may refuse the user, and the lack of cleartext=always
 * an attempt that is exposed; folder, maildir and readonly go into 'identity',
 * whose name and home are there already.
 *
 * Returns AUTH_GRANTED; or AUTH_REFUSED, or AUTH_PERMANENT if a field is wrong
 * or is one of Dovecot's that can't be kept, both after a log line.
 */
enum auth_result rules_apply(const char *path,
	const struct passwd_entry *entry, const struct auth_attempt *attempt,
	struct auth_identity *identity);

/* Whether that line has cleartext=always. */
bool rules_may_cleartext(const struct passwd_entry *entry);

#endif
