/*
 * auth.h - is this the user's password, and who is that user on this machine
 *
 * Runs in a keeper, as root or as the invoking user, for one attempt.
 */
#ifndef POSTERN_AUTH_H
#define POSTERN_AUTH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "auth_scram.h"
#include "settings.h"

/* Names longer than this are refused; RFC 1939's 40 are not enough for mail. */
#define AUTH_NAME_OCTETS 255
#define AUTH_PASSWORD_OCTETS 512
#define AUTH_PATH_BYTES 4096

/* Of a Maildir++ folder, without its first dot. */
#define AUTH_FOLDER_OCTETS 200

enum auth_result {
	AUTH_GRANTED,
	AUTH_DENIED,		/* no such user, or not that password */
	AUTH_UNKNOWN,		/* not in this back end: ask the next */
	AUTH_TEMPORARY,		/* could not be checked now; logged */
	AUTH_REFUSED,		/* right password, but a rule forbids; logged */
	AUTH_STUCK,		/* known here, but can't be decided; logged */
	AUTH_PERMANENT		/* right password, no usable account; logged */
};

struct auth_attempt {
	const char *name;	/* as the client sent it; auth_check checks */
	const char *password;	/* or the token, or "" if none is asked for */
	const char *address;	/* of the client, numeric, for PAM_RHOST */
	const char *local_address;	/* of ours, or NULL */
	uint16_t port, local_port;	/* 0: not known */
	bool has_tls;
	bool is_exposed;	/* came as only cleartext=always permits */
};

struct auth_identity {
	uid_t uid;
	gid_t gid;
	bool has_groups;	/* a system user: initgroups() applies */
	bool is_read_only;	/* may remove and change nothing */
	char name[AUTH_NAME_OCTETS + 1];
	char home[AUTH_PATH_BYTES];	/* absolute; "" if there is none */
	char maildir[AUTH_PATH_BYTES];	/* absolute; "": mailbox.path */
	char folder[AUTH_FOLDER_OCTETS + 1];	/* "": the INBOX */
};

/*
 * Check 'attempt' against the back ends of 'settings' in their order, name and
 * password in their normal form (auth_normal.h).
 *
 * A name that auth_name_is_usable() refuses is denied, at the usual cost, and
 * so is a password of more than AUTH_PASSWORD_OCTETS.  An unknown name costs
 * the time of a known one.
 *
 * After AUTH_UNKNOWN and AUTH_TEMPORARY the next back end is asked; any other
 * result is the last one, so that a user whom one knows is granted by no other,
 * with another password.  A program and a Dovecot cannot say that they do not
 * know a user: their AUTH_DENIED ends it, too.  If all of them are asked, it is
 * AUTH_TEMPORARY if one was, else AUTH_DENIED.  Of an attempt that is exposed
 * only back ends hear that can tell whose password may come so.
 *
 * Returns AUTH_GRANTED and fills 'identity', or AUTH_DENIED (which AUTH_REFUSED
 * becomes), AUTH_TEMPORARY (which AUTH_STUCK becomes) or AUTH_PERMANENT.  Never
 * grants uid 0.  Blocks, and enters the gate for what costs CPU; SIGCHLD may be
 * at its default afterwards.
 */
enum auth_result auth_check(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity);

/*
 * Find out who 'attempt->name' is, with no password: somebody else vouches for
 * the name.  Only back ends that have a list of names are asked.  Returns as
 * auth_check() does.
 */
enum auth_result auth_find(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity);

/*
 * Find the SCRAM keys of 'attempt->name'; made-up ones, always the same, for a
 * name without any.
 *
 * Returns AUTH_GRANTED, or AUTH_PERMANENT, for the keys of a user; AUTH_DENIED
 * for those of a user whom a rule refuses and for others, with which the
 * exchange goes on and fails; or AUTH_TEMPORARY without keys.  Whoever proves
 * to have the password is what was returned.
 */
enum auth_result auth_find_scram(const struct auth_settings *settings,
	const struct auth_attempt *attempt, enum scram_digest digest,
	struct scram_keys *keys, struct auth_identity *identity);

/*
 * Let the back ends of type token judge the token 'attempt->password' of
 * 'attempt->name', or ("") of whomever it belongs to.  Returns as auth_check()
 * does.
 */
enum auth_result auth_check_token(const struct auth_settings *settings,
	const struct auth_attempt *attempt, struct auth_identity *identity);

/*
 * The Dovecot that SCRAM is relayed to: where it is the only back end for
 * passwords.  In a longer chain it would take the name, which only the
 * mechanism understands, to know whom to ask; there it is NULL.
 */
const struct backend_settings *auth_relay(
	const struct auth_settings *settings);

/*
 * What the back ends can do, as bits of enum ability.  Reads files: only for a
 * process that ends soon.
 */
uint32_t auth_abilities(const struct auth_settings *settings);

#endif
