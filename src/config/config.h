/*
 * config.h: the configuration as typed values, checked. Loaded once, then never changed.
 */
#ifndef PERDURE_CONFIG_CONFIG_H
#define PERDURE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"

struct err;

enum { CONFIG_LEVEL_UNSET = -1 };

/* Where a value stood; file is borrowed from the configuration. */
struct config_mark {
	const char *file;
	int line; /* from 1 */
	int column; /* from 1 */
};

/* The way out to a CA; strings are borrowed from the configuration. */
struct config_proxy {
	const char *url; /* SCHEME://HOST:PORT; "" for none; NULL: what the environment says */
	const char *auth_file; /* with USER:PASSWORD; NULL for none */
};

struct config_ca {
	char *name;
	char *directory; /* https URL */
	struct strv issuers; /* `issuer:` a name or a list; empty: found out (directory, preset, caaIdentities) */
	struct strv preset_issuers; /* what the preset knows; empty for a full entry */
	int level; /* 0, 1, 2 or CONFIG_LEVEL_UNSET: found out (a preset's level is not put here: the CA may move on) */
	char *ca_bundle; /* PEM file, or NULL for the system's */
	int ip_version; /* 4, 6, or 0 for both */
	struct config_proxy proxy;
	int64_t max_orders; /* in flight at once */
	int64_t limit_orders; /* new ones it takes in limit_ms; 0: not known */
	int64_t limit_ms;
	int64_t limit_requests; /* a second; 0: not known */
	bool limit_replacing_exempt; /* orders that replace a certificate do not count */
	char *eab_kid; /* NULL without external account binding */
	char *eab_hmac_key_file;
	char *eab_alg; /* "HS256" by default */
	char *account_url; /* `account:`: public data of an account whose key is elsewhere; NULL when the key is here */
	struct strv account_thumbprints; /* current first */
	char *account_key; /* key type name for a new account key, "ec256" */
	struct strv contact; /* "mailto:…" */
	bool account_uri_any; /* accept a challenge `accounturi` that is not the account URL (level 01) */
	char *profile; /* default profile for orders at this CA, or NULL */
	char *preferred_chain; /* issuer common name, or NULL */
	struct config_mark mark;
};

struct config_dns_stub {
	char *zone;
	struct strv servers;
	int port;
};

enum config_dns_mode { CONFIG_DNS_AUTHORITATIVE, CONFIG_DNS_RESOLVER, CONFIG_DNS_NONE };

struct config_dns {
	enum config_dns_mode mode;
	struct config_dns_stub *stubs;
	size_t n_stubs;
	struct strv resolvers;
	struct strv hints;
	int64_t timeout_ms;
	unsigned per_server;
	unsigned pace;
	bool validate;
	char *trust_anchor; /* absolute, or NULL for the distribution's */
	char *ca_bundle; /* for DNS over HTTPS; NULL for the system's */
	struct strv vantage; /* resolvers, as dns_resolvers_ask() takes them */
	char *region; /* of this host, "ripe"; NULL when not told */
};

/* One key of a provider's type; of the three, what the key's type is. */
struct config_provider_value {
	const char *key; /* below the provider: "server", "tsig.file" */
	char *s; /* text, words; paths absolute */
	int64_t i; /* numbers, milliseconds, 0 and 1 */
	struct strv list;
};

struct config_provider {
	char *name;
	char *type; /* one of those the schema lists */
	struct strv zones; /* lower case, no dot at the end; empty: any */
	struct config_provider_value *values; /* those given, each allowed for the type; those required are there */
	size_t n_values;
	struct config_mark mark;
};
/* The value of a key: NULL, dflt, an empty list when it was not given. */
const char *config_provider_str(const struct config_provider *p, const char *key);
int64_t config_provider_int(const struct config_provider *p, const char *key, int64_t dflt);
const struct strv *config_provider_list(const struct config_provider *p, const char *key);

