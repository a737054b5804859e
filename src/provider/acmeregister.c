/* acmeregister.c: accounts at an acme-dns server, made once. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/strv.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "loop/loop.h"
#include "provider/acmeaccounts.h"
#include "provider/acmedns.h"
#include "provider/driver.h"
#include "provider/rest.h"
#include "json/json.h"

enum { LOCK_WAIT_MS = 120000, ACCOUNT_MAX = 64 << 10, NOT_FOUND = 404, UNAUTHORIZED = 401 };

struct registering {
	struct loop *loop;
	const struct config_provider *conf;
	const struct strv *domains;
	bool one, dry;
	acmedns_registered_fn fn;
	void *ctx;
	struct provider *p;
	struct acmeaccounts accounts;
	struct rest_call *call;
	size_t at;
	bool stopped;
	struct err *e;
};

static void next(struct registering *r);

static const char *domain_at(const struct registering *r)
{
	return r->one ? "" : r->domains->v[r->at];
}

static bool is_in_zones(const struct config_provider *conf, const char *name)
{
	for (size_t i = 0; i < conf->zones.n; i++)
		if (name_within(name, conf->zones.v[i]))
			return true;
	return false;
}

static void put_account(
	struct buf *out, const struct registering *r, const struct acmeaccount *a, const struct json *reply)
{
	struct json_out j = json_out_make(out);
	const struct json *from = json_get(reply, "allowfrom");
	json_out_object(&j, NULL);
	json_out_str(&j, "fulldomain", a->fulldomain);
	json_out_str(&j, "subdomain", a->subdomain);
	json_out_str(&j, "username", a->username);
	json_out_str(&j, "password", a->password);
	json_out_str(&j, "server_url", config_provider_str(r->conf, "url"));
	json_out_array(&j, "allowfrom");
	for (size_t i = 0; i < json_len(from); i++)
		json_out_str(&j, NULL, json_str(json_at(from, i)));
	json_out_end_array(&j);
	json_out_end_object(&j);
}

static int take(struct registering *r, const struct json *reply, struct err *e)
{
	AUTO(acmeaccount_done) struct acmeaccount a = {0};
	AUTO(buf_wipe) struct buf text = buf_make(ACCOUNT_MAX);
	struct err why = {0};
	if (!json_is_object(reply) || acmeaccount_read(reply, domain_at(r), &a, &why)) {
		provider_err(e, r->p, PROVIDER_REPLY, "register: an answer that is no account%s%s",
			err_is(&why) ? ": " : "", why.msg);
		err_hint(e, "is url that of an acme-dns server?");
		err_done(&why);
		return -1;
	}
	if (!is_in_zones(r->conf, a.fulldomain)) {
		provider_err(e, r->p, PROVIDER_REPLY, "register: the account's name %s is in no zone of this provider",
			a.fulldomain);
		err_hint(e, "zones of the provider must be the domain that this server is for");
		return -1;
	}
	put_account(&text, r, &a, reply);
	if (buf_check(&text, "the account", e) || acmeaccounts_add(&r->accounts, domain_at(r), buf_str(&text), e))
		return -1;
	r->fn(domain_at(r), a.fulldomain, r->ctx);
	return 0;
}

static void on_registered(const struct rest_reply *reply, const struct err *e, void *ctx)
{
	struct registering *r = ctx;
	r->call = NULL;
	if (err_is(e)) {
		err_copy(r->e, e);
		if (reply && (reply->status == NOT_FOUND || reply->status == UNAUTHORIZED)) {
			r->e->hint[0] = '\0';
			err_hint(r->e,
				"if the server takes no registrations, ask who runs it for an account and put that "
				"into accounts_file");
		}
	} else if (!take(r, reply->json, r->e)) {
		r->at++;
		next(r);
		return;
	}
	loop_stop(r->loop);
}

/* Whether the domain has an account already. The file may have changed: it is written between two. */
static int has_account(struct registering *r, bool *ret, struct err *e)
{
	const struct acmeaccount *a;
	struct err none = {0};
	if (acmeaccounts_read(&r->accounts, r->conf, e))
		return -1;
	*ret = !acmeaccounts_for(&r->accounts, r->conf, r->one, domain_at(r), &a, &none);
	bool other_kind = !*ret && r->accounts.n && r->accounts.shared != r->one;
	if (other_kind)
		err_move(e, &none);
	err_done(&none);
	return other_kind ? -1 : 0;
}

/* A registration that was lost on the way is an account that nobody uses: it is not sent again by itself. */
static void next(struct registering *r)
{
	size_t n = r->one ? r->domains->n > 0 : r->domains->n;
	bool there = true;
	for (; r->at < n && !r->stopped; r->at++) {
		if (has_account(r, &there, r->e))
			break;
		if (!there && !r->dry)
			break;
		if (!there)
			r->fn(domain_at(r), NULL, r->ctx);
	}
	if (err_is(r->e) || r->stopped || r->at == n) {
		loop_stop(r->loop);
		return;
	}
	struct rest_request q = {.method = HTTP_POST, .path = "/register", .what = "register"};
	r->call = rest_send(acmedns_rest(r->p), &q, on_registered, r);
}

static void on_stop(int signo, void *ctx)
{
	struct registering *r = ctx;
	(void)signo;
	r->stopped = true;
}

static int run(struct registering *r, struct err *e)
{
	next(r);
	int result = loop_run(r->loop, e);
	if (result || err_is(e))
		return -1;
	return r->stopped ? err_set(e, ERR_CANCEL, "stopped; what was registered is in %s", r->accounts.path) : 0;
}

int acmedns_register(struct loop *l, const struct config_provider *conf, const struct strv *domains, bool one, bool dry,
	acmedns_registered_fn fn, void *ctx, struct err *e)
{
	struct registering r = {
		.loop = l, .conf = conf, .domains = domains, .one = one, .dry = dry, .fn = fn, .ctx = ctx, .e = e};
	struct fs_lock lock = {.fd = -1};
	AUTO(xfreep) char *path = xasprintf("%s.lock", config_provider_str(conf, "accounts_file"));
	int result = dry ? 0 : fs_lock_take(&lock, path, LOCK_WAIT_MS, NULL, e);
	if (!result)
		result = provider_open(l, conf, &r.p, e);
	if (!result) {
		loop_on_stop_signal(l, on_stop, &r);
		result = run(&r, e);
	}
	if (r.p)
		rest_cancel(r.call);
	provider_free(r.p);
	acmeaccounts_done(&r.accounts);
	fs_lock_release(&lock);
	return result;
}
