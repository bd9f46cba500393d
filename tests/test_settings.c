/*
 * test_settings.c - configuration files and what is said of each mistake
 */
#include "config.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scratch.h"
#include "settings.h"

#define TEXT_BYTES 16384
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define FORTY_X "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define HUNDRED_X FORTY_X FORTY_X "xxxxxxxxxxxxxxxxxxxx"

/* A file, and the lines said of it with '@' for its path; "": it is right. */
struct dictum {
	const char *sentence, *text, *messages;
};

static const struct dictum dicta[] = {
	{ "an empty file is right", "", "" },
	{ "an unknown option is named with its line, and the known ones",
		"pool {\n spare = 3\n worker = 3\n}\n",
		"@:3: no such option 'worker' in pool (spare, max, "
		"sessions-per-worker)\n" },
	{ "an unknown option at the top level is named",
		"\nworkers = 3\n",
	    "@:2: no such option 'workers' (user, signer-user, sandbox, "
		"listen, tls, auth, mailbox, pool, limits, policy, control, "
		"log, include)\n" },
	{ "a section inside another one is told to be a missing brace",
		"pool {\n spare = 3\nlimits { per-address = 3 }\n",
		"@:3: no such option 'limits' in pool; is the '}' of pool "
		"missing? (spare, max, sessions-per-worker)\n" },
	{ "a missing brace at the end of the file is refused",
		"pool {\n spare = 3\n",
		"@:2: the file ends too early: a '}' or a value is missing\n" },
	{ "a missing brace after a list is refused",
		"listen \"a\" { address = { \"::1\"\n",
		"@:1: the file ends too early: a '}' or a value is missing\n" },
	{ "a value missing at the end of the file is refused",
		"user =\n",
		"@:1: the file ends too early: a '}' or a value is missing\n" },
	{ "a brace too many is refused",
		"pool { spare = 3 }\n}\n",
		"@:2: unexpected closing brace (no section is open here)\n" },
	{ "a word for a number is refused",
		"pool {\n spare = many\n}\n",
		"@:2: 'many' is no number for spare (write digits, such as "
		"1024)\n" },
	{ "a negative number is refused",
		"pool { spare = -1 }\n",
	    "@:1: '-1' is no number for spare (write digits, such as 1024)\n" },
	{ "a number of twenty digits is out of range",
		"pool { spare = 99999999999999999999 }\n",
	    "@:1: spare = 99999999999999999999 is out of range (1 to 1024)\n" },
	{ "a number with a leading zero is decimal",
		"listen \"a\" { port = 010 }\n", "" },
	{ "an unknown word lists the known ones",
		"auth { backend \"x\" {\n type = ldap\n } }\n",
		"@:2: 'ldap' is no value for type (one of: passwd-file, "
		"program, token, dovecot)\n" },
	{ "an unknown unit lists the known ones",
		"limits {\n\n idle-timeout = 10x\n}\n",
	    "@:3: '10x' is no duration for idle-timeout (write 30s, 10min, 6h "
		"or 2d)\n" },
	{ "a duration needs a unit",
		"limits { idle-timeout = 10 }\n",
	    "@:1: '10' is no duration for idle-timeout (write 30s, 10min, 6h "
		"or 2d)\n" },
	{ "a duration needs digits",
		"limits { idle-timeout = min }\n",
	    "@:1: 'min' is no duration for idle-timeout (write 30s, 10min, 6h "
		"or 2d)\n" },
	{ "a duration of 0 needs no unit",
		"limits { idle-timeout = 0 }\n", "" },
	{ "milliseconds are refused where seconds are counted",
		"limits { idle-timeout = 500ms }\n",
	    "@:1: '500ms' is no duration for idle-timeout (write 30s, 10min, "
		"6h or 2d)\n" },
	{ "milliseconds are taken where they are useful",
		"auth { failure-delay = 500ms }\n", "" },
	{ "a duration of many years is out of range",
		"limits { idle-timeout = 4294967297d }\n",
	    "@:1: idle-timeout = 4294967297d is out of range (0s to 1d)\n" },
	{ "a title given twice is refused",
		"listen \"a\" {}\nlisten \"a\" {}\n",
	    "@:2: found duplicate title 'a' (give each section its own)\n" },
	{ "a missing title is refused",
		"listen { }\n",
	    "@:1: missing title for section 'listen' (write: listen \"name\" "
		"{ ... })\n" },
	{ "an empty title is refused",
		"listen \"\" { }\n",
		"@:1: listen has an empty title (write: listen \"name\" "
		"{ ... })\n" },
	{ "a missing value is refused",
		"pool { spare = }\n",
	    "@:1: unexpected token '}' (write: name = value, name = { value, "
		"value } or name { ... })\n" },
	{ "a missing equal sign is refused",
		"user \"x\"\n",
		"@:1: missing equal sign after option 'user' (write: name = "
		"value)\n" },
	{ "a missing opening brace is refused",
		"pool spare = 3\n",
	    "@:1: missing opening brace for section 'pool' (write '{' after "
		"its name or title)\n" },
	{ "a value given twice is refused",
		"pool { spare = 3 }\npool { spare = 4 }\n",
		"@:2: spare is given twice (keep one)\n" },
	{ "a section given twice adds to the first one",
		"pool { spare = 3 }\npool { max = 4 }\n", "" },
	{ "a forgotten double quote is told with the line where it opens",
		"\nuser = \"abc\npool { spare = 3 }\n",
	    "@:2: the value of user does not end on its line: a closing quote "
		"is missing\n" },
	{ "a forgotten single quote is told with the line where it opens",
		"user = 'abc\npool { spare = 3 }\n",
	    "@:1: the value of user does not end on its line: a closing quote "
		"is missing\n" },
	{ "a forgotten end of a comment is refused",
		"user = \"abc\" /* comment\n",
	    "@:1: a comment or a quoted string is not closed before the end "
		"of the file\n" },
	{ "a wrong escape in a string is refused",
		"user = \"a\\999\"\n", "@:1: bad escape sequence '\\999'\n" },
	{ "a control character in a string is refused",
		"user = \"a\\x07\"\n",
	    "@:1: the value of user has a control character (write printable "
		"ones)\n" },
	{ "a byte order mark is ignored",
		"\xef\xbb\xbfuser = \"x\"\n", "" },
	{ "a line after a byte order mark counts right",
		"\xef\xbb\xbf\nbla = 1\n",
	    "@:2: no such option 'bla' (user, signer-user, sandbox, "
		"listen, tls, auth, mailbox, pool, limits, policy, control, "
		"log, include)\n" },
	{ "line ends of DOS are right",
		"user = \"x\"\r\npool {\r\n spare = 3\r\n}\r\n", "" },
	{ "root is refused as an account",
		"\nuser = \"root\"\n",
	    "@:2: user = \"root\" would keep all rights (write the name of an "
		"account that has none)\n" },
	{ "an empty account is refused",
		"signer-user = \"\"\n",
	    "@:1: signer-user = \"\" would keep all rights (write the name of "
		"an account that has none)\n" },
	{ "an address that is a name is refused",
		"listen \"a\" {\n address = { \"::1\", \"localhost\" }\n}\n",
		"@:3: address \"localhost\" is not numeric (write 192.0.2.1 or "
		"2001:db8::1)\n" },
	{ "an address with three octets is refused",
		"listen \"a\" { address = \"127.0.1\" }\n",
		"@:1: address \"127.0.1\" is not numeric (write 192.0.2.1 or "
		"2001:db8::1)\n" },
	{ "an address with a scope id is refused",
		"listen \"a\" { address = \"fe80::1%eth0\" }\n",
	    "@:1: address \"fe80::1%eth0\" is not numeric (write 192.0.2.1 or "
		"2001:db8::1)\n" },
	{ "a certificate without a key is refused",
		"tls {\n certificate = \"/x\"\n}\n",
	    "@:3: certificate and key belong together (give both; they may be "
		"the same file)\n" },
	{ "a key without a certificate is refused",
		"tls { key = \"/x\" }\n",
	    "@:1: certificate and key belong together (give both; they may be "
		"the same file)\n" },
	{ "a certificate with an empty key is refused",
		"tls { certificate = \"/x\" key = \"\" }\n",
	    "@:1: certificate and key belong together (give both; they may be "
		"the same file)\n" },
	{ "a relative certificate is refused",
		"tls { certificate = \"x.pem\" key = \"/x\" }\n",
		"@:1: certificate = \"x.pem\" must begin with '/'\n" },
	{ "a key that is no file is refused",
		"tls { certificate = \"/x\" key = \"pkcs11:x\" }\n",
		"@:1: key = \"pkcs11:x\" must begin with '/'\n" },
	{ "a relative client-ca is refused",
		"tls { client-ca = \"ca.pem\" }\n",
		"@:1: client-ca = \"ca.pem\" must begin with '/'\n" },
	{ "a client-crl needs a client-ca",
		"tls { client-crl = \"/crl.pem\" }\n",
		"@:1: client-crl needs a client-ca (the authorities that have "
		"signed it)\n" },
	{ "client-certificate = required needs a client-ca",
		"tls { client-certificate = required }\n",
		"@:1: client-certificate = required needs a client-ca (the "
		"authorities whose certificates count)\n" },
	{ "client-certificate is one of two words",
		"tls { client-certificate = yes }\n",
		"@:1: 'yes' is no value for client-certificate (one of: "
		"optional, required)\n" },
	{ "a listener that offers TLS without any certificate is refused",
		"tls { certificate = \"\" key = \"\" }\n"
		"listen \"a\" { tls = starttls }\nlisten \"b\" { tls = none }\n"
		"listen \"c\" { tls = implicit }\n",
		"@:1: listen \"a\" offers TLS, but no certificate is set (set "
		"certificate and key, or tls = none there)\n"
		"@:1: listen \"c\" offers TLS, but no certificate is set (set "
		"certificate and key, or tls = none there)\n" },
	{ "no certificate is right where nothing offers TLS",
		"tls { certificate = \"\" key = \"\" }\n"
		"listen \"a\" { tls = none }\n", "" },
	{ "each certificate needs a key",
		"tls { certificate = { \"/c\", \"/d\" } key = \"/k\" }\n",
		"@:1: there are 2 certificates and 1 keys (give a key for "
		"each, in the same order)\n" },
	{ "each certificate may have a staple, or none has",
		"tls { certificate = { \"/c\", \"/d\" } key = { \"/k\", \"/l\" "
		"} ocsp = \"/o\" }\n",
		"@:1: there are 2 certificates and 1 ocsp files (give one for "
		"each, \"\" for none)\n" },
	{ "one of several certificates is not empty",
		"tls { certificate = { \"/c\", \"\" } "
		"key = { \"/k\", \"\" } }\n",
		"@:1: a certificate or key of several is \"\" (write their "
		"files)\n" },
	{ "a certificate is given once",
		"tls { certificate = \"/c\" key = \"/k\"\n"
		"certificate = \"/d\" }\n",
		"@:2: certificate is given twice (keep one)\n" },
	{ "several staples for the usual certificate are refused",
		"tls { ocsp = { \"/o\", \"/p\" } }\n",
		"@:1: there are 2 ocsp files for one certificate (give one)\n"
		},
	{ "a staple without a certificate of the listener's is refused",
		"listen \"a\" { tls-options { ocsp = \"/o\" } }\n",
		"@:1: ocsp needs its certificate beside it (give that and "
		"key)\n" },
	{ "an old version is one of four words",
		"tls { min-version = 1.4 }\n",
		"@:1: '1.4' is no value for min-version (one of: 1.0, 1.1, "
		"1.2, 1.3)\n" },
	{ "alpn is one of two words",
		"tls { alpn = yes }\n",
		"@:1: 'yes' is no value for alpn (one of: offered, strict)\n" },
	{ "a ticket lives for a second at least",
		"tls { ticket-lifetime = 0 }\n",
		"@:1: ticket-lifetime = 0 is out of range (1s to 7d)\n" },
	{ "a listener without TLS has no options for it",
		"listen \"a\" { tls = none tls-options { alpn = strict } }\n"
		"listen \"b\" { }\n",
		"@:1: listen \"a\" has tls-options, but tls = none\n" },
	{ "no listener has a ticket-lifetime of its own",
		"listen \"a\" { tls-options { ticket-lifetime = 1h } }\n",
		"@:1: no such option 'ticket-lifetime' in tls-options "
		"(certificate, key, ocsp, min-version, alpn, priority, "
		"client-ca, client-crl, client-certificate, host)\n" },
	{ "a credential is told where there are none",
		"tls { certificate = \"credential:c\" key = \"/k\" }\n",
		"@:1: credential:c needs $CREDENTIALS_DIRECTORY (write "
		"LoadCredential= in the unit of systemd)\n" },
	{ "a host with a certificate needs a default one",
		"tls { certificate = \"\" key = \"\"\n"
		"host \"h\" { certificate = \"/c\" key = \"/k\" } }\n"
		"listen \"a\" { tls = none }\n",
	    "@:2: a host has a certificate, but there is no default one (set "
		"certificate and key)\n" },
	{ "a host without a certificate is refused",
		"tls { host \"h\" { } }\n",
		"@:1: host \"h\" needs a certificate and a key\n" },
	{ "a host given twice in other case is refused",
		"tls { host \"a\" { certificate = \"/c\" key = \"/k\" }\n"
		" host \"A\" { certificate = \"/c\" key = \"/k\" } }\n",
		"@:2: host \"a\" is given twice (case does not count)\n" },
	{ "a backend without a type is refused",
		"auth { backend \"u\" { } }\n",
		"@:1: backend \"u\" needs a type (one of: passwd-file, "
		"program, token, dovecot)\n" },
	{ "a token back end without a command is refused",
		"auth { backend \"u\" { type = token } }\n",
		"@:1: backend \"u\" needs a command (write: command = { "
		"\"/usr/local/bin/check-token\" })\n" },
	{ "a token back end with a path is refused",
		"auth { backend \"u\" { type = token path = \"/u\"\n"
		"command = { \"/c\" } } }\n",
		"@:2: a backend of type token has no path (remove it)\n" },
	{ "an unknown mechanism is refused",
		"auth {\n mechanisms = { \"PLAIN\", \"CRAM-MD5\" }\n}\n",
		"@:3: mechanism \"CRAM-MD5\" is not known (one of: EXTERNAL "
		"... LOGIN)\n" },
	{ "a passwd-file without a path is refused",
		"auth { backend \"u\" { type = passwd-file } }\n",
		"@:1: backend \"u\" needs a path (write: path = "
		"\"/etc/postern/users\")\n" },
	{ "a relative passwd-file is refused",
	    "auth { backend \"u\" { type = passwd-file path = \"users\" } }\n",
		"@:1: path = \"users\" must begin with '/'\n" },
	{ "a passwd-file with a command is refused",
		"auth { backend \"u\" { type = passwd-file path = \"/u\"\n"
		" command = \"/c\" } }\n",
	    "@:2: a backend of type passwd-file has no command (remove it)\n" },
	{ "a home with an unknown letter is refused",
		"auth { backend \"u\" { type = passwd-file path = \"/u\"\n"
		" home = \"/h/%x\" } }\n",
		"@:2: home has '%x' (after '%' write one of: und%)\n" },
	{ "a program without a command is refused",
		"auth { backend \"u\" { type = program } }\n",
		"@:1: backend \"u\" needs a command (write: command = { \""
		LIBEXECDIR "/postern-pam\" })\n" },
	{ "a program with an empty list of a command is refused",
		"auth { backend \"u\" { type = program command = {} } }\n",
		"@:1: backend \"u\" needs a command (write: command = { \""
		LIBEXECDIR "/postern-pam\" })\n" },
	{ "a relative program is refused",
		"auth { backend \"u\" { type = program command = \"pam\" } }\n",
		"@:1: command = \"pam\" must begin with '/'\n" },
	{ "a program with a path is refused",
		"auth { backend \"u\" { type = program command = \"/p\" path = "
		"\"/x\" } }\n",
		"@:1: a backend of type program has no path (remove it)\n" },
	{ "a program with a userdb is refused",
		"auth { backend \"u\" { type = program command = \"/p\" "
		"userdb = \"/x\" } }\n",
		"@:1: a backend of type program has no userdb (remove it)\n" },
	{ "a passwd-file with a userdb is refused",
		"auth { backend \"u\" { type = passwd-file path = \"/u\" "
		"userdb = \"/x\" } }\n",
		"@:1: a backend of type passwd-file has no userdb (remove "
		"it)\n" },
	{ "a Dovecot with a userdb is good",
		"auth { backend \"d\" { type = dovecot path = \"/c\" "
		"userdb = \"/u\" } }\n", "" },
	{ "a Dovecot without a userdb needs uid and gid",
		"auth { backend \"d\" { type = dovecot path = \"/c\" uid = 9 "
		"} }\n",
		"@:1: backend \"d\" needs a userdb, or uid and gid (write: "
		"userdb = \"/run/dovecot/auth-userdb\")\n" },
	{ "a Dovecot without a path is refused",
		"auth { backend \"d\" { type = dovecot uid = 9 gid = 9 } }\n",
		"@:1: backend \"d\" needs a path (write: path = "
		"\"/run/dovecot/auth-client\")\n" },
	{ "a Dovecot with a relative socket is refused",
		"auth { backend \"d\" { type = dovecot path = \"/c\"\n"
		" userdb = \"u\" } }\n",
		"@:2: userdb = \"u\" must begin with '/'\n" },
	{ "a socket whose path is too long is refused",
		"auth { backend \"d\" { type = dovecot userdb = \"/u\"\n"
		" path = \"/" HUNDRED_X "1234567\" } }\n",
		"@:2: path = \"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\" "
		"is too long for a "
		"socket (at most 107 octets)\n" },
	{ "a socket whose path is just short enough is good",
		"auth { backend \"d\" { type = dovecot userdb = \"/u\" "
		" path = \"/" HUNDRED_X "123456\" } }\n", "" },
	{ "a Dovecot with a command is refused",
		"auth { backend \"d\" { type = dovecot path = \"/c\" userdb = "
		"\"/u\" command = \"/x\" } }\n",
		"@:1: a backend of type dovecot has no command (remove it)\n" },
	{ "a relative mailbox is refused",
		"mailbox { path = \"Maildir\" }\n",
		"@:1: path = \"Maildir\" must begin with '/', '~/' or '%h'\n" },
	{ "a mailbox with an unknown letter is refused",
		"mailbox { path = \"/mail/%d/%x\" }\n",
		"@:1: path has '%x' (after '%' write one of: hund%)\n" },
	{ "a mailbox that ends in a percent sign is refused",
		"mailbox { path = \"/mail/%\" }\n",
		"@:1: path has '%' (after '%' write one of: hund%)\n" },
	{ "an empty mailbox path is refused",
		"mailbox { path = \"\" }\n",
		"@:1: path = \"\" must begin with '/', '~/' or '%h'\n" },
	{ "the mailbox of another user is refused",
		"mailbox { path = \"~joe/Maildir\" }\n",
	    "@:1: path = \"~joe/Maildir\" must begin with '/', '~/' or "
		"'%h'\n" },
	{ "a sign is taken to separate folders",
		"mailbox { folder-separator = \"+\" }\n", "" },
	{ "nothing is taken as: no folders",
		"mailbox { folder-separator = \"\" }\n", "" },
	{ "a letter cannot separate folders",
		"mailbox {\n folder-separator = x\n}\n",
		"@:3: folder-separator = \"x\" is no separator (write one sign "
		"such as \"+\", or \"\" for no folders)\n" },
	{ "a blank cannot separate folders",
		"mailbox { folder-separator = \" \" }\n",
		"@:1: folder-separator = \" \" is no separator (write one sign "
		"such as \"+\", or \"\" for no folders)\n" },
	{ "two signs cannot separate folders",
		"mailbox { folder-separator = \"++\" }\n",
	    "@:1: folder-separator = \"++\" is no separator (write one sign "
		"such as \"+\", or \"\" for no folders)\n" },
	{ "a sign outside of ASCII cannot separate folders",
		"mailbox { folder-separator = \"\xc2\xa7\" }\n",
	    "@:1: folder-separator = \"\xc2\xa7\" is no separator (write one "
		"sign such as \"+\", or \"\" for no folders)\n" },
	{ "an unknown import lists the known ones",
		"mailbox {\n import = cyrus\n}\n",
	    "@:2: 'cyrus' is no value for import (one of: auto, none, dovecot, "
		"courier, qmail-pop3d, solid-pop3d, popa3d)\n" },
	{ "a format of unique-ids that no import would use is refused",
		"mailbox {\n import = courier\n uidl-format = \"%f\"\n}\n",
	    "@:4: uidl-format counts only with import = auto or dovecot "
		"(remove it)\n" },
	{ "a format of unique-ids is right where Dovecot's may be imported",
		"mailbox { import = dovecot uidl-format = \"%v.%u\" }\n", "" },
	{ "an unknown word for mark-seen lists the known ones",
		"mailbox { mark-seen = true }\n",
		"@:1: 'true' is no value for mark-seen (one of: no, yes)\n" },
	{ "an unknown way to delete lists the known ones",
		"mailbox { delete = expunge }\n",
		"@:1: 'expunge' is no value for delete (one of: unlink, "
		"trash)\n" },
	{ "days in the trash without a trash are refused",
		"mailbox { trash-days = 7\n}\n",
		"@:2: trash-days counts only with delete = trash (remove "
		"it)\n" },
	{ "days in the trash are a number without a unit",
		"mailbox { delete = trash trash-days = 7d }\n",
		"@:1: '7d' is no number for trash-days (write digits, such as "
		"3650)\n" },
	{ "hours are refused where days are counted",
		"mailbox {\n expire = 36h\n}\n",
	    "@:2: '36h' is no number of days for expire (write 30d, or 0 for "
		"never)\n" },
	{ "hours that make whole days are refused where days are counted",
		"mailbox { expire-retrieved = 48h }\n",
		"@:1: '48h' is no number of days for expire-retrieved (write "
		"30d, or 0 for never)\n" },
	{ "days need a unit where durations are counted in days",
		"mailbox { expire = 30 }\n",
	    "@:1: '30' is no number of days for expire (write 30d, or 0 for "
		"never)\n" },
	{ "a word is no number of days",
		"mailbox { expire = never }\n",
		"@:1: 'never' is no number of days for expire (write 30d, or 0 "
		"for never)\n" },
	{ "0 days need no unit",
		"mailbox { expire = 0 expire-retrieved = 0d }\n", "" },
	{ "days beyond all numbers are out of range",
		"mailbox { expire = 99999999999999999999d }\n",
		"@:1: expire = 99999999999999999999d is out of range (0d to "
		"3650d)\n" },
	{ "an unknown rule for quotas lists the known ones",
		"mailbox { quota = exim }\n",
		"@:1: 'exim' is no value for quota (one of: auto, dovecot, "
		"courier)\n" },
	{ "milliseconds are refused for a takeover",
		"mailbox { takeover-after = 500ms }\n",
	    "@:1: '500ms' is no duration for takeover-after (write 30s, 10min, "
		"6h or 2d)\n" },
	{ "more spare workers than workers are refused",
		"pool { spare = 10 max = 5 }\n",
	    "@:1: spare = 10 is more than max = 5 (write a smaller spare or a "
		"larger max)\n" },
	{ "several mistakes in right syntax are all told",
		"mailbox { path = \"x\" }\npool { spare = 10\n max = 5 }\n",
		"@:1: path = \"x\" must begin with '/', '~/' or '%h'\n"
	    "@:3: spare = 10 is more than max = 5 (write a smaller spare or a "
		"larger max)\n" },
	{ "an include without a file is refused",
		"include()\n",
		"@:1: include takes one file (write: include(\"file\"))\n" },
	{ "a policy without a match is refused",
		"\npolicy \"lan\" {\n attempts = 2\n}\n",
	    "@:4: policy \"lan\" needs a match (write: match = { "
		"\"192.0.2.0/24\" })\n" },
	{ "a policy's match must be a network",
		"policy \"lan\" { match = { \"::1\", \"10.0.0.1/8\" } }",
	    "@:1: match \"10.0.0.1/8\" is no network: its address has bits "
		"behind the prefix (write 192.0.2.0/24 or 2001:db8::/32)\n" },
	{ "a trusted name is refused",
		"auth { trusted = { \"localhost\" } }",
	    "@:1: trusted \"localhost\" is no network: its address is not "
		"numeric (write 192.0.2.0/24 or 2001:db8::/32)\n" },
	{ "a proxy's name is refused",
		"listen \"a\" { proxies = { \"10.0.0.5\", \"lb1\" } }",
	    "@:1: proxies \"lb1\" is no network: its address is not "
		"numeric (write 192.0.2.0/24 or 2001:db8::/32)\n" },
	{ "clients can't have TLS with no proxy",
		"listen \"a\" { proxy-tls = always }",
	    "@:1: listen \"a\" has proxy-tls = always, but no proxies (write: "
		"proxies = { \"192.0.2.7\" })\n" },
	{ "a policy has no other settings than its own",
		"policy \"lan\" { match = \"::1\" spare = 2 }",
	    "@:1: no such option 'spare' in policy (match, cleartext, "
		"failure-delay, attempts, idle-timeout, login-timeout, "
		"tls-timeout, per-address, legacy-tls)\n" },
	{ "two policies of one name are refused",
		"policy \"a\" { match = \"::1\" }\n"
		"policy \"a\" { match = \"::2\" }\n",
	    "@:2: found duplicate title 'a' (give each section its own)\n" },
	{ "an include inside a section is refused",
		"pool {\n include(\"x\")\n}\n",
		"@:2: no such option 'include' in pool; is the '}' of pool "
		"missing? (spare, max, sessions-per-worker)\n" },
	{ "a file that includes itself is refused",
		"\ninclude(\"t.conf\")\n",
	    "@:2: files include each other more than 8 deep (does one include "
		"itself?)\n" },
};

