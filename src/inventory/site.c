/* site.c: one installation of perdure, opened. */
#include "inventory/site.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acme/session.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"
#include "dns/dns.h"
#include "http/http.h"
#include "inventory/doh.h"
#include "inventory/rebuild.h"
#include "inventory/rollover.h"
#include "inventory/tell.h"
#include "loop/lines.h"
#include "loop/loop.h"
#include "state/certfiles.h"
#include "state/installer.h"

static void say_waiting(pid_t holder)
{
	log_info("another perdure (process %ld) is at work on the same state; waiting for it", (long)holder);
}

static int open_to_read(struct site *s, struct err *e)
{
	if (!store_open(s->config->state_dir, true, &s->store, e))
		return 0;
	if (e->kind != ERR_STORE || e->code != STORE_MISSING)
		return -1;
	err_done(e);
	AUTO(strv_done) struct strv live = {0};
	if (certfiles_list(s->config->state_dir, &live, e)) {
		err_hint(e,
			"run this as the user whose state it is; another user needs a configuration (--config) with a "
			"state_dir of its own, and with cas[].account in place of the account's key");
		return -1;
	}
	if (live.n)
		log_warn("there is no database in %s, but %zu certificates in live/: \"perdure renew\" makes it again "
			 "from them",
			s->config->state_dir, live.n);
	return 0;
}

/* Root could write, but its files would not be readable for the user whose state it is. */
static int check_owner(const char *dir, struct err *e)
{
	char text[4096];
	struct passwd pw, *found = NULL;
	struct stat st;
	if (geteuid() || stat(dir, &st) || !st.st_uid)
		return 0;
	bool named = !getpwuid_r(st.st_uid, &pw, text, sizeof(text), &found) && found;
	AUTO(xfreep) char *who = named ? xstrdup(pw.pw_name) : xasprintf("%lu", (unsigned long)st.st_uid);
	err_set(e, ERR_CONFIG, "the state in %s is that of the user %s, who could not read what root writes there", dir,
		who);
	err_hint(e, "run it as that user: runuser -u %s -- perdure …", who);
	return -1;
}

static int open_to_write(struct site *s, int64_t lock_wait_ms, struct rebuild *b, struct err *e)
{
	const char *dir = s->config->state_dir;
	if (fs_mkdirs(dir, 0700, e)) {
		err_hint(e, "make the directory for the user that runs perdure, or set state_dir: in %s",
			s->config->path);
		return -1;
	}
	if (check_owner(dir, e))
		return -1;
	AUTO(xfreep) char *lock = xasprintf("%s/lock", dir);
	AUTO(xfreep) char *control = site_control_path(dir);
	/* It will not end by itself. */
	bool daemon = lines_there(control);
	if (fs_lock_take(&s->lock, lock, daemon ? 0 : lock_wait_ms, say_waiting, e)) {
		if (daemon) {
			e->hint[0] = 0; /* "wait until it has ended" */
			err_hint(e,
				"it is the daemon: \"perdure control renew NAME\" asks it to renew, \"perdure control "
				"stop\" ends it");
		} else {
			err_hint(e,
				"the state directory is %s (state_dir: in %s); the user that runs perdure must be able "
				"to "
				"write there",
				dir, s->config->path);
		}
		return -1;
	}
	if (rebuild_open(s, b, e))
		return -1;
	store_attach(s->store, s->loop);
	s->installer = installer_new(s->loop, dir, s->config->keep);
	return 0;
}

/* What the configuration tells of an account whose key is elsewhere. */
static void public_account(struct site_ca *ca)
{
	struct store_account *a = &ca->account;
	a->ca = xstrdup(ca->conf->name);
	a->directory = xstrdup(ca->conf->directory);
	a->url = xstrdup(ca->conf->account_url);
	a->status = xstrdup("valid");
	strv_copy(&a->thumbprints, &ca->conf->account_thumbprints);
}

