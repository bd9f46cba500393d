/*
 * false_dovecot.h - what answers on Dovecot's sockets, and says what it is told
 */
#ifndef POSTERN_TESTS_FALSE_DOVECOT_H
#define POSTERN_TESTS_FALSE_DOVECOT_H

#include <stddef.h>
#include <sys/types.h>

/* What a Dovecot with PLAIN says to a client, and one's userdb to a master. */
#define FALSE_GREETING "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\n" \
	"MECH\tAPOP\tprivate\tplaintext\nMECH\tANONYMOUS\tanonymous\n" \
	"MECH\tSCRAM-SHA-256-PLUS\tmutual-auth\nMECH\tLOGIN\tplaintext\n" \
	"MECH\tx y\n" \
	"SPID\t1\nCUID\t1\nCOOKIE\t00000000000000000000000000000000\nDONE\n"
#define FALSE_USERDB_GREETING "VERSION\t1\t1\nSPID\t1\n"

/*
 * Listen on the Unix socket 'path'; to each that connects, send 'count' octets
 * at once, and no more; read until it closes.  false_dovecot_stop() ends the
 * process that does so.
 */
pid_t false_dovecot_start(const char *path, const char *octets, size_t count);
void false_dovecot_stop(pid_t pid);

#endif