/* The name, section and unit of every number, and its bounds. */
static const struct bound {
	const char *before, *name, *after;
	long lo, hi;
	const char *unit, *refused_lo, *refused_hi, *range;
} bounds[] = {
	{ "listen \"a\" { ", "port", "}", 0, 65535, "", NULL, "65536",
		"0 to 65535" },
	{ "auth { ", "attempts", "}", 1, 100, "", "0", "101", "1 to 100" },
	{ "auth { ", "concurrent-checks", "}", 1, 64, "", "0", "65",
		"1 to 64" },
	{ "auth { ", "failure-delay", "}", 0, 30000, "ms", NULL, "30001ms",
		"0s to 30s" },
	{ "auth { backend \"b\" { type = program command = \"/c\" ", "timeout",
		"} }", 1, 600, "s", "0s", "601s", "1s to 10min" },
	{ "mailbox { delete = trash ", "trash-days", "}", 1, 3650, "", "0",
		"3651", "1 to 3650" },
	{ "mailbox { ", "expire", "}", 0, 3650, "d", NULL, "3651d",
		"0d to 3650d" },
	{ "mailbox { ", "expire-retrieved", "}", 0, 3650, "d", NULL, "3651d",
		"0d to 3650d" },
	{ "mailbox { ", "takeover-after", "}", 0, 86400, "s", NULL, "86401s",
		"0s to 1d" },
	{ "pool { max = 2000 ", "spare", "}", 1, 1024, "", "0", "1025",
		"1 to 1024" },
	{ "pool { spare = 1 ", "max", "}", 1, 16384, "", "0", "16385",
		"1 to 16384" },
	{ "pool { ", "sessions-per-worker", "}", 1, 100000, "", "0", "100001",
		"1 to 100000" },
	{ "limits { ", "idle-timeout", "}", 0, 86400, "s", NULL, "86401s",
		"0s to 1d" },
	{ "limits { ", "login-timeout", "}", 0, 3600, "s", NULL, "3601s",
		"0s to 1h" },
	{ "limits { ", "tls-timeout", "}", 0, 600, "s", NULL, "601s",
		"0s to 10min" },
	{ "limits { ", "per-address", "}", 0, 16384, "", NULL, "16385",
		"0 to 16384" },
};