static void no_account(struct site_ca *ca)
{
	struct store_account *a = &ca->account;
	a->ca = xstrdup(ca->conf->name);
	a->directory = xstrdup(ca->conf->directory);
	a->url = xstrdup("");
	a->status = xstrdup("");
}

static int load_accounts(struct site *s, struct err *e)
{
	size_t n = s->config->n_cas;
	if (!s->cas)
		s->cas = xcalloc(n, sizeof(*s->cas));
	for (size_t i = 0; i < n; i++) {
		struct site_ca *ca = &s->cas[i];
		bool found = false;
		ca->conf = &s->config->cas[i];
		store_account_done(&ca->account);
		if (ca->conf->account_url) {
			public_account(ca);
			continue;
		}
		if (s->store && store_account_get(s->store, ca->conf->name, &ca->account, &found, e))
			return -1;
		if (found && strcmp(ca->account.directory, ca->conf->directory)) {
			err_set(e, ERR_CONFIG,
				"CA \"%s\" is configured with the directory %s, but its account was made at %s: an "
				"account belongs to one CA",
				ca->conf->name, ca->conf->directory, ca->account.directory);
			err_hint(e, "give the new directory an entry of its own under cas:, with another name");
			return -1;
		}
		if (!found)
			no_account(ca);
	}
	return 0;
}

char *site_control_path(const char *state_dir)
{
	return xasprintf("%s/control", state_dir);
}

/* For writing. */
static int take_state(struct site *s, int64_t lock_wait_ms, struct err *e)
{
	AUTO(rebuild_done) struct rebuild b = {0};
	return open_to_write(s, lock_wait_ms, &b, e) || load_accounts(s, e) || rebuild_end(s, &b, e) ? -1 : 0;
}