/* How the names of a certificate are proved. */
enum config_validation {
	CONFIG_VALIDATION_AUTO, /* the first that works: standing record, delegation, dns-01 at the domain, http-01 */
	CONFIG_VALIDATION_PERSIST,
	CONFIG_VALIDATION_DELEGATION, /* dns-01 behind a standing CNAME */
	CONFIG_VALIDATION_DNS, /* dns-01 at the domain itself */
	CONFIG_VALIDATION_HTTP,
	CONFIG_VALIDATION_N_
};
/* "auto", "dns-persist-01", "delegation", … */
const char *config_validation_name(enum config_validation v);

/* Where dns-01 writes for a certificate, and how: `delegation`, with what the certificate says otherwise. */
struct config_delegation {
	const struct config_provider *provider; /* of type acme-dns: its accounts have the names; NULL for none */
	bool one_account; /* of it, for all domains */
	const char *zone; /* of the validation names, lower case, no dot at the end; NULL when none is given */
	const char *name; /* the validation name that all share; NULL: each domain has its own in the zone */
	int64_t cname_ttl; /* seconds */
	int64_t txt_ttl; /* seconds */
	bool keep; /* values stay until the next write at their name */
	bool follow; /* CNAMEs from wildcards, or to other names than these, are followed */
	int64_t values_max; /* at one name */
	int64_t wait_ms;
};
/* Whether there is a validation name for a domain at all. */
bool config_delegation_given(const struct config_delegation *d);

/* How http-01 is answered: `http`. */
struct config_http {
	const char *webroot; /* absolute; NULL */
	const char *listen; /* "ADDRESS@PORT" or "systemd"; NULL; not with webroot */
	const char *user;
};

enum config_deploy_kind {
	CONFIG_DEPLOY_COMMAND,
	CONFIG_DEPLOY_SHELL,
	CONFIG_DEPLOY_SYSTEMD,
	CONFIG_DEPLOY_COPY,
	CONFIG_DEPLOY_PEM,
	CONFIG_DEPLOY_PKCS12,
	CONFIG_DEPLOY_KUBERNETES,
	CONFIG_DEPLOY_CERTBOT,
	CONFIG_DEPLOY_LEGO,
	CONFIG_DEPLOY_PROBE, /* a probe without anything else */
	CONFIG_DEPLOY_KIND_N_
};
/* "command", …, as the key of the configuration. */
const char *config_deploy_kind_name(enum config_deploy_kind k);

/* One file to be written. */
struct config_deploy_file {
	const char *part; /* "privkey.pem", … for copy; NULL for the others */
	char *to; /* absolute */
};

/* One deploy action. In texts that are marked so, "{name}" stands for the name of the certificate. */
struct config_deploy {
	enum config_deploy_kind kind;
	char id[17]; /* hexadecimal; the same for actions that do the same, whatever their time limits and probes */
	char *label; /* for people: "systemd reload nginx.service"; {name} */
	int64_t timeout_ms; /* of each program or request */
	bool once; /* once for all certificates of a run */
	bool optional; /* when it fails those after it are done all the same */
	struct strv env; /* names of variables to hand on */
	struct strv argv; /* command, lego, certbot's command; the program is absolute, or searched for in PATH */
	char *shell; /* shell, certbot's shell; NULL for none */
	char *directory; /* certbot; NULL for none; {name} */
	char *unit; /* systemd; {name} */
	char *verb; /* systemd: what systemctl is asked for */
	struct config_deploy_file *files; /* copy: those with the key first; pem, pkcs12: one; {name} */
	size_t n_files;
	char *make_dir; /* copy: made when missing; NULL for none; {name} */
	struct strv parts; /* pem: "key", "cert", "chain", "fullchain" */
	char *owner; /* NULL for that of the process */
	char *group;
	unsigned mode; /* of files that hold the key, and of pem and pkcs12 */
	unsigned cert_mode; /* of the others */
	char *password_file;
	char *alias; /* NULL for the certificate's name; {name} */
	bool legacy;
	char *secret; /* kubernetes; {name} */
	char *name_space; /* NULL: the pod's; {name} */
	char *server; /* NULL: the pod's */
	char *token_file;
	char *ca_file;
	bool force;
	char *probe_connect; /* "HOST:PORT", NULL for no probe; {name} */
	char *probe_sni; /* NULL for the certificate's first name; {name} */
	char *probe_starttls; /* "smtp", "imap", "pop3"; NULL for TLS from the beginning */
	int64_t probe_timeout_ms;
	struct config_mark mark;
};

