/*
 * control.c - what posternctl asks of the master
 *
 * Runs in: the master.  Distrusts: the one record that it reads of a peer,
 * although only administrators come in; and the names that workers tell.
 */
#include "config.h"

#include "control.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "deadline.h"
#include "log.h"

/* Sessions to tell of, before others are served. */
#define SESSIONS_AT_ONCE 64

static bool has_session(const struct pool_worker *worker)
{
	return worker->state != POOL_FREE && worker->has_client;
}

static uint32_t count_sessions(const struct pool *pool)
{
	uint32_t count = 0;

	for (size_t i = 0; i < pool->room; i++)
		count += has_session(&pool->workers[i]);
	return count;
}

static void describe(const struct pool_worker *worker,
	struct control_session *session)
{
	const struct pool_client *client = &worker->client;
	const struct pool_presence *presence = &client->presence;

	*session = (struct control_session){
		.version = CONTROL_VERSION, .kind = CONTROL_SESSION,
		.pid = (uint32_t)worker->pid, .port = client->port,
		.state = presence->state, .mechanism = presence->mechanism,
		.has_logged_in = presence->has_logged_in,
		.age_ms = deadline_now_ms() - client->since_ms,
		.octets_sent = presence->octets_sent,
	};
	memcpy(session->address, client->address, sizeof(session->address));
	memcpy(session->listener, client->listener,
		sizeof(session->listener));
	memcpy(session->user, presence->user, sizeof(session->user));
	memcpy(session->tls, presence->tls, sizeof(session->tls));
	memcpy(session->cipher, presence->cipher, sizeof(session->cipher));
}

/* WHO: as many as the peer takes; places of workers do not change. */
static void tell_sessions(const struct master *master, struct door_peer *peer)
{
	struct control_session session;
	uint32_t told = 0;

	for (; peer->next < master->pool.room; peer->next++) {
		const struct pool_worker *worker =
			&master->pool.workers[peer->next];
		if (!has_session(worker))
			continue;
		if (told++ == SESSIONS_AT_ONCE)
			return;
		describe(worker, &session);
		if (door_send(peer, &session, sizeof(session)) < 0)
			return;
	}
	door_end(peer, 0, "");
}

static void count_workers(const struct pool *pool, struct control_stats *stats)
{
	stats->workers_idle = pool->idle_count;
	for (size_t i = 0; i < pool->room; i++) {
		const struct pool_worker *worker = &pool->workers[i];
		stats->workers_busy += worker->state == POOL_BUSY;
		stats->workers_ending += worker->state == POOL_ENDING;
		if (has_session(worker))
			stats->states[worker->client.presence.state]++;
	}
}

static void tell_stats(const struct master *master, struct door_peer *peer)
{
	struct control_stats stats = {
		.version = CONTROL_VERSION, .kind = CONTROL_STATS,
		.workers_max = master->generation.settings->pool.max,
		.keepers = (uint32_t)master->attempts.count,
		.is_stopping = master->stop != STOP_NOT,
		.settings_read = master->settings_read,
		.started_s = master->started_s,
		.settings_since_s = master->settings_since_s,
		.server = PACKAGE_VERSION,
		.counters = master->counters,
	};

	count_workers(&master->pool, &stats);
	if (door_send(peer, &stats, sizeof(stats)) == 0)
		door_end(peer, 0, "");
}

/* Whom KICK means: a user, and an address or a network if it is one. */
struct victims {
	const char *user;
	struct network network;
	bool has_network;
};

static bool is_from(const struct network *network, const char *address)
{
	struct sockaddr_storage storage = { .ss_family = AF_INET };

	if (inet_pton(AF_INET, address,
			&((struct sockaddr_in *)&storage)->sin_addr) != 1) {
		storage.ss_family = AF_INET6;
		if (inet_pton(AF_INET6, address,
			    &((struct sockaddr_in6 *)&storage)->sin6_addr) != 1)
			return false;
	}
	return network_has(network, 1, &storage);
}

