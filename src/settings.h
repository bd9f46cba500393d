/*
 * settings.h - the configuration file as one plain struct
 *
 * Only settings*.c know libconfuse.
 */
#ifndef POSTERN_SETTINGS_H
#define POSTERN_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "log.h"
#include "network.h"

/* Where posternctl looks, too, if it can't read the settings. */
#define SETTINGS_CONTROL_PATH "/run/postern/control"

enum tls_mode { TLS_NONE, TLS_STARTTLS, TLS_IMPLICIT };
enum tls_version {
	TLS_VERSION_1_0, TLS_VERSION_1_1, TLS_VERSION_1_2, TLS_VERSION_1_3
};
enum alpn { ALPN_OFFERED, ALPN_STRICT };
enum client_certificate { CLIENT_OPTIONAL, CLIENT_REQUIRED };
enum proxy_tls { PROXY_TLS_HEADER, PROXY_TLS_ALWAYS };
enum cleartext { CLEARTEXT_NEVER, CLEARTEXT_TLS_ONLY, CLEARTEXT_ALWAYS };
enum backend_type {
	BACKEND_PASSWD_FILE, BACKEND_PROGRAM, BACKEND_TOKEN, BACKEND_DOVECOT
};
/* Whose unique-ids a Maildir has when we first open it. */
enum uidl_import {
	UIDLS_AUTO, UIDLS_NONE, UIDLS_DOVECOT, UIDLS_COURIER, UIDLS_QMAIL,
	UIDLS_SOLID, UIDLS_POPA3D
};
enum delete_how { DELETE_UNLINK, DELETE_TRASH };
/* Which confinement by the kernel there must be. */
enum sandbox_mode { SANDBOX_OFF, SANDBOX_AUTO, SANDBOX_REQUIRE };
/* Who else counts with maildirsize, and so what that counts. */
enum quota_rule { QUOTA_AUTO, QUOTA_DOVECOT, QUOTA_COURIER };

/* As the file has them, with NULL at the end, and as they are compared. */
struct network_list {
	char **texts;
	struct network *all;
	size_t count;
};

struct listen_settings {
	char *name;		/* the section's title */
	char **addresses;	/* numeric, IPv4 or IPv6 */
	size_t address_count;
	uint16_t port;		/* 0: the system chooses one */
	enum tls_mode tls;
	struct tls_settings *own_tls;	/* NULL: those of all listeners */
	struct network_list proxies;	/* that say who the client is */
	enum proxy_tls proxy_tls;	/* and if it has TLS with them */
};

/* A certificate and its key: PEM files. */
struct pair_settings {
	char *certificate;	/* chain, the server's own first */
	char *key;
	char *ocsp;		/* a response to staple, or "" */
	uint32_t number;	/* of the key: 0 .. settings.key_count - 1 */
};

/* One host: several certificates, of different algorithms. */
struct certificate_settings {
	char *host;		/* SNI name in lower case; NULL: the default */
	struct pair_settings *pairs;
	size_t pair_count;
	char *place;		/* where that was set: "file:line" */
};

struct tls_settings {
	struct certificate_settings *certificates; /* [0] is the default */
	size_t certificate_count;	/* 0 if no certificate is set */
	enum tls_version min_version;
	enum alpn alpn;
	char *priority;			/* appended to our default; may be "" */
	char *client_ca;		/* PEM file, or "": ask no client */
	char *client_crl;		/* PEM file, or "": none is revoked */
	enum client_certificate client_certificate;
};

struct backend_settings {
	char *name;
	enum backend_type type;
	char *path;		/* passwd-file; dovecot: a socket */
	char *userdb;		/* dovecot: another socket, or "" */
	char **command;		/* program, token: argv, NULL at the end */
	uint32_t timeout_s;	/* all but passwd-file: not longer than this */
	char *uid, *gid, *home;	/* where the back end tells none; or "" */
	char *place;		/* where that was set: "file:line" */
};