/* In the order in which they are done; no id twice. */
struct config_deploy_list {
	const struct config_deploy **v; /* borrowed from the configuration */
	size_t n;
};
struct config_deploy_group {
	char *name;
	struct config_deploy_list list;
};

struct config_cert {
	char *name; /* of the lineage: the first name without "*." unless given */
	struct strv names; /* normalised A-labels, "*." kept; no name twice */
	struct strv cas; /* CA names in order of preference; at least one */
	const char *key; /* key type name; borrowed */
	bool must_staple;
	bool reuse_key;
	const char *profile; /* borrowed; NULL for the CA's */
	const char *preferred_chain;
	enum config_validation validation;
	int64_t persist_until; /* UNIX seconds, 0 for none */
	const struct config_deploy_list *deploy; /* borrowed; NULL when there is nothing to do */
	const struct config_delegation *delegation; /* borrowed, never NULL */
	const char *webroot; /* for http-01; NULL: by the listener, if there is one */
	struct config_mark mark;
};

/* One entry of audit.ignore; "" where it says nothing. */
struct config_ignore {
	char *rule;
	char *name;
	struct config_mark mark;
};

/* A standing TXT record with a secret value. */
struct config_token {
	char *id;
	char *owner; /* lower case, no dot at the end */
	char *prefix; /* "" for none */
	char *value_file; /* absolute; NULL: the value is made and kept in the state directory */
	int64_t ttl; /* seconds */
	struct config_mark mark;
};

struct config_audit {
	struct strv issuers;
	struct strv accounts;
	struct strv zones;
	struct strv ct_issuers; /* of certificates in the logs: organisation or common name */
	int64_t expiry_ms;
	struct config_ignore *ignores;
	size_t n_ignores;
};

/* The event log; where lists of forms are words, obs/events.h has their meaning. */
struct config_events {
	bool enabled;
	char *dir; /* absolute */
	int64_t rotate_octets;
	int64_t keep_ms; /* 0: all files are kept */
	int64_t head_lines;
	int64_t head_ms;
	bool sync_always;
	bool journald;
	char *syslog; /* path of a socket, or ADDRESS@PORT, or NULL */
	char *format; /* "json", "ecs", "cef" */
};

struct config_metrics {
	char *textfile; /* absolute, or NULL */
	int64_t certificates_max;
	char *listen; /* address, or NULL */
	int port;
	char *token_file; /* NULL: no token is needed */
	char *cert_file; /* NULL: plain HTTP; else with key_file */
	char *key_file;
};

enum config_notify_type { CONFIG_NOTIFY_WEBHOOK, CONFIG_NOTIFY_MAIL, CONFIG_NOTIFY_COMMAND };

/* One channel; of another type's keys, NULL. */
struct config_notify {
	char *name;
	enum config_notify_type type;
	char *level; /* "info", "warning", "error" */
	int64_t repeat_ms; /* 0: never */
	int64_t failures;
	int64_t expiry_ms; /* 0: a sixth of the lifetime */
	char *findings; /* "none", "warning", "error" */
	char *url; /* or url_file */
	char *url_file;
	char *secret_file; /* absolute, as the other paths; NULL: not signed */
	char *ca_bundle; /* NULL for the system's */
	struct strv to; /* without "mailto:" */
	char *from; /* NULL: perdure at this host */
	char *smtp; /* URL; NULL: by sendmail */
	char *user;
	char *password_file;
	char *sendmail;
	struct strv command;
	int64_t timeout_ms;
	struct config_mark mark;
};

struct config_daemon {
	int64_t interval_ms;
	int64_t audit_ms; /* 0: never */
};

