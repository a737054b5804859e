/* model.c: what the CA remembers. */
#include "testca/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "crypto/jose.h"
#include "crypto/key.h"

const char *status_name(enum status s)
{
	static const char *const names[] = {
		"pending", "processing", "ready", "valid", "invalid", "deactivated", "expired", "revoked"};
	return names[s];
}

const char *method_name(enum method m)
{
	return m == METHOD_PERSIST ? "dns-persist-01" : "dns-01";
}

/* --- tables --- */

static void table_init(struct table *t)
{
	/* Numbers of another run must not be found in this one. */
	t->base = random_below(1U << 30) * 100000 + 1;
}

static uint64_t table_add(struct table *t, void *p)
{
	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 64;
		t->v = xreallocarray(t->v, t->cap, sizeof(*t->v));
	}
	t->v[t->n] = p;
	return t->base + t->n++;
}

static void *table_get(const struct table *t, uint64_t id)
{
	return id >= t->base && id - t->base < t->n ? t->v[id - t->base] : NULL;
}

void model_init(struct model *m)
{
	memset(m, 0, sizeof(*m));
	table_init(&m->accounts);
	table_init(&m->orders);
	table_init(&m->authzs);
	table_init(&m->certs);
}

struct account *model_account(const struct model *m, uint64_t id)
{
	struct account *a = table_get(&m->accounts, id);
	return a && !a->gone ? a : NULL;
}

struct order *model_order(const struct model *m, uint64_t id)
{
	return table_get(&m->orders, id);
}

struct authz *model_authz(const struct model *m, uint64_t id)
{
	return table_get(&m->authzs, id);
}

struct cert *model_cert(const struct model *m, uint64_t id)
{
	return table_get(&m->certs, id);
}

struct account *model_new_account(struct model *m)
{
	struct account *a = xcalloc(1, sizeof(*a));
	a->status = ST_VALID;
	a->id = table_add(&m->accounts, a);
	return a;
}

struct order *model_new_order(struct model *m, struct account *a)
{
	struct order *o = xcalloc(1, sizeof(*o));
	o->account = a;
	o->id = table_add(&m->orders, o);
	if ((a->n_orders & (a->n_orders - 1)) == 0)
		a->orders = xreallocarray(a->orders, a->n_orders ? a->n_orders * 2 : 1, sizeof(struct order *));
	a->orders[a->n_orders++] = o;
	return o;
}

struct authz *model_new_authz(struct model *m, struct order *o)
{
	struct authz *a = xcalloc(1, sizeof(*a));
	a->account = o->account;
	a->order = o;
	a->id = table_add(&m->authzs, a);
	o->authzs = xreallocarray(o->authzs, o->n_authzs + 1, sizeof(struct authz *));
	o->authzs[o->n_authzs++] = a;
	return a;
}

struct cert *model_new_cert(struct model *m, struct order *o)
{
	struct cert *c = xcalloc(1, sizeof(*c));
	c->account = o->account;
	c->order = o;
	c->ari_retry_s = 21600;
	c->id = table_add(&m->certs, c);
	return c;
}

static void free_account(struct account *a)
{
	free(a->url);
	key_free(a->key);
	strv_done(&a->old_thumbprints);
	strv_done(&a->contacts);
	free(a->eab);
	free(a->orders);
	free(a);
}

static void free_order(struct order *o)
{
	strv_done(&o->names);
	free(o->authzs);
	free(o->profile);
	free(o->replaces);
	key_free(o->key);
	err_problem_free(o->error);
	free(o);
}

static void free_authz(struct authz *a)
{
	for (size_t i = 0; i < METHOD_N_; i++) {
		free(a->challenges[i].token);
		err_problem_free(a->challenges[i].error);
	}
	free(a->name);
	free(a);
}

static void free_cert(struct cert *c)
{
	free(c->leaf);
	free(c->serial);
	free(c->ari_id);
	free(c->ari);
	free(c);
}

