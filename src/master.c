/*
 * master.c - wait for whatever comes, and decide when to begin and to stop
 *
 * Runs as: root, or the invoking user.  Never: reads an octet that a client
 * sent, or holds a secret.  Nothing transient is fatal here.
 */
#include "config.h"

#include "master.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "arrivals.h"
#include "auth_salt.h"
#include "confine.h"
#include "control.h"
#include "deadline.h"
#include "departures.h"
#include "gate.h"
#include "log.h"
#include "master_state.h"
#include "notify.h"
#include "penalty.h"
#include "waiting.h"

/* Addresses to remember; those without sessions make room for others. */
#define PEERS_CAPACITY 16384

/* How long a keeper that removes mail may go on when we stop at once. */
#define LAST_COMMIT_MS 30000

/* How often idle workers above 'pool.spare' are let go. */
#define SURPLUS_TICK_MS 1000

/* Set by handlers, which run only inside ppoll(). */
static volatile sig_atomic_t got_child, got_reload, got_term, got_interrupt,
	got_upgrade;

static void on_signal(int number)
{
	switch (number) {
	case SIGCHLD:
		got_child = 1;
		break;
	case SIGHUP:
		got_reload = 1;
		break;
	case SIGTERM:
		got_term = 1;
		break;
	case SIGUSR2:
		got_upgrade = 1;
		break;
	default:
		got_interrupt = 1;
	}
}

/* Block our signals; 'unblocked' is the mask while we wait. */
static void catch_signals(sigset_t *unblocked)
{
	static const int numbers[] = { SIGCHLD, SIGHUP, SIGTERM, SIGINT,
		SIGUSR2 };
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t ours;

	sigemptyset(&ours);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)sigaction(numbers[i], &action, NULL);
		sigaddset(&ours, numbers[i]);
	}
	(void)sigprocmask(SIG_BLOCK, &ours, unblocked);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigdelset(unblocked, numbers[i]);
	(void)signal(SIGPIPE, SIG_IGN);
}

static void log_listeners(const struct master *master, const char *what)
{
	char text[LOG_TEXT_BYTES];

	listen_describe(&master->listeners, text, sizeof(text));
	log_info("%s: %s", what, text);
}

/* Make all that new settings need; what is in force stays until then. */
static int prepare_reload(struct master *master, const char *config_path,
	struct generation *next)
{
	if (generation_check_settings(config_path) < 0)
		return -1;
	struct settings *settings = settings_load(config_path, stderr);
	if (settings == NULL ||
			generation_begin(next, settings, master->root_fd) < 0)
		return -1;
	if (listen_reopen(&master->listeners, next->settings) == 0)
		return 0;
	generation_end(next);
	return -1;
}

static uint32_t sessions(const struct master *master)
{
	return master->pool.count - master->pool.idle_count;
}

static bool reload(struct master *master, const char *config_path)
{
	struct generation next;

	notify_reloading();
	if (prepare_reload(master, config_path, &next) < 0) {
		log_error("reload refused: the old settings stay in force");
		counters_add(&master->counters, COUNT_RELOADS_REFUSED);
		notify_ready(sessions(master));
		return false;
	}
	pool_set_stale(&master->pool);
	if (next.settings->sandbox != master->generation.settings->sandbox)
		sandbox_log(next.sandbox);
	generation_end(&master->generation);
	master->generation = next;
	renewal_begin(&master->renewal, &master->generation);
	log_open(next.settings->log_target, next.settings->log_level);
	log_listeners(master, "reloaded");
	counters_add(&master->counters, COUNT_RELOADS_DONE);
	control_renew(master);
	notify_ready(sessions(master));
	return true;
}

/* Take no more connections; sessions go on to their end. */
static void drain(struct master *master)
{
	if (master->stop == STOP_NOT) {
		log_info("stopping: %u sessions go on", sessions(master));
		notify_stopping(sessions(master));
	}
	upgrade_stop(&master->upgrade);
	master->door.retry_ms = DEADLINE_NEVER;
	master->stop = STOP_DRAIN;
	listen_close(&master->listeners);
	pool_set_stale(&master->pool);
	attempts_hurry(&master->attempts);
}