static FILE *errors;
static char error_text[TEXT_BYTES];

static void open_errors(void)
{
	memset(error_text, 0, sizeof(error_text));
	errors = fmemopen(error_text, sizeof(error_text), "w");
	assert_non_null(errors);
}

static struct settings *load(const char *path)
{
	struct settings *settings;

	open_errors();
	settings = settings_load(path, errors);
	fclose(errors);
	return settings;
}

static struct settings *load_text(const char *text)
{
	scratch_write("t.conf", 0600, text);
	return load(scratch_path("t.conf"));
}

static struct settings *load_good(const char *text)
{
	struct settings *settings = load_text(text);

	assert_string_equal(error_text, "");
	assert_non_null(settings);
	return settings;
}

/* Replace each '@' that begins a line by the path of "t.conf". */
static void with_path(const char *messages, char out[TEXT_BYTES])
{
	const char *path = scratch_path("t.conf");
	size_t used = 0;
	bool is_first = true;

	out[0] = '\0';
	for (; *messages != '\0'; messages++) {
		if (is_first && *messages == '@')
			used += (size_t)snprintf(out + used,
				TEXT_BYTES - used, "%s", path);
		else
			used += (size_t)snprintf(out + used,
				TEXT_BYTES - used, "%c", *messages);
		is_first = *messages == '\n';
	}
}