int site_open(const struct site_options *o, struct site *ret, struct err *e)
{
	struct site s = {.lock = {.fd = -1}, .clk = clk_real(), .patience_ms = o->patience_ms};
	AUTO(xfreep) char *path = o->config_path ? xstrdup(o->config_path) : config_default_path();
	if (config_load(path, &s.config, e)) {
		e->kind = ERR_CONFIG;
		return -1;
	}
	bool writes = o->state == SITE_STATE_WRITE;
	if (loop_new(s.clk, &s.loop, e) || (o->state == SITE_STATE_READ && open_to_read(&s, e)) ||
		(writes ? take_state(&s, o->lock_wait_ms, e) : load_accounts(&s, e))) {
		site_close(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

int site_write(struct site *s, int64_t lock_wait_ms, struct err *e)
{
	if (s->store)
		store_close(s->store);
	s->store = NULL;
	s->patience_ms = 0;
	return take_state(s, lock_wait_ms, e);
}

void site_close(struct site *s)
{
	for (size_t i = 0; s->cas && i < s->config->n_cas; i++) {
		struct site_ca *ca = &s->cas[i];
		site_session_end(ca);
		key_free(ca->key);
		store_account_done(&ca->account);
	}
	free(s->cas);
	tell_close(s);
	dns_free(s->dns);
	doh_free(s->doh);
	if (s->store)
		store_close(s->store);
	fs_lock_release(&s->lock);
	installer_stop(s->installer);
	if (s->loop)
		loop_free(s->loop);
	installer_free(s->installer);
	config_free(s->config);
	memset(s, 0, sizeof(*s));
	s->lock.fd = -1;
}

int site_find_ca(struct site *s, const char *name, struct site_ca **ret, struct err *e)
{
	AUTO(strv_done) struct strv known = {0};
	for (size_t i = 0; i < s->config->n_cas; i++) {
		if (!strcmp(s->cas[i].conf->name, name)) {
			*ret = &s->cas[i];
			return 0;
		}
		strv_add(&known, s->cas[i].conf->name);
	}
	AUTO(xfreep) char *list = strv_join(&known, ", ");
	err_set(e, ERR_USAGE, "there is no CA \"%s\" in %s", name, s->config->path);
	err_hint(e, "configured are: %s", known.n ? list : "none; add one under cas:");
	return -1;
}

int site_dns(struct site *s, struct err *e)
{
	const struct config_dns *c = &s->config->dns;
	if (s->dns)
		return 0;
	struct dns_stub *stubs = xcalloc(c->n_stubs, sizeof(*stubs));
	for (size_t i = 0; i < c->n_stubs; i++)
		stubs[i] = (struct dns_stub){
			.zone = c->stubs[i].zone, .servers = c->stubs[i].servers, .port = (uint16_t)c->stubs[i].port};
	static const enum dns_mode modes[] = {[CONFIG_DNS_AUTHORITATIVE] = DNS_AUTHORITATIVE,
		[CONFIG_DNS_RESOLVER] = DNS_RESOLVER,
		[CONFIG_DNS_NONE] = DNS_NONE};
	struct dns_options o = {
		.mode = modes[c->mode],
		.stubs = stubs,
		.n_stubs = c->n_stubs,
		.resolvers = &c->resolvers,
		.hints = &c->hints,
		.timeout_ms = c->timeout_ms,
		.per_server = c->per_server,
		.pace = c->pace,
		.validate = c->validate,
		.trust_anchor = c->trust_anchor,
		.state_dir = s->config->state_dir,
	};
	int r = dns_new(s->loop, &o, &s->dns, e);
	free(stubs);
	return r;
}

int site_doh(struct site *s, struct err *e)
{
	return s->doh ? 0 : doh_new(s->loop, s->config->dns.ca_bundle, &s->doh, e);
}

int site_probe(struct site *s, struct err *e)
{
	enum { PROBE_MS = 1000 };
	int64_t now = clk_mono(s->clk);
	if (s->probed && now - s->probed_ms < PROBE_MS)
		return 0;
	if (certfiles_probe(s->config->state_dir, e))
		return -1;
	s->probed = true;
	s->probed_ms = now;
	return 0;
}

char *site_account_key_path(const struct site *s, const struct site_ca *ca)
{
	return xasprintf("%s/accounts/%s/key.pem", s->config->state_dir, ca->conf->name);
}

int site_account_key_if_any(struct site *s, struct site_ca *ca, struct err *e)
{
	AUTO(xfreep) char *path = site_account_key_path(s, ca);
	if (ca->key || !fs_exists(path))
		return 0;
	AUTO(secret_done) struct secret pem = {0};
	if (fs_read_secret(path, &pem, e))
		return -1;
	return key_from_pem(pem.p, pem.n, path, &ca->key, e);
}

int site_account_key(struct site *s, struct site_ca *ca, struct err *e)
{
	if (site_account_key_if_any(s, ca, e))
		return -1;
	if (ca->key)
		return 0;
	err_set(e, ERR_CONFIG, "there is no account key for CA \"%s\" on this host", ca->conf->name);
	err_hint(e, "run \"perdure account register --ca %s\", or bring the account with \"perdure account import\"",
		ca->conf->name);
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

int site_account_key_make(struct site *s, struct site_ca *ca, struct err *e)
{
	if (site_account_key_if_any(s, ca, e))
		return -1;
	if (ca->key)
		return 0;
	enum key_type type;
	if (key_type_from_name(ca->conf->account_key, &type))
		return err_set(e, ERR_CONFIG, "CA \"%s\": account_key \"%s\" is no key type", ca->conf->name,
			ca->conf->account_key);
	AUTO(xfreep) char *path = site_account_key_path(s, ca);
	AUTO(xfreep) char *dir = xstrndup(path, (size_t)(strrchr(path, '/') - path));
	AUTO(secret_done) struct secret pem = {0};
	AUTO(key_freep) struct key *k = NULL;
	if (key_generate(type, &k, e) || key_to_pem(k, &pem, e) || fs_mkdirs(dir, 0700, e) ||
		fs_write_atomic(path, pem.p, pem.n, 0600, e))
		return err_ctx(e, "make the account key of CA \"%s\"", ca->conf->name);
	ca->key = TAKE(k);
	return 0;
}

int site_account_note_key(struct site_ca *ca, const struct key *k, struct err *e)
{
	char thumb[JOSE_THUMBPRINT_LEN + 1];
	const struct strv *known = &ca->account.thumbprints;
	struct strv all = {0};
	if (jose_thumbprint(k, thumb, e))
		return -1;
	strv_add(&all, thumb);
	for (size_t i = 0; i < known->n; i++)
		if (strcmp(known->v[i], thumb))
			strv_add(&all, known->v[i]);
	strv_done(&ca->account.thumbprints);
	ca->account.thumbprints = all;
	return 0;
}

void site_session_end(struct site_ca *ca)
{
	if (ca->session)
		acme_session_free(ca->session);
	http_free(ca->http);
	ca->session = NULL;
	ca->http = NULL;
}

int site_session(struct site *s, struct site_ca *ca, struct err *e)
{
	if (!ca->session) {
		struct http_options ho = {
			.ca_bundle = ca->conf->ca_bundle,
			.user_agent = "perdure/" PERDURE_VERSION,
			.max_connections = acme_connections(ca->conf->max_orders),
			.ip_version = ca->conf->ip_version,
			.proxy = ca->conf->proxy.url,
			.proxy_auth_file = ca->conf->proxy.auth_file,
		};
		if (http_curl_new(s->loop, &ho, &ca->http, e))
			return err_ctx(e, "CA \"%s\"", ca->conf->name);
		struct acme_session_options so = {.name = ca->conf->name,
			.directory_url = ca->conf->directory,
			.metrics = tell_metrics(s),
			.requests_per_second = ca->conf->limit_requests,
			.patience_ms = s->patience_ms};
		ca->session = acme_session_new(s->loop, ca->http, &so);
	}
	if (ca->key)
		acme_session_set_account(ca->session, ca->key, ca->account.url[0] ? ca->account.url : NULL);
	return 0;
}

int site_account_ready(struct site *s, struct site_ca *ca, struct err *e)
{
	const char *name = ca->conf->name;
	if (ca->conf->account_url) {
		err_set(e, ERR_CONFIG,
			"CA \"%s\" is configured with public account data (account:): its key is on another host",
			name);
		err_hint(e, "run this where the key is, or bring the account here with \"perdure account import\" and "
			    "remove account:");
		return -1;
	}
	if (site_account_key(s, ca, e))
		return -1;
	if (!ca->account.url[0]) {
		err_set(e, ERR_CONFIG, "the account at CA \"%s\" is not registered yet", name);
		err_hint(e, "run \"perdure account register --ca %s\"", name);
		return -1;
	}
	if (strcmp(ca->account.status, "valid")) {
		err_set(e, ERR_CONFIG, "the account %s at CA \"%s\" is %s", ca->account.url, name, ca->account.status);
		err_hint(e, "a new account needs a new entry under cas: and new records; \"perdure record show\" "
			    "prints them");
		return -1;
	}
	return 0;
}

int site_account_session(struct site *s, struct site_ca *ca, struct err *e)
{
	return site_account_ready(s, ca, e) || rollover_settle(s, ca, e) || site_session(s, ca, e) ? -1 : 0;
}

struct directory_wait {
	struct loop *loop;
	const struct acme_directory *dir;
	struct err *e;
	bool done;
};

static void have_directory(const struct acme_directory *dir, const struct err *e, void *ctx)
{
	struct directory_wait *w = ctx;
	w->dir = dir;
	w->done = true;
	if (!dir)
		err_copy(w->e, e);
	loop_stop(w->loop);
}

int site_directory(struct site *s, struct site_ca *ca, const struct acme_directory **ret, struct err *e)
{
	if (site_session(s, ca, e))
		return -1;
	struct directory_wait w = {.loop = s->loop, .e = e};
	acme_session_directory(ca->session, have_directory, &w);
	if (!w.done && loop_run(s->loop, e))
		return -1;
	if (!w.dir)
		return err_ctx(e, "CA \"%s\"", ca->conf->name);
	*ret = w.dir;
	return 0;
}
