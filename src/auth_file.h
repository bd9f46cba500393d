/*
 * auth_file.h - back end: a Dovecot-style passwd-file
 *
 * user:{SCHEME}hash:uid:gid:gecos:home:shell:extra, one user a line, of which
 * user and hash are needed; '#' begins a comment line.
 */
#ifndef POSTERN_AUTH_FILE_H
#define POSTERN_AUTH_FILE_H

#include "auth.h"
#include "passwd_file.h"

/*
 * Check 'attempt' against the file of 'backend'.  Returns AUTH_GRANTED,
 * AUTH_DENIED, AUTH_UNKNOWN (after the same work), AUTH_TEMPORARY (file can't
 * be read), AUTH_STUCK (scheme not supported), AUTH_REFUSED (by a rule in the
 * line) or AUTH_PERMANENT (no usable uid).
 */
enum auth_result auth_file_check(const struct backend_settings *backend,
	const struct auth_attempt *attempt, struct auth_identity *identity);

/*
 * Whom the line 'entry' makes of its user, whose password is right: returns
 * AUTH_GRANTED, AUTH_REFUSED or AUTH_PERMANENT.
 */
enum auth_result auth_file_identify(const struct backend_settings *backend,
	const struct passwd_entry *entry, const struct auth_attempt *attempt,
	struct auth_identity *identity);

/* Whether there is a user whose line has cleartext=always. */
bool auth_file_has_cleartext(const struct backend_settings *backend);

#endif