/* A new program serves: it is the one that posternctl shall find. */
static void make_way(struct master *master)
{
	door_leave(&master->door);
	drain(master);
}

/* End the sessions, too; none of them removes anything. */
static void stop_now(struct master *master)
{
	drain(master);
	master->stop = STOP_NOW;
	pool_stop(&master->pool);
	attempts_limit(&master->attempts, LAST_COMMIT_MS);
}

static void handle_signals(struct master *master, const char *config_path)
{
	if (got_child) {
		got_child = 0;
		departures_reap(master);
	}
	if (got_interrupt || (got_term && master->stop == STOP_DRAIN))
		stop_now(master);
	else if (got_term)
		drain(master);
	else if (got_reload && master->stop == STOP_NOT)
		reload(master, config_path);
	if (got_upgrade && master->stop == STOP_NOT)
		upgrade_begin(&master->upgrade, &master->listeners);
	got_interrupt = got_term = got_reload = got_upgrade = 0;
}

/* What posternctl can ask for, too. */
static const struct control_deeds deeds = {
	.reload = reload, .stop = drain, .stop_now = stop_now,
};

/* When a throttled pool or surplus workers need us. */
static int64_t pool_needs_us_ms(const struct master *master)
{
	uint32_t spare = master->generation.settings->pool.spare;
	const struct pool *pool = &master->pool;

	if (!deadline_has_passed(master->accept_after_ms))
		return master->accept_after_ms;
	if (pool->idle_count < spare &&
			!deadline_has_passed(pool->not_before_ms))
		return pool->not_before_ms;
	if (pool->idle_count > spare)
		return deadline_now_ms() + SURPLUS_TICK_MS;
	return DEADLINE_NEVER;
}

static int64_t earlier_ms(int64_t a_ms, int64_t b_ms)
{
	return a_ms < b_ms ? a_ms : b_ms;
}

/* Until when to wait. */
static int64_t wake_up_ms(const struct master *master)
{
	int64_t overdue_ms = earlier_ms(pool_overdue_ms(&master->pool),
		attempts_overdue_ms(&master->attempts));

	overdue_ms = earlier_ms(overdue_ms, earlier_ms(notify_due_ms(),
		upgrade_due_ms(&master->upgrade)));
	overdue_ms = earlier_ms(overdue_ms, door_due_ms(&master->door));
	if (master->stop != STOP_NOT)
		return overdue_ms;
	return earlier_ms(overdue_ms, earlier_ms(pool_needs_us_ms(master),
		renewal_due_ms(&master->renewal)));
}

/* Let idle workers go that a peak has left behind. */
static void retire_surplus(struct master *master, int64_t *tick_ms)
{
	if (!deadline_has_passed(*tick_ms))
		return;
	pool_retire_surplus(&master->pool,
		master->generation.settings->pool.spare);
	*tick_ms = deadline_now_ms() + SURPLUS_TICK_MS;
}

/* Have a signer, and as many idle workers as the settings want. */
static void keep_ready(struct master *master)
{
	struct generation *generation = &master->generation;

	if (generation_lacks_signer(generation) &&
			deadline_has_passed(master->pool.not_before_ms) &&
			generation_start_signer(generation,
				master->root_fd) < 0)
		pool_throttle(&master->pool);
	if (!generation_lacks_signer(generation))
		pool_fill(&master->pool, generation, master->root_fd);
}

static bool has_children(const struct master *master)
{
	return master->pool.count > 0 || master->attempts.count > 0;
}