static void check_dictum(void **state)
{
	const struct dictum *dictum = *state;
	char expected[TEXT_BYTES];
	struct settings *settings = load_text(dictum->text);

	with_path(dictum->messages, expected);
	assert_string_equal(error_text, expected);
	assert_int_equal(settings != NULL, *dictum->messages == '\0');
	settings_free(settings);
}

static void write_bound(const struct bound *bound, const char *value)
{
	char text[256];

	snprintf(text, sizeof(text), "%s %s = %s %s\n", bound->before,
		bound->name, value, bound->after);
	scratch_write("t.conf", 0600, text);
}

static void expect_accepted(const struct bound *bound, long number)
{
	char value[32];
	struct settings *settings;

	snprintf(value, sizeof(value), "%ld%s", number, bound->unit);
	write_bound(bound, value);
	settings = load(scratch_path("t.conf"));
	assert_string_equal(error_text, "");
	assert_non_null(settings);
	settings_free(settings);
}

static void expect_refused(const struct bound *bound, const char *value)
{
	char expected[TEXT_BYTES];

	if (value == NULL)
		return;
	write_bound(bound, value);
	assert_null(load(scratch_path("t.conf")));
	snprintf(expected, sizeof(expected), "%s:1: %s = %s is out of range "
		"(%s)\n", scratch_path("t.conf"), bound->name, value,
		bound->range);
	assert_string_equal(error_text, expected);
}

