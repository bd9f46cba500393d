/*
 * arrivals.c - connections: accepted, admitted, handed to a worker
 *
 * Runs in: the master, which reads no octet of them.
 */
#include "config.h"

#include "arrivals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "admission.h"
#include "deadline.h"
#include "log.h"
#include "wire.h"

/* How long to leave connections in the backlog when descriptors ran out. */
#define SHORTAGE_MS 1000

/* Give the client to a worker.  Returns whether one took it. */
static bool hand_over(struct master *master, int client_fd, uint32_t section,
	const struct pool_client *client)
{
	struct wire_connection record = {
		.kind = WIRE_CONNECTION, .listener = section,
		.policy = client->policy, .is_trusted = client->is_trusted,
	};
	struct pool_worker *worker;

	while ((worker = pool_idle(&master->pool)) != NULL) {
		if (wire_send(worker->fd, &record, sizeof(record),
				client_fd) == 0) {
			pool_set_busy(&master->pool, worker, client);
			return true;
		}
		/* It died while idle, and will be reaped. */
		pool_retire(&master->pool, worker);
		pool_fill(&master->pool, &master->generation, master->root_fd);
	}
	return false;
}

/*
 * Tell a client in clear that it has too many sessions; TLS just ends, and so
 * does who is no proxy.
 */
static void refuse(int client_fd, const struct listen_settings *listen)
{
	/* Nobody waits for it, so nobody cares if it is lost. */
	if (listen->tls != TLS_IMPLICIT && listen->proxies.count == 0)
		(void)send(client_fd, PEERS_REFUSAL, strlen(PEERS_REFUSAL),
			MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool asks_certificate(const struct settings *settings,
	const struct listen_settings *listen)
{
	return listen->tls != TLS_NONE &&
		*settings_tls_of(settings, listen)->client_ca != '\0';
}

/* Whether the client may stay: for now, if it is a proxy. */
static bool may_stay(struct master *master, struct pool_client *client,
	const struct listen_settings *listen,
	const struct sockaddr_storage *address)
{
	return listen->proxies.count > 0 ?
		admission_admit_proxy(master, client, listen, address) :
		admission_admit(master, client, address);
}

/* Admit a new connection, or not.  Closes 'client_fd' here in any case. */
static void admit(struct master *master, int client_fd, uint32_t section,
	const struct sockaddr_storage *address)
{
	const struct settings *settings = master->generation.settings;
	const struct listen_settings *listen = &settings->listens[section];
	struct pool_client client = { .since_ms = deadline_now_ms() };
	struct sockaddr_storage local = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(local);

	/* A client that is gone already needs no address of ours. */
	(void)getsockname(client_fd, (struct sockaddr *)&local, &bytes);
	admission_note_ends(&client, address, &local);
	snprintf(client.listener, sizeof(client.listener), "%s",
		listen->name);
	client.asks_certificate = asks_certificate(settings, listen);
	client.presence.state = listen->tls == TLS_IMPLICIT ?
		WIRE_STATE_HANDSHAKE : WIRE_STATE_AUTHORIZATION;
	counters_add(&master->counters, COUNT_CONNECTIONS);
	if (!may_stay(master, &client, listen, address))
		refuse(client_fd, listen);
	else if (!hand_over(master, client_fd, section, &client) &&
			client.is_counted)
		peers_leave(master->peers, &client.key);
	close(client_fd);
}

void arrivals_accept(struct master *master,
	const struct listener *listener)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(address);

	/* Another listener's client took the last one: wait in the backlog. */
	if (master->pool.idle_count == 0)
		return;
	int fd = accept4(listener->fd, (struct sockaddr *)&address, &bytes,
		SOCK_CLOEXEC);
	if (fd >= 0) {
		admit(master, fd, listener->section, &address);
		return;
	}
	/* Most failures are the client's; without descriptors we must wait. */
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
		log_error("can't accept: %s", strerror(errno));
		master->accept_after_ms = deadline_now_ms() + SHORTAGE_MS;
	}
}

void arrivals_take(struct master *master, int client_fd, uint32_t section)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	socklen_t bytes = sizeof(address);

	/* Without a peer address it is a local client. */
	(void)getpeername(client_fd, (struct sockaddr *)&address, &bytes);
	admit(master, client_fd, section, &address);
}