struct config {
	char *path; /* the main file */
	char *state_dir; /* absolute */
	int64_t keep; /* generations kept in archive/ beside the live one */
	int64_t record_ttl; /* seconds, for the zone lines shown */
	struct config_ca *cas;
	size_t n_cas;
	struct config_dns dns;
	struct config_provider *providers; /* in their order in the file */
	size_t n_providers;
	struct config_delegation delegation; /* what holds for certificates that say nothing else */
	struct config_delegation **own_delegations; /* of certificates that do */
	size_t n_own_delegations;
	struct config_http http;
	struct config_cert *certs; /* sorted by name */
	size_t n_certs;
	struct config_deploy **deploys; /* all actions */
	size_t n_deploys;
	struct config_deploy_list **deploy_lists; /* of certificates and defaults */
	size_t n_deploy_lists;
	struct config_deploy_group *deploy_groups;
	size_t n_deploy_groups;
	struct config_token *tokens; /* in their order in the file */
	size_t n_tokens;
	struct config_audit audit;
	struct config_events events;
	struct config_metrics metrics;
	struct config_notify *notify; /* in their order in the file */
	size_t n_notify;
	struct config_daemon daemon;
	struct strv warnings; /* "FILE:LINE:COLUMN: …": private suffixes and other things that are allowed but odd */
	struct strv pool; /* strings that certificates borrow */
	struct strv files; /* every file read (main, conf.d, names files); marks borrow from it */
};

/*
 * Reads path and conf.d/ *.yaml beside it (in order of name), applies defaults and presets, normalises and checks every
 * name, reads names files. ERR_CONFIG with "FILE:LINE:COLUMN: …" for anything wrong, ERR_SYS when a file cannot be
 * read.
 */
int config_load(const char *path, struct config **ret, struct err *e);
void config_free(struct config *c);
void config_freep(struct config **c);

/* The CA of that name, or NULL. */
const struct config_ca *config_find_ca(const struct config *c, const char *name);
/* The lineage of that name, or NULL. */
const struct config_cert *config_find_cert(const struct config *c, const char *name);

/* Appends "FILE:LINE:COLUMN: …" for names that several certificates have which neither the kind of key nor the CA sets
 * apart: that is allowed, and seldom meant. A hundred at most. */
void config_overlaps(const struct config *c, struct strv *ret);

/* NULL when a webhook may be at that URL, else what is wrong with it, without a word of it: "is …". */
const char *config_webhook_fault(const char *url);
/* The channel of notify of that name, or NULL. */
const struct config_notify *config_find_notify(const struct config *c, const char *name);

/* The provider of that name, or NULL. */
const struct config_provider *config_find_provider(const struct config *c, const char *name);
/*
 * The i-th provider to ask for a zone that holds name: the one that lists the closest zone above it in `zones` and no
 * other, else those without a list, in their order. NULL when there are no more. *ret_zone (may be NULL) is the listed
 * zone, or NULL.
 */
const struct config_provider *config_provider_for(
	const struct config *c, const char *name, size_t i, const char **ret_zone);

/* The path used without --config: $PERDURE_CONFIG, else /etc/perdure/perdure.yaml for root, else
 * $XDG_CONFIG_HOME/perdure/perdure.yaml. Heap string. */
char *config_default_path(void);
/* The state directory of a configuration that names none: /var/lib/perdure for root, else $XDG_STATE_HOME/perdure or
 * ~/.local/state/perdure. Heap string. */
char *config_default_state_dir(void);

/* --- presets --- */
struct config_preset {
	const char *name;
	const char *directory;
	const char *issuer; /* issuer domain name, NULL when the CA has not said one */
	int level; /* of dns-persist-01 as known when this was written, CONFIG_LEVEL_UNSET: not offered */
	bool eab; /* needs external account binding */
	int limit_orders; /* new orders of one account in limit_s, 0 when not known; those that replace a certificate
			     are exempt where this is known */
	int limit_s;
	const char *note; /* one sentence for `ca list` */
};
/* All presets; *ret_n of them. */
const struct config_preset *config_presets(size_t *ret_n);
const struct config_preset *config_find_preset(const char *name);

#endif