static void lowest_and_highest_are_taken_and_nothing_beyond(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bounds); i++) {
		expect_accepted(&bounds[i], bounds[i].lo);
		expect_accepted(&bounds[i], bounds[i].hi);
		expect_refused(&bounds[i], bounds[i].refused_lo);
		expect_refused(&bounds[i], bounds[i].refused_hi);
	}
}

static void numbers_arrive_in_their_units(void **state)
{
	struct settings *settings = load_good("auth { failure-delay = 1500ms "
	    "attempts = 7 concurrent-checks = 5 backend \"b\" { type = program "
		"command = { \"/p\", \"-x\" } timeout = 2min } }\n"
		"pool { spare = 2 max = 9 sessions-per-worker = 3 }\n"
	    "limits { idle-timeout = 1h login-timeout = 90s tls-timeout = 1min "
		"per-address = 8 }\n"
		"log { target = journal level = debug }\n"
		"listen \"a\" { port = 0 tls = none address = \"::1\" }\n"
		"mailbox { delete = trash trash-days = 7 expire = 3650d "
		"expire-retrieved = 1d takeover-after = 90s }\n");

	(void)state;
	assert_int_equal(settings->auth.failure_delay_ms, 1500);
	assert_int_equal(settings->auth.attempts, 7);
	assert_int_equal(settings->auth.concurrent_checks, 5);
	assert_int_equal(settings->auth.backends[0].timeout_s, 120);
	assert_string_equal(settings->auth.backends[0].command[1], "-x");
	assert_null(settings->auth.backends[0].command[2]);
	assert_int_equal(settings->pool.spare, 2);
	assert_int_equal(settings->pool.max, 9);
	assert_int_equal(settings->pool.sessions_per_worker, 3);
	assert_int_equal(settings->limits.idle_timeout_s, 3600);
	assert_int_equal(settings->limits.login_timeout_s, 90);
	assert_int_equal(settings->limits.tls_timeout_s, 60);
	assert_int_equal(settings->limits.per_address, 8);
	assert_int_equal(settings->mailbox.trash_days, 7);
	assert_int_equal(settings->mailbox.expire_days, 3650);
	assert_int_equal(settings->mailbox.expire_retrieved_days, 1);
	assert_int_equal(settings->mailbox.takeover_after_s, 90);
	assert_int_equal(settings->log_target, LOG_TARGET_JOURNAL);
	assert_int_equal(settings->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(settings->listens[0].port, 0);
	assert_int_equal(settings->listens[0].tls, TLS_NONE);
	settings_free(settings);
}

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = { .ss_family = AF_INET };

	assert_int_equal(inet_pton(AF_INET, text,
		&((struct sockaddr_in *)&address)->sin_addr), 1);
	return address;
}