static bool is_victim(const struct victims *victims,
	const struct pool_worker *worker)
{
	const struct pool_presence *presence = &worker->client.presence;

	if (!has_session(worker) || worker->is_kicked)
		return false;
	if (presence->has_logged_in &&
			strcmp(presence->user, victims->user) == 0)
		return true;
	return victims->has_network &&
		is_from(&victims->network, worker->client.address);
}

static void kick(struct master *master, struct door_peer *peer,
	const char *whom)
{
	struct victims victims = { .user = whom };
	char user[LOG_NAME_BYTES];

	peer->count = 0;
	victims.has_network = network_parse(whom, &victims.network) == NULL;
	for (size_t i = 0; i < master->pool.room; i++) {
		struct pool_worker *worker = &master->pool.workers[i];
		if (!is_victim(&victims, worker))
			continue;
		pool_kick(worker);
		peer->count++;
		log_name(worker->client.presence.has_logged_in ?
			worker->client.presence.user : "-", user);
		log_info("kicked by uid %u: user=%s ip=[%s]",
			(unsigned int)peer->uid, user,
			worker->client.address);
	}
	door_end(peer, 0, "");
}

static void answer(struct master *master, struct door_peer *peer,
	const struct control_request *request)
{
	if (request->version != CONTROL_VERSION) {
		door_end(peer, EPROTO, "");
		door_dismiss(peer);
		return;
	}
	switch (request->kind) {
	case CONTROL_WHO:
		tell_sessions(master, peer);
		break;
	case CONTROL_STATS:
		tell_stats(master, peer);
		break;
	case CONTROL_KICK:
		kick(master, peer, request->what);
		break;
	default:
		/* The others are for control_obey(). */
		log_info("%s, asked for by uid %u",
			request->kind == CONTROL_RELOAD ? "reload" : "stop",
			(unsigned int)peer->uid);
	}
}

static void open_door(struct master *master)
{
	const struct control_settings *control =
		&master->generation.settings->control;

	door_open(&master->door, control->path, control->group);
}

void control_retry(struct master *master)
{
	if (deadline_has_passed(master->door.retry_ms))
		open_door(master);
}

void control_renew(struct master *master)
{
	open_door(master);
	master->settings_since_s = (int64_t)time(NULL);
	master->settings_read++;
}

void control_serve(struct master *master, const struct pollfd *ready)
{
	struct control_request request;
	struct door_peer *peer = door_find(&master->door, ready->fd);

	if (ready->revents == 0)
		return;
	if (ready->fd == master->door.fd)
		door_accept(&master->door);
	else if (peer == NULL)
		return;
	else if (peer->kind == CONTROL_WHO)
		tell_sessions(master, peer);
	else if (peer->kind >= CONTROL_RELOAD)
		return;
	else if (peer->kind != 0)
		door_dismiss(peer);
	else if (door_read(peer, &request))
		answer(master, peer, &request);
}

static struct door_peer *wishing(struct master *master)
{
	for (size_t i = 0; i < DOOR_PEERS; i++)
		if (master->door.peers[i].kind >= CONTROL_RELOAD)
			return &master->door.peers[i];
	return NULL;
}

void control_obey(struct master *master, const struct control_deeds *deeds,
	const char *config_path)
{
	static char said[CONTROL_TEXT_BYTES];
	struct door_peer *peer = wishing(master);
	int error = 0;

	if (peer == NULL)
		return;
	log_keep(said, sizeof(said));
	if (peer->kind == CONTROL_STOP)
		deeds->stop(master);
	else if (peer->kind == CONTROL_STOP_NOW)
		deeds->stop_now(master);
	else if (master->stop != STOP_NOT)
		error = ESHUTDOWN;
	else if (!deeds->reload(master, config_path))
		error = EINVAL;
	log_keep(NULL, 0);
	peer->count = count_sessions(&master->pool);
	door_end(peer, error, said);
	/* There was room for one record; if not, nobody waits for it. */
	door_dismiss(peer);
}