static void serve(struct master *master, const char *config_path,
	const sigset_t *unblocked)
{
	struct waiting waiting = { .count = 0 };
	int64_t tick_ms = deadline_now_ms() + SURPLUS_TICK_MS;

	while (master->stop == STOP_NOT || has_children(master)) {
		if (master->stop == STOP_NOT) {
			retire_surplus(master, &tick_ms);
			renewal_serve(&master->renewal,
				&master->generation, &master->pool,
				master->root_fd);
			keep_ready(master);
		}
		if (waiting_gather(&waiting, master) < 0) {
			log_error("out of memory");
			break;
		}
		if (waiting_wait(&waiting, wake_up_ms(master), unblocked))
			waiting_serve(&waiting, master);
		pool_kill_overdue(&master->pool);
		attempts_kill_overdue(&master->attempts);
		door_dismiss_overdue(&master->door);
		handle_signals(master, config_path);
		notify_serve(sessions(master));
		control_retry(master);
		if (upgrade_look(&master->upgrade) == UPGRADE_READY)
			make_way(master);
		control_obey(master, &deeds, config_path);
	}
	waiting_free(&waiting);
}

/* Each session takes a few descriptors of ours: have all that we may. */
static void raise_fd_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* If it can't be raised, connections wait in the backlog earlier. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int begin(struct master *master, const struct master_start *start)
{
	uint64_t seed = 0;

	raise_fd_limit();
	salt_begin();
	/* Any seed does; a random one is better. */
	(void)gnutls_rnd(GNUTLS_RND_NONCE, &seed, sizeof(seed));
	*master = (struct master){
		.listeners = start->listeners,
		.peers = peers_new(PEERS_CAPACITY, seed),
		.names = peers_new(PEERS_CAPACITY, seed),
		.root_fd = confine_empty_directory(),
		.gate_fd = gate_make(),
		.started_s = (int64_t)time(NULL),
	};
	door_begin(&master->door);
	if (master->peers == NULL || master->names == NULL ||
			master->root_fd < 0 || master->gate_fd < 0 ||
			penalty_make_pipe(master->reports) < 0) {
		log_error("can't start: %s", strerror(errno));
		settings_free(start->settings);
		return -1;
	}
	if (generation_begin(&master->generation, start->settings,
			master->root_fd) < 0)
		return -1;
	renewal_begin(&master->renewal, &master->generation);
	return 0;
}

static int begin_listening(struct master *master)
{
	if (listen_reopen(&master->listeners,
			master->generation.settings) < 0)
		return -1;
	control_renew(master);
	pool_fill(&master->pool, &master->generation, master->root_fd);
	sandbox_log(master->generation.sandbox);
	log_listeners(master, "ready");
	notify_ready(0);
	return 0;
}

/* One connection that a supervisor accepted: the same house around it. */
static void begin_single(struct master *master,
	const struct master_start *start)
{
	master->generation.settings->pool.spare = 1;
	master->generation.settings->pool.max = 1;
	pool_fill(&master->pool, &master->generation, master->root_fd);
	arrivals_take(master, start->connection_fd,
		start->connection_section);
	master->stop = STOP_DRAIN;
	pool_set_stale(&master->pool);
}

static void end(struct master *master)
{
	door_close(&master->door);
	listen_close(&master->listeners);
	pool_free(&master->pool);
	attempts_free(&master->attempts);
	peers_free(master->peers);
	peers_free(master->names);
	generation_end(&master->generation);
	/* Signers end when nobody is left who could ask them. */
	while (!master->upgrade.is_done && waitpid(-1, NULL, 0) > 0)
		;
	close(master->root_fd);
	close(master->gate_fd);
	close(master->reports[0]);
	close(master->reports[1]);
}

int master_run(const struct master_start *start)
{
	struct master master;
	sigset_t unblocked;
	int status = EXIT_FAILURE;

	catch_signals(&unblocked);
	if (begin(&master, start) < 0)
		return EXIT_FAILURE;
	if (start->connection_fd >= 0)
		begin_single(&master, start);
	if (start->connection_fd >= 0 || begin_listening(&master) == 0) {
		serve(&master, start->config_path, &unblocked);
		upgrade_wait_for_old(&unblocked);
		status = EXIT_SUCCESS;
	}
	end(&master);
	return status;
}