static void the_first_policy_that_matches_overrides_what_it_sets(void **state)
{
	struct settings *settings = load_good(
		"policy \"a\" { match = { \"192.0.2.1\", \"10.0.0.0/8\" }\n"
		" cleartext = always failure-delay = 0 attempts = 9 }\n"
		"policy \"b\" { match = \"192.0.2.0/24\" idle-timeout = 0\n"
		" login-timeout = 5s tls-timeout = 6s per-address = 100 }\n"
		"auth { cleartext = never attempts = 7 }\n"
		"limits { per-address = 3 tls-timeout = 9s }\n");
	static const struct {
		const char *address;
		uint32_t policy;
		struct session_rules rules;
	} rows[] = {
		{ "198.51.100.1", 0,
			{ CLEARTEXT_NEVER, 2000, 7, 600, 60, 9, 3, 0 } },
		{ "10.9.9.9", 1,
			{ CLEARTEXT_ALWAYS, 0, 9, 600, 60, 9, 3, 0 } },
		{ "192.0.2.1", 1,
			{ CLEARTEXT_ALWAYS, 0, 9, 600, 60, 9, 3, 0 } },
		{ "192.0.2.2", 2,
			{ CLEARTEXT_NEVER, 2000, 7, 0, 5, 6, 100, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct sockaddr_storage address = address_of(rows[i].address);
		uint32_t policy = settings_policy_of(settings, &address);
		assert_int_equal(policy, rows[i].policy);
		assert_memory_equal(settings_rules(settings, policy),
			&rows[i].rules, sizeof(rows[i].rules));
	}
	assert_null(settings_rules(settings, 3));
	settings_free(settings);
}

static void expect_listen(const struct listen_settings *listen,
	const char *name,
	uint16_t port, enum tls_mode tls)
{
	assert_string_equal(listen->name, name);
	assert_int_equal(listen->port, port);
	assert_int_equal(listen->tls, tls);
	assert_int_equal(listen->address_count, 2);
	assert_string_equal(listen->addresses[0], "0.0.0.0");
	assert_string_equal(listen->addresses[1], "::");
}

static void no_file_is_system_users_and_both_ports(void **state)
{
	struct settings *settings = load(NULL);
	const struct certificate_settings *certificate;

	(void)state;
	assert_non_null(settings);
	assert_int_equal(settings->listen_count, 2);
	expect_listen(&settings->listens[0], "pop3", 110, TLS_STARTTLS);
	expect_listen(&settings->listens[1], "pop3s", 995, TLS_IMPLICIT);
	assert_int_equal(settings->tls.certificate_count, 1);
	certificate = &settings->tls.certificates[0];
	assert_null(certificate->host);
	const struct pair_settings *pair = certificate->pairs;
	assert_string_equal(pair->certificate,
		SYSCONFDIR "/postern/cert.pem");
	assert_string_equal(pair->key, SYSCONFDIR "/postern/key.pem");
	assert_int_equal(settings->auth.cleartext, CLEARTEXT_TLS_ONLY);
	assert_int_equal(settings->auth.failure_delay_ms, 2000);
	assert_int_equal(settings->auth.backend_count, 1);
	assert_string_equal(settings->auth.backends[0].command[0],
		LIBEXECDIR "/postern-pam");
	assert_string_equal(settings->mailbox.path, "~/Maildir");
	assert_int_equal(settings->limits.idle_timeout_s, 600);
	assert_string_equal(settings->user, "postern");
	assert_string_equal(settings->signer_user, "postern-signer");
	assert_int_equal(settings->sandbox, SANDBOX_AUTO);
	settings_free(settings);
}

static void no_setting_changes_mail_or_opens_folders(void **state)
{
	struct settings *settings = load_good("");
	const struct mailbox_settings *mailbox = &settings->mailbox;

	(void)state;
	assert_string_equal(mailbox->path, "~/Maildir");
	assert_string_equal(mailbox->folder_separator, "");
	assert_int_equal(mailbox->import, UIDLS_AUTO);
	assert_string_equal(mailbox->uidl_format, "%08Xu%08Xv");
	assert_false(mailbox->mark_seen);
	assert_int_equal(mailbox->delete, DELETE_UNLINK);
	assert_int_equal(mailbox->trash_days, 30);
	assert_int_equal(mailbox->expire_days, 0);
	assert_int_equal(mailbox->expire_retrieved_days, 0);
	assert_int_equal(mailbox->quota, QUOTA_AUTO);
	assert_int_equal(mailbox->takeover_after_s, 120);
	settings_free(settings);
}

/* Load 'name' = 'word' in the section mailbox. */
static struct settings *load_word(const char *name, const char *word)
{
	char text[128];

	snprintf(text, sizeof(text), "mailbox { %s = %s }\n", name, word);
	return load_good(text);
}

static void expect_import(const char *word, enum uidl_import import)
{
	struct settings *settings = load_word("import", word);

	assert_int_equal(settings->mailbox.import, import);
	settings_free(settings);
}

static void expect_quota(const char *word, enum quota_rule quota)
{
	struct settings *settings = load_word("quota", word);

	assert_int_equal(settings->mailbox.quota, quota);
	settings_free(settings);
}

static void expect_seen(const char *word, bool mark_seen)
{
	struct settings *settings = load_word("mark-seen", word);

	assert_int_equal(settings->mailbox.mark_seen, mark_seen);
	settings_free(settings);
}

static void expect_delete(const char *word, enum delete_how how)
{
	struct settings *settings = load_word("delete", word);

	assert_int_equal(settings->mailbox.delete, how);
	settings_free(settings);
}

static void every_word_of_the_mailbox_means_itself(void **state)
{
	(void)state;
	expect_import("auto", UIDLS_AUTO);
	expect_import("none", UIDLS_NONE);
	expect_import("dovecot", UIDLS_DOVECOT);
	expect_import("courier", UIDLS_COURIER);
	expect_import("qmail-pop3d", UIDLS_QMAIL);
	expect_import("solid-pop3d", UIDLS_SOLID);
	expect_import("popa3d", UIDLS_POPA3D);
	expect_quota("auto", QUOTA_AUTO);
	expect_quota("dovecot", QUOTA_DOVECOT);
	expect_quota("courier", QUOTA_COURIER);
	expect_seen("no", false);
	expect_seen("yes", true);
	expect_delete("unlink", DELETE_UNLINK);
	expect_delete("trash", DELETE_TRASH);
}

static void formats_of_unique_ids_arrive_as_they_stand(void **state)
{
	static const char *const formats[] = {
		"%08Xu%08Xv", "%v.%u", "%Mf",
		"%{uid|hex(8)}%{uidvalidity|hex(8)}"
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(formats); i++) {
		snprintf(text, sizeof(text),
			"mailbox { uidl-format = \"%s\" }\n", formats[i]);
		struct settings *settings = load_good(text);
		assert_string_equal(settings->mailbox.uidl_format, formats[i]);
		settings_free(settings);
	}
}

static void a_listener_without_a_port_has_that_of_its_tls(void **state)
{
	struct settings *settings = load_good(
		"listen \"a\" { tls = implicit }\nlisten \"b\" { }\n"
		"listen \"c\" { tls = none }\n");

	(void)state;
	expect_listen(&settings->listens[0], "a", 995, TLS_IMPLICIT);
	expect_listen(&settings->listens[1], "b", 110, TLS_STARTTLS);
	expect_listen(&settings->listens[2], "c", 110, TLS_NONE);
	settings_free(settings);
}

static void hosts_are_in_lower_case_behind_the_default(void **state)
{
	struct settings *settings = load_good("tls { certificate = \"/c\" key ="
	    " \"/k\" priority = \"%COMPAT\" host \"Mail.Example\" { certificate"
		" = \"/d\" key = \"/l\" } }\n");
	const struct tls_settings *tls = &settings->tls;

	(void)state;
	assert_int_equal(tls->certificate_count, 2);
	assert_string_equal(tls->priority, "%COMPAT");
	assert_null(tls->certificates[0].host);
	assert_string_equal(tls->certificates[0].pairs[0].key, "/k");
	assert_string_equal(tls->certificates[1].host, "mail.example");
	assert_string_equal(tls->certificates[1].pairs[0].certificate, "/d");
	settings_free(settings);
}

static void variables_expand_but_not_in_single_quotes(void **state)
{
	struct settings *settings;

	(void)state;
	setenv("POSTERN_TEST", "/from/the/environment", 1);
	settings = load_good("mailbox { path = \"${POSTERN_TEST}/x\" }\n"
		"tls { certificate = '/${POSTERN_TEST}' "
		"key = \"/${POSTERN_NONE:-usual}\" }\n");
	assert_string_equal(settings->mailbox.path, "/from/the/environment/x");
	const struct pair_settings *pair = settings->tls.certificates[0].pairs;
	assert_string_equal(pair->certificate, "/${POSTERN_TEST}");
	assert_string_equal(pair->key, "/usual");
	settings_free(settings);
	unsetenv("POSTERN_TEST");
}

static void several_certificates_stand_in_one_list(void **state)
{
	struct settings *settings = load_good("tls { certificate = { \"/c\", "
		"\"/d\" } key = { \"/k\", \"/l\" } ocsp = { \"\", \"/o\" }\n"
		"host \"h\" { certificate = \"/e\" key = \"/m\" } }\n");
	const struct certificate_settings *hosts = settings->tls.certificates;

	(void)state;
	assert_int_equal(settings->key_count, 3);
	assert_int_equal(hosts[0].pair_count, 2);
	assert_string_equal(hosts[0].pairs[1].certificate, "/d");
	assert_string_equal(hosts[0].pairs[1].key, "/l");
	assert_string_equal(hosts[0].pairs[0].ocsp, "");
	assert_string_equal(hosts[0].pairs[1].ocsp, "/o");
	assert_int_equal(hosts[0].pairs[1].number, 1);
	assert_int_equal(hosts[1].pairs[0].number, 2);
	settings_free(settings);
}

static void a_listener_takes_over_what_it_does_not_set(void **state)
{
	struct settings *settings = load_good(
		"listen \"a\" { tls-options { min-version = 1.0 } }\n"
		"listen \"b\" { tls-options { certificate = \"/x\" key = "
		"\"/y\" client-ca = \"/z\" } }\nlisten \"c\" { }\n"
		"tls { certificate = \"/c\" key = \"/k\" alpn = strict "
		"min-version = 1.3 priority = \"%COMPAT\" "
		"host \"h\" { certificate = \"/e\" key = \"/m\" } }\n");
	const struct tls_settings *a = settings->listens[0].own_tls;
	const struct tls_settings *b = settings->listens[1].own_tls;

	(void)state;
	assert_int_equal(settings->key_count, 3);
	assert_null(settings->listens[2].own_tls);
	assert_int_equal(a->min_version, TLS_VERSION_1_0);
	assert_int_equal(a->alpn, ALPN_STRICT);
	assert_int_equal(a->certificate_count, 2);
	assert_string_equal(a->certificates[0].pairs[0].key, "/k");
	assert_int_equal(a->certificates[0].pairs[0].number, 0);
	assert_string_equal(a->certificates[1].host, "h");
	assert_string_equal(b->certificates[0].pairs[0].key, "/y");
	assert_int_equal(b->certificates[0].pairs[0].number, 2);
	assert_string_equal(b->certificates[1].host, "h");
	assert_string_equal(b->client_ca, "/z");
	assert_string_equal(b->priority, "%COMPAT");
	assert_int_equal(b->min_version, TLS_VERSION_1_3);
	settings_free(settings);
}

static void who_has_all_certificates_needs_no_default(void **state)
{
	struct settings *settings = load_good("listen \"a\" { tls-options { "
		"certificate = \"/x\" key = \"/y\" } }\n"
		"listen \"b\" { tls = none }\n");

	(void)state;
	assert_int_equal(settings->tls.certificate_count, 0);
	assert_int_equal(settings->listens[0].own_tls->certificate_count, 1);
	settings_free(settings);
}

static void a_credential_is_a_file_of_systemd(void **state)
{
	struct settings *settings;

	(void)state;
	setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x", 1);
	settings = load_good("tls { certificate = \"credential:cert.pem\" "
		"key = credential:key.pem client-ca = \"credential:ca\" }\n");
	assert_string_equal(settings->tls.certificates[0].pairs[0].key,
		"/run/credentials/x/key.pem");
	assert_string_equal(settings->tls.client_ca, "/run/credentials/x/ca");
	settings_free(settings);
	assert_null(load_text("tls { certificate = \"credential:../c\" key = "
		"\"/k\" }\n"));
	unsetenv("CREDENTIALS_DIRECTORY");
}

static void print(const struct settings *settings, char text[TEXT_BYTES])
{
	FILE *out = fmemopen(text, TEXT_BYTES, "w");

	assert_non_null(out);
	settings_print(settings, out);
	assert_int_equal(fclose(out), 0);
}

/* Print, read, print again: both texts must be the same. */
static void expect_fixed_point(struct settings *settings)
{
	char first[TEXT_BYTES], second[TEXT_BYTES];

	print(settings, first);
	settings_free(settings);
	settings = load_good(first);
	print(settings, second);
	assert_string_equal(first, second);
	settings_free(settings);
}

static void what_is_printed_reads_back_the_same(void **state)
{
	(void)state;
	expect_fixed_point(load(NULL));
	expect_fixed_point(load_good("mailbox { import = popa3d }\n"));
	expect_fixed_point(load_good("tls { certificate = \"\" key = \"\" }\n"
		"listen \"a\" { tls = none }\n"));
	expect_fixed_point(load_good("listen \"a\" { tls-options { "
		"certificate = { \"/x\", \"/z\" } key = { \"/y\", \"/y\" } "
		"ocsp = { \"\", \"/o\" } min-version = 1.0 } }\n"
		"listen \"b\" { tls-options { alpn = strict } }\n"
		"tls { ticket-lifetime = 1h min-version = 1.3 }\n"));
	expect_fixed_point(load_good(
		"user = \"a\"\nsigner-user = 'b c'\nsandbox = require\n"
		"listen \"a\" { address = \"::1\" port = 0 }\n"
	    "tls { certificate = \"/c\" key = \"/k\" priority = \"%COMPAT\"\n"
		"  client-ca = \"/ca\" client-certificate = required\n"
		"  host \"b.example\" { certificate = \"/d\" key = \"/l\" } }\n"
		"auth { cleartext = never failure-delay = 1500ms\n"
		"  trusted = { \"10.0.0.0/8\", \"2001:db8::/32\" }\n"
	    "  backend \"f\" { type = passwd-file path = \"/u\" uid = \"1000\""
		" gid = mail home = \"/h/%d/%n%%\" }\n"
		"  backend \"p\" { type = program command = { \"/p\", \"-s\" } "
		"timeout = 90s }\n"
		"  backend \"d\" { type = dovecot path = \"/s\" userdb = "
		"\"/u\" uid = 7 gid = 8 home = \"/h\" timeout = 5s } }\n"
		"mailbox { path = \"%h/M\" folder-separator = \"+\" import = "
		"dovecot uidl-format = \"%{uid|hex(8)}\" mark-seen = yes "
		"delete = trash trash-days = 7 expire = 14d expire-retrieved = "
		"3650d quota = courier takeover-after = 0 }\n"
		"limits { idle-timeout = 0 login-timeout = 61s }\n"
		"policy \"p q\" { match = { \"10.0.0.0/8\", \"::/0\" }\n"
		"  cleartext = always attempts = 1 per-address = 0 }\n"
		"log { target = stderr level = error }\n"));
}

static void odd_characters_survive_printing(void **state)
{
	static const char odd[] =
		"/a$b${HOME}\"c'd\\e#f{g}h=i,j k\xc3\xa9/*l//";
	char text[TEXT_BYTES];
	struct settings *settings = load_good("mailbox { path = "
		"'/a$b${HOME}\"c\\'d\\\\e#f{g}h=i,j k\xc3\xa9/*l//' }\n");

	(void)state;
	assert_string_equal(settings->mailbox.path, odd);
	print(settings, text);
	settings_free(settings);
	settings = load_good(text);
	assert_string_equal(settings->mailbox.path, odd);
	expect_fixed_point(settings);
}

static void an_included_file_is_found_beside_the_including_one(void **state)
{
	struct settings *settings;

	(void)state;
	scratch_make_directory("d");
	scratch_write("d/a.conf", 0600,
		"include(\"b.conf\")\npool { max = 9 }");
	scratch_write("d/b.conf", 0600, "\xef\xbb\xbfpool { spare = 2 }");
	settings = load_good("include(\"d/a.conf\")\nuser = \"u\"\n");
	assert_int_equal(settings->pool.spare, 2);
	assert_int_equal(settings->pool.max, 9);
	assert_string_equal(settings->user, "u");
	settings_free(settings);
}

static void expect_error(const char *text, const char *place,
	const char *message)
{
	char expected[TEXT_BYTES];

	assert_null(load_text(text));
	snprintf(expected, sizeof(expected), "%s:%s\n", scratch_path(place),
		message);
	assert_string_equal(error_text, expected);
}

static void a_mistake_in_an_included_file_is_told_with_its_place(void **state)
{
	(void)state;
	scratch_write("i.conf", 0600, "\npool { spare = 0 }\n");
	expect_error("include(\"i.conf\")\n", "i.conf",
		"2: spare = 0 is out of range (1 to 1024)");
	scratch_write("i.conf", 0600, "\npool { spare = 20\n max = 10 }\n");
	expect_error("include(\"i.conf\")\n\n\n", "i.conf",
	    "3: spare = 20 is more than max = 10 (write a smaller spare or a "
		"larger max)");
}

static void a_mistake_after_an_include_is_told_with_its_own_line(void **state)
{
	(void)state;
	scratch_write("i.conf", 0600, "user = \"u\"\n\n\n\n");
	expect_error("include(\"i.conf\")\n\npool { spare = 0 }\n", "t.conf",
		"3: spare = 0 is out of range (1 to 1024)");
}

static void a_section_cannot_span_two_files(void **state)
{
	(void)state;
	scratch_write("i.conf", 0600, "pool { spare = 3\n");
	expect_error("include(\"i.conf\")\n}\n", "i.conf",
		"1: the file ends too early: a '}' or a value is missing");
}

static void an_included_directory_is_refused_and_we_live_on(void **state)
{
	char message[SCRATCH_PATH_BYTES + 64];

	(void)state;
	scratch_make_directory("d");
	snprintf(message, sizeof(message), "1: cannot include %s: Is a "
		"directory (name a file)", scratch_path("d"));
	expect_error("include(\"d\")\n", "t.conf", message);
}

static void a_missing_include_is_refused(void **state)
{
	char message[SCRATCH_PATH_BYTES + 64];

	(void)state;
	snprintf(message, sizeof(message), "2: cannot include %s: No such "
		"file or directory", scratch_path("none"));
	expect_error("\ninclude(\"none\")\n", "t.conf", message);
}

static void expect_unread(const char *name, const char *why)
{
	char expected[TEXT_BYTES];

	assert_null(load(scratch_path(name)));
	snprintf(expected, sizeof(expected), "%s: %s\n", scratch_path(name),
		why);
	assert_string_equal(error_text, expected);
}

static void what_is_no_regular_file_is_refused_and_we_live_on(void **state)
{
	(void)state;
	scratch_make_directory("d");
	assert_int_equal(mkfifo(scratch_path("fifo"), 0600), 0);
	expect_unread("d", "Is a directory (name a file)");
	expect_unread("fifo", "Is not a regular file");
	expect_unread("none", "No such file or directory");
}

static void a_file_of_more_than_a_mebibyte_is_refused(void **state)
{
	const size_t count = 1024 * 1024;
	char *octets = malloc(count);

	(void)state;
	assert_non_null(octets);
	memset(octets, '\n', count);
	scratch_write_octets("big", octets, count);
	free(octets);
	expect_unread("big", "Is larger than 1 MiB");
}

static void a_nul_octet_is_refused_with_its_line(void **state)
{
	static const char text[] = "user = \"x\"\npool\0{\n";

	(void)state;
	scratch_write_octets("nul", text, sizeof(text) - 1);
	assert_null(load(scratch_path("nul")));
	assert_string_equal(error_text + strlen(scratch_path("nul")),
		":2: a NUL octet (is it a text file?)\n");
}

static void a_good_file_is_right_after_every_bad_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(dicta); i++) {
		settings_free(load_text(dicta[i].text));
		settings_free(load_good("user = \"x\"\npool { spare = 3 }\n"));
	}
}

