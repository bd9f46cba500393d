/*
 * settings_policy.c - what some networks' clients may do, and others may not
 *
 * Owns: which policy fits an address.  Runs in: the master, or a child of it
 * that tries a new file.  Distrusts: nobody, but expects every mistake.
 */
#include "config.h"

#include "settings_parts.h"

#include <stdlib.h>

void settings_take_networks(cfg_t *section, const char *name,
	struct network_list *list)
{
	size_t count = cfg_size(section, name);

	list->texts = settings_copy_list(section, name);
	list->all = settings_allocate(count, sizeof(*list->all));
	list->count = count;
	for (size_t i = 0; i < count; i++) {
		const char *why = network_parse(list->texts[i], &list->all[i]);
		if (why != NULL)
			settings_file_mistake(section, "%s \"%s\" is no "
				"network: %s (write 192.0.2.0/24 or "
				"2001:db8::/32)", name, list->texts[i], why);
	}
}

void settings_free_networks(struct network_list *list)
{
	settings_free_list(list->texts);
	free(list->all);
}

static void override(cfg_t *section, const char *name, uint32_t *value)
{
	if (options_gives(section, name))
		*value = (uint32_t)cfg_getint(section, name);
}

static void take_policy(cfg_t *section, const struct session_rules *usual,
	struct policy_settings *policy)
{
	struct session_rules *rules = &policy->rules;

	policy->name = settings_copy(cfg_title(section));
	settings_take_networks(section, "match", &policy->match);
	if (policy->match.count == 0)
		settings_file_mistake(section, "policy \"%s\" needs a match "
			"(write: match = { \"192.0.2.0/24\" })", policy->name);
	*rules = *usual;
	if (options_gives(section, "cleartext"))
		rules->cleartext = (enum cleartext)cfg_getint(section,
			"cleartext");
	override(section, "failure-delay", &rules->failure_delay_ms);
	override(section, "attempts", &rules->attempts);
	override(section, "idle-timeout", &rules->idle_timeout_s);
	override(section, "login-timeout", &rules->login_timeout_s);
	override(section, "tls-timeout", &rules->tls_timeout_s);
	override(section, "per-address", &rules->per_address);
	if (options_gives(section, "legacy-tls"))
		rules->allows_legacy_tls = cfg_getint(section,
			"legacy-tls") != 0;
}

void settings_take_policies(cfg_t *root, struct settings *settings)
{
	unsigned count = cfg_size(root, "policy");

	settings->usual_rules = (struct session_rules){
		.cleartext = settings->auth.cleartext,
		.failure_delay_ms = settings->auth.failure_delay_ms,
		.attempts = settings->auth.attempts,
		.idle_timeout_s = settings->limits.idle_timeout_s,
		.login_timeout_s = settings->limits.login_timeout_s,
		.tls_timeout_s = settings->limits.tls_timeout_s,
		.per_address = settings->limits.per_address,
	};
	settings->policies = settings_allocate(count,
		sizeof(*settings->policies));
	settings->policy_count = count;
	for (unsigned i = 0; i < count; i++)
		take_policy(cfg_getnsec(root, "policy", i),
			&settings->usual_rules, &settings->policies[i]);
}

void settings_free_policies(struct settings *settings)
{
	for (size_t i = 0; i < settings->policy_count; i++) {
		free(settings->policies[i].name);
		settings_free_networks(&settings->policies[i].match);
	}
	free(settings->policies);
}

uint32_t settings_policy_of(const struct settings *settings,
	const struct sockaddr_storage *address)
{
	for (size_t i = 0; i < settings->policy_count; i++) {
		const struct network_list *match = &settings->policies[i].match;
		if (network_has(match->all, match->count, address))
			return (uint32_t)i + 1;
	}
	return 0;
}

const struct session_rules *settings_rules(const struct settings *settings,
	uint32_t policy)
{
	if (policy > settings->policy_count)
		return NULL;
	return policy == 0 ? &settings->usual_rules :
		&settings->policies[policy - 1].rules;
}

bool settings_may_cleartext(const struct session_rules *rules, bool has_tls)
{
	return rules->cleartext == CLEARTEXT_ALWAYS ||
		(rules->cleartext == CLEARTEXT_TLS_ONLY && has_tls);
}

const struct tls_settings *settings_tls_of(const struct settings *settings,
	const struct listen_settings *listen)
{
	return listen->own_tls != NULL ? listen->own_tls : &settings->tls;
}