struct auth_settings {
	enum cleartext cleartext;
	uint32_t failure_delay_ms;	/* 0: none */
	uint32_t attempts;		/* failed logins per connection */
	uint32_t concurrent_checks;	/* password checks at once */
	uint32_t mechanisms;		/* SASL: a bit for each permitted */
	struct network_list trusted;	/* no penalties, no per-address */
	struct backend_settings *backends;
	size_t backend_count;
};

struct mailbox_settings {
	char *path;			/* "~/Maildir"; %u %n %d %h */
	char *folder_separator;		/* one character, or "": no folders */
	enum uidl_import import;
	char *uidl_format;		/* how that Dovecot makes unique-ids */
	bool mark_seen;			/* RETR sets S at QUIT */
	enum delete_how delete;
	uint32_t trash_days;		/* how long DELETE_TRASH keeps mail */
	uint32_t expire_days;		/* 0: never, here and below */
	uint32_t expire_retrieved_days;
	enum quota_rule quota;
	uint32_t takeover_after_s;	/* 0: never */
	char *place;			/* where that was set: "file:line" */
};

struct pool_settings {
	uint32_t spare;			/* idle workers kept ready */
	uint32_t max;			/* workers in all = sessions in all */
	uint32_t sessions_per_worker;
};

struct limit_settings {
	uint32_t idle_timeout_s;	/* 0: no limit, here and below */
	uint32_t login_timeout_s;
	uint32_t tls_timeout_s;
	uint32_t per_address;		/* sessions; an IPv6 /64 is one */
};

/*
 * What a policy can change for the sessions of its clients; each has the
 * meaning that it has in auth and limits.
 */
struct session_rules {
	enum cleartext cleartext;
	uint32_t failure_delay_ms;
	uint32_t attempts;
	uint32_t idle_timeout_s;
	uint32_t login_timeout_s;
	uint32_t tls_timeout_s;
	uint32_t per_address;
	bool allows_legacy_tls;		/* whatever the listener says */
};

struct policy_settings {
	char *name;			/* the section's title */
	struct network_list match;
	struct session_rules rules;	/* all of them, with what is usual */
};

struct control_settings {
	char *path;			/* of a socket, or "": none */
	char *group;			/* who may use it beside root; or "" */
};

struct settings {
	char *file;			/* the name of the file, for messages */
	char *user;			/* identity of the workers */
	char *signer_user;		/* identity of the signer */
	enum sandbox_mode sandbox;
	struct listen_settings *listens;
	size_t listen_count;
	struct tls_settings tls;
	uint32_t key_count;		/* of all pairs, here and there */
	uint32_t ticket_lifetime_s;
	struct auth_settings auth;
	struct mailbox_settings mailbox;
	struct pool_settings pool;
	struct limit_settings limits;
	struct session_rules usual_rules;	/* where no policy matches */
	struct policy_settings *policies;
	size_t policy_count;
	struct control_settings control;
	enum log_target log_target;
	enum log_level log_level;
};

/*
 * Read the configuration file 'path', or take the built-in defaults if 'path'
 * is NULL.  Every mistake is told on 'errors' as one line "file:line: what is
 * wrong and what would be right".
 * Returns settings that settings_free() frees, or NULL after a mistake.
 */
struct settings *settings_load(const char *path, FILE *errors);

/* Write 'settings' as a configuration file that settings_load() reads back. */
void settings_print(const struct settings *settings, FILE *out);

/*
 * The policy for a client from 'address': 1 is the first section, 0 stands for
 * no policy.
 */
uint32_t settings_policy_of(const struct settings *settings,
	const struct sockaddr_storage *address);

/* What holds under 'policy'; NULL if there is no such policy. */
const struct session_rules *settings_rules(const struct settings *settings,
	uint32_t policy);

/* What goes for TLS on 'listen', one of the listeners of 'settings'. */
const struct tls_settings *settings_tls_of(const struct settings *settings,
	const struct listen_settings *listen);

/* Whether a password may come as it is, on a channel that has TLS or not. */
bool settings_may_cleartext(const struct session_rules *rules, bool has_tls);

/* Free 'settings', which may be NULL. */
void settings_free(struct settings *settings);

#endif