static const struct CMUnitTest cases[] = {
	SCRATCH_CASE("the lowest and the highest of every number are taken, "
		"and nothing beyond",
		lowest_and_highest_are_taken_and_nothing_beyond),
	SCRATCH_CASE("numbers arrive in their units",
		numbers_arrive_in_their_units),
	SCRATCH_CASE("the first policy that matches overrides what it sets",
		the_first_policy_that_matches_overrides_what_it_sets),
	SCRATCH_CASE("no file means system users and both ports",
		no_file_is_system_users_and_both_ports),
	SCRATCH_CASE("without settings of the mailbox nothing but DELE changes "
		"mail, and no folder opens",
		no_setting_changes_mail_or_opens_folders),
	SCRATCH_CASE("every word of the mailbox's settings means itself",
		every_word_of_the_mailbox_means_itself),
	SCRATCH_CASE("formats of unique-ids arrive as they stand",
		formats_of_unique_ids_arrive_as_they_stand),
	SCRATCH_CASE("a listener without a port has that of its TLS",
		a_listener_without_a_port_has_that_of_its_tls),
	SCRATCH_CASE("hosts are in lower case behind the default",
		hosts_are_in_lower_case_behind_the_default),
	SCRATCH_CASE("several certificates stand in one list",
		several_certificates_stand_in_one_list),
	SCRATCH_CASE("a listener takes over what it does not set itself",
		a_listener_takes_over_what_it_does_not_set),
	SCRATCH_CASE("who has all certificates in listeners needs no default",
		who_has_all_certificates_needs_no_default),
	SCRATCH_CASE("a credential is a file of systemd",
		a_credential_is_a_file_of_systemd),
	SCRATCH_CASE("variables expand, but not in single quotes",
		variables_expand_but_not_in_single_quotes),
	SCRATCH_CASE("what is printed reads back the same",
		what_is_printed_reads_back_the_same),
	SCRATCH_CASE("odd characters survive printing",
		odd_characters_survive_printing),
	SCRATCH_CASE("an included file is found beside the including one",
		an_included_file_is_found_beside_the_including_one),
	SCRATCH_CASE("a mistake in an included file is told with its place",
		a_mistake_in_an_included_file_is_told_with_its_place),
	SCRATCH_CASE("a mistake after an include is told with its own line",
		a_mistake_after_an_include_is_told_with_its_own_line),
	SCRATCH_CASE("a section cannot span two files",
		a_section_cannot_span_two_files),
	SCRATCH_CASE("an included directory is refused, and we live on",
		an_included_directory_is_refused_and_we_live_on),
	SCRATCH_CASE("a missing include is refused",
		a_missing_include_is_refused),
	SCRATCH_CASE("what is no regular file is refused, and we live on",
		what_is_no_regular_file_is_refused_and_we_live_on),
	SCRATCH_CASE("a file of more than a mebibyte is refused",
		a_file_of_more_than_a_mebibyte_is_refused),
	SCRATCH_CASE("a NUL octet is refused with its line",
		a_nul_octet_is_refused_with_its_line),
	SCRATCH_CASE("a good file is right after every bad one",
		a_good_file_is_right_after_every_bad_one),
};

int main(void)
{
	struct CMUnitTest tests[COUNT_OF(dicta) + COUNT_OF(cases)];
	size_t count = 0;

	for (size_t i = 0; i < COUNT_OF(dicta); i++)
		tests[count++] = (struct CMUnitTest){ dicta[i].sentence,
			check_dictum, scratch_setup, scratch_teardown,
			(void *)(uintptr_t)&dicta[i] };
	memcpy(tests + count, cases, sizeof(cases));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
