/*
 * auth_socket.h - a conversation in lines with a server on a Unix socket
 */
#ifndef POSTERN_AUTH_SOCKET_H
#define POSTERN_AUTH_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The longest line, in and out, with its end: Dovecot's are meant to fit into
 * 8192 octets, but RFC 4954 lets a SASL response have 12288.
 */
#define AUTH_SOCKET_OCTETS 16384

struct auth_socket {
	int fd;
	size_t count, next;	/* of the octets: there, handed out */
	char octets[AUTH_SOCKET_OCTETS];
};

/* Whether sockaddr_un has room for this path. */
bool auth_socket_can_have(const char *path);

/*
 * Connect to 'path'.  Returns 0, or -1 with errno: ETIMEDOUT after
 * 'deadline_ms', or what connect(2) says.  auth_socket_close() must follow a
 * success.
 */
int auth_socket_open(struct auth_socket *talk, const char *path,
	int64_t deadline_ms);

/* Send all of 'text'.  Returns 0, or -1 with errno as above, or EPIPE. */
int auth_socket_send(struct auth_socket *talk, const char *text,
	int64_t deadline_ms);

/*
 * Receive one line.  Returns it without its line end, valid and to be changed
 * until the next call; or NULL with errno ETIMEDOUT, EPIPE (the server has
 * closed), EMSGSIZE (too long), EBADMSG (a NUL in it), or what recv(2) says.
 */
char *auth_socket_line(struct auth_socket *talk, int64_t deadline_ms);

/* What errno means after any of these, for the log. */
const char *auth_socket_why(int error);

/* Close it, and wipe what was received. */
void auth_socket_close(struct auth_socket *talk);

#endif