void model_done(struct model *m)
{
	for (size_t i = 0; i < m->accounts.n; i++)
		free_account(m->accounts.v[i]);
	for (size_t i = 0; i < m->orders.n; i++)
		free_order(m->orders.v[i]);
	for (size_t i = 0; i < m->authzs.n; i++)
		free_authz(m->authzs.v[i]);
	for (size_t i = 0; i < m->certs.n; i++)
		free_cert(m->certs.v[i]);
	free(m->accounts.v);
	free(m->orders.v);
	free(m->authzs.v);
	free(m->certs.v);
	map_done(&m->by_thumbprint);
	map_done(&m->by_ari);
	map_done(&m->by_sha256);
	map_done(&m->by_serial);
}

static bool is_it(void *value, void *ctx)
{
	return value == ctx;
}

void account_set_key(struct model *m, struct account *a, struct key *k)
{
	struct err e = {0};
	if (a->key) {
		strv_add(&a->old_thumbprints, a->thumbprint);
		map_sweep(&m->by_thumbprint, is_it, a);
		key_free(a->key);
	}
	a->key = key_ref(k);
	if (jose_thumbprint(k, a->thumbprint, &e))
		err_done(&e);
	map_put(&m->by_thumbprint, a->thumbprint, a);
}

void account_forget(struct model *m, struct account *a)
{
	a->gone = true;
	map_sweep(&m->by_thumbprint, is_it, a);
}

/* --- statuses --- */

bool wait_over(struct wait *w, int64_t now_ms, bool looks)
{
	if (w->polls > 0) {
		w->polls -= looks;
		return false;
	}
	return now_ms >= w->until_ms;
}

enum status authz_status(struct authz *a, int64_t now_ms, bool looks)
{
	if (a->status == ST_PENDING)
		for (size_t i = 0; i < METHOD_N_; i++) {
			struct challenge *c = &a->challenges[i];
			if (!c->decided || !wait_over(&c->wait, now_ms, looks))
				continue;
			a->status = c->error ? ST_INVALID : ST_VALID;
			c->validated_s = now_ms / 1000;
			break;
		}
	if (now_ms / 1000 > a->expires_s) {
		if (a->status == ST_VALID)
			return ST_EXPIRED;
		if (a->status == ST_PENDING)
			return ST_INVALID;
	}
	return a->status;
}

enum status order_status(struct order *o, int64_t now_ms, bool looks)
{
	size_t valid = 0;
	if (o->error)
		return ST_INVALID;
	if (o->cert)
		return ST_VALID;
	if (o->finalized) {
		/* The certificate is made by whoever looks when it is due. */
		(void)looks;
		return ST_PROCESSING;
	}
	if (now_ms / 1000 > o->expires_s)
		return ST_INVALID;
	for (size_t i = 0; i < o->n_authzs; i++) {
		enum status s = authz_status(o->authzs[i], now_ms, false);
		if (s == ST_VALID)
			valid++;
		else if (s != ST_PENDING)
			return ST_INVALID;
	}
	return valid == o->n_authzs || o->claims_ready ? ST_READY : ST_PENDING;
}

/* --- problems --- */

struct err_problem *problem_new(int status, const char *type, const char *fmt, ...)
{
	char detail[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	struct err_problem *p = err_problem_new();
	free(p->type);
	free(p->detail);
	p->type = strchr(type, ':') || !*type ? xstrdup(type) : xasprintf("urn:ietf:params:acme:error:%s", type);
	p->detail = xstrdup(detail);
	p->status = status;
	return p;
}

struct err_problem *problem_copy(const struct err_problem *p)
{
	struct err_problem *q = problem_new(p->status, p->type, "%s", p->detail);
	for (size_t i = 0; i < p->n_subs; i++)
		err_problem_add(q, p->subs[i].identifier, p->subs[i].type, p->subs[i].detail);
	return q;
}
