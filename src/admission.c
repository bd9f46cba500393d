/*
 * admission.c - who a client is to us by its address, and whether it may stay
 *
 * Runs in: the master.  Distrusts: every field of a worker's record; but which
 * client a trusted proxy has named, only the worker has read.
 */
#include "config.h"

#include "admission.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "deadline.h"
#include "log.h"

/* A line a second at most: who is refused can come back very quickly. */
static void log_refusal(struct master *master,
	const struct pool_client *client, const char *why)
{
	int64_t now_ms = deadline_now_ms();

	if (now_ms - master->refusal_logged_ms < 1000) {
		master->refusal_count++;
		return;
	}
	log_warning("%s: ip=[%s], listener=%s (and %u more)", why,
		client->address, client->listener, master->refusal_count);
	master->refusal_logged_ms = now_ms;
	master->refusal_count = 0;
}

/* What the settings say of a client from 'address'. */
static void describe(const struct settings *settings,
	const struct sockaddr_storage *address, struct pool_client *client)
{
	const struct network_list *trusted = &settings->auth.trusted;

	client->key = peers_key(address);
	client->is_trusted = network_has(trusted->all, trusted->count,
		address);
	client->policy = settings_policy_of(settings, address);
	client->rules = *settings_rules(settings, client->policy);
}

/* An address of a record.  Any port and any octets are one. */
static void read_address(uint32_t family, const uint8_t octets[16],
	uint16_t port, struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (void *)address;
	struct sockaddr_in6 *in6 = (void *)address;

	memset(address, 0, sizeof(*address));
	if (family == 4) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, octets, sizeof(in->sin_addr));
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		memcpy(&in6->sin6_addr, octets, sizeof(in6->sin6_addr));
	}
}

void admission_note_ends(struct pool_client *client,
	const struct sockaddr_storage *address,
	const struct sockaddr_storage *local)
{
	listen_address(address, client->address, sizeof(client->address));
	listen_address(local, client->local_address,
		sizeof(client->local_address));
	client->port = listen_port(address);
	client->local_port = listen_port(local);
}

bool admission_admit(struct master *master, struct pool_client *client,
	const struct sockaddr_storage *address)
{
	describe(master->generation.settings, address, client);
	client->is_counted = peers_enter(master->peers, &client->key,
		client->is_trusted ? 0 : client->rules.per_address);
	if (!client->is_counted) {
		counters_add(&master->counters, COUNT_REFUSED_ADDRESS);
		log_refusal(master, client, "too many connections");
	}
	return client->is_counted;
}

bool admission_admit_proxy(struct master *master, struct pool_client *client,
	const struct listen_settings *listen,
	const struct sockaddr_storage *address)
{
	const struct network_list *proxies = &listen->proxies;

	describe(master->generation.settings, address, client);
	client->is_trusted = true;
	client->awaits_peer = true;
	if (network_has(proxies->all, proxies->count, address))
		return true;
	log_refusal(master, client, "not one of the listener's proxies");
	return false;
}

int admission_introduce(struct master *master, struct pool_client *client,
	const struct wire_peer *peer, struct wire_admitted *admitted)
{
	struct sockaddr_storage address, local;

	*admitted = (struct wire_admitted){ .kind = WIRE_PEER };
	if (!client->awaits_peer || peer->has_tls > 1 ||
			(peer->family != 0 && peer->family != 4 &&
				peer->family != 6))
		return -1;
	client->awaits_peer = false;
	client->is_proxy = peer->family == 0;
	if (!client->is_proxy) {
		read_address(peer->family, peer->address, peer->port,
			&address);
		read_address(peer->family, peer->local_address,
			peer->local_port, &local);
		admission_note_ends(client, &address, &local);
		admitted->is_refused = !admission_admit(master, client,
			&address);
	}
	/* Then it is the proxy who has shown its certificate to us. */
	client->asks_certificate &= peer->has_tls == 0;
	admitted->rules = client->rules;
	admitted->is_trusted = client->is_trusted;
	return 0;
}
