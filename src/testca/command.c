/* command.c: the commands of the control socket. */
#include "testca/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "loop/loop.h"
#include "testca/ca.h"
#include "testca/faults.h"
#include "testca/reqlog.h"
#include "testca/web.h"
#include "json/json.h"

struct command {
	struct ca *ca;
	const struct json *in;
	struct json_out *w; /* an open object */
	struct err *e;
};

/* --- faults, counters, log --- */

static int cmd_fault(struct command *c)
{
	int64_t id;
	if (faults_add(c->ca->faults, c->in, &id, c->e))
		return -1;
	json_out_int(c->w, "id", id);
	return 0;
}

static int cmd_faults(struct command *c)
{
	faults_list(c->ca->faults, c->w, "faults");
	return 0;
}

static int cmd_clear(struct command *c)
{
	int64_t id;
	if (json_opt_int(c->in, "id", 0, &id, c->e))
		return -1;
	if (!faults_clear(c->ca->faults, id) && id)
		return err_set(c->e, ERR_CONFIG, "there is no fault %lld", (long long)id);
	return 0;
}

static int cmd_counters(struct command *c)
{
	const struct ca *ca = c->ca;
	reqlog_counters(ca->log, c->w);
	json_out_int(c->w, "accounts", (int64_t)ca->model.accounts.n);
	json_out_int(c->w, "orders", (int64_t)ca->model.orders.n);
	json_out_int(c->w, "certificates", (int64_t)ca->issued);
	json_out_int(c->w, "validations", (int64_t)ca->validations);
	json_out_int(c->w, "connections", (int64_t)web_connections(ca->web));
	json_out_int(c->w, "connections_open", (int64_t)web_open(ca->web));
	return 0;
}

static int cmd_reset(struct command *c)
{
	reqlog_reset(c->ca->log);
	return 0;
}

static int cmd_log(struct command *c)
{
	int64_t n;
	if (json_opt_int(c->in, "n", 100, &n, c->e))
		return -1;
	reqlog_last(c->ca->log, n > 0 ? (size_t)n : 0, c->w, "log");
	return 0;
}

/* --- accounts --- */

/* By "account" (URL), or the only one there is. */
static int find_account(struct command *c, struct account **ret)
{
	const struct model *m = &c->ca->model;
	const char *url;
	*ret = NULL;
	if (json_opt_str(c->in, "account", &url, c->e))
		return -1;
	for (size_t i = 0; i < m->accounts.n; i++) {
		struct account *a = m->accounts.v[i];
		if (url ? !strcmp(a->url, url) : m->accounts.n == 1)
			*ret = a;
	}
	return *ret ? 0 : err_set(c->e, ERR_CONFIG, "no such account; give its URL as \"account\"");
}

static int cmd_accounts(struct command *c)
{
	const struct model *m = &c->ca->model;
	json_out_array(c->w, "accounts");
	for (size_t i = 0; i < m->accounts.n; i++) {
		const struct account *a = m->accounts.v[i];
		json_out_object(c->w, NULL);
		json_out_str(c->w, "url", a->url);
		json_out_str(c->w, "status", a->gone ? "gone" : status_name(a->status));
		json_out_str(c->w, "thumbprint", a->thumbprint);
		json_out_strv(c->w, "old_thumbprints", &a->old_thumbprints);
		json_out_int(c->w, "orders", (int64_t)a->n_orders);
		json_out_end_object(c->w);
	}
	json_out_end_array(c->w);
	return 0;
}

static int cmd_account(struct command *c)
{
	struct account *a;
	const char *what;
	if (find_account(c, &a) || json_need_str(c->in, "do", &what, c->e))
		return -1;
	if (!strcmp(what, "deactivate"))
		a->status = ST_DEACTIVATED;
	else if (!strcmp(what, "reactivate"))
		a->status = ST_VALID;
	else if (!strcmp(what, "forget"))
		account_forget(&c->ca->model, a);
	else if (!strcmp(what, "forget-old-keys"))
		strv_done(&a->old_thumbprints);
	else
		return err_set(c->e, ERR_CONFIG, "\"do\" is deactivate, reactivate, forget or forget-old-keys");
	return 0;
}

/* --- certificates --- */

static int find_cert(struct command *c, struct cert **ret)
{
	const char *serial;
	if (json_need_str(c->in, "serial", &serial, c->e))
		return -1;
	*ret = map_get(&c->ca->model.by_serial, serial);
	if (!*ret)
		*ret = map_get(&c->ca->model.by_ari, serial);
	return *ret ? 0 : err_set(c->e, ERR_CONFIG, "no certificate has the serial (or the ARI identifier) %s", serial);
}

static int cmd_certificates(struct command *c)
{
	const struct model *m = &c->ca->model;
	int64_t n;
	if (json_opt_int(c->in, "n", 100, &n, c->e))
		return -1;
	size_t last = n > 0 && (size_t)n < m->certs.n ? m->certs.n - (size_t)n : 0;
	json_out_array(c->w, "certificates");
	for (size_t i = last; i < m->certs.n; i++) {
		const struct cert *x = m->certs.v[i];
		json_out_object(c->w, NULL);
		json_out_str(c->w, "serial", x->serial);
		json_out_str(c->w, "ari", x->ari_id);
		json_out_strv(c->w, "names", &x->order->names);
		json_out_int(c->w, "order", (int64_t)x->order->id);
		json_out_int(c->w, "not_before", x->not_before_s);
		json_out_int(c->w, "not_after", x->not_after_s);
		json_out_bool(c->w, "replaced", x->replaced);
		if (x->revoked_s) {
			json_out_int(c->w, "revoked", x->revoked_s);
			json_out_int(c->w, "reason", x->revoked_why);
		}
		json_out_end_object(c->w);
	}
	json_out_end_array(c->w);
	return 0;
}

static int cmd_revoke(struct command *c)
{
	struct cert *x;
	if (find_cert(c, &x) || json_opt_int(c->in, "reason", 0, &x->revoked_why, c->e))
		return -1;
	x->revoked_s = ca_now_s(c->ca);
	return 0;
}

/* {"start","end"[,"explanation_url"]}, or any text as "raw"; neither: the ordinary window again. */
static int cmd_set_ari(struct command *c)
{
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	struct cert *x;
	const char *raw, *start, *end, *why;
	if (find_cert(c, &x) || json_opt_str(c->in, "raw", &raw, c->e) || json_opt_str(c->in, "start", &start, c->e) ||
		json_opt_str(c->in, "end", &end, c->e) || json_opt_str(c->in, "explanation_url", &why, c->e) ||
		json_opt_int(c->in, "retry_after", x->ari_retry_s, &x->ari_retry_s, c->e))
		return -1;
	free(x->ari);
	x->ari = NULL;
	if (raw)
		buf_puts(&text, raw);
	if (!raw && start && end) {
		struct json_out w = json_out_make(&text);
		json_out_object(&w, NULL);
		json_out_object(&w, "suggestedWindow");
		json_out_str(&w, "start", start);
		json_out_str(&w, "end", end);
		json_out_end_object(&w);
		if (why)
			json_out_str(&w, "explanationURL", why);
		json_out_end_object(&w);
	}
	if (text.n)
		x->ari = buf_take(&text);
	return 0;
}

/* --- orders, time, settings --- */

static int cmd_orders(struct command *c)
{
	const struct model *m = &c->ca->model;
	int64_t n;
	if (json_opt_int(c->in, "n", 100, &n, c->e))
		return -1;
	size_t last = n > 0 && (size_t)n < m->orders.n ? m->orders.n - (size_t)n : 0;
	json_out_array(c->w, "orders");
	for (size_t i = last; i < m->orders.n; i++) {
		struct order *o = m->orders.v[i];
		json_out_object(c->w, NULL);
		json_out_int(c->w, "id", (int64_t)o->id);
		json_out_str(c->w, "status", status_name(order_status(o, ca_now_ms(c->ca), false)));
		json_out_bool(c->w, "finalized", o->finalized);
		json_out_strv(c->w, "names", &o->names);
		json_out_str(c->w, "replaces", o->replaces);
		json_out_str(c->w, "serial", o->cert ? o->cert->serial : NULL);
		json_out_end_object(c->w);
	}
	json_out_end_array(c->w);
	return 0;
}

static int cmd_clock(struct command *c)
{
	int64_t ms;
	if (json_opt_int(c->in, "forward_ms", 0, &ms, c->e))
		return -1;
	c->ca->offset_ms += ms;
	json_out_int(c->w, "now_ms", ca_now_ms(c->ca));
	return 0;
}

static int cmd_set(struct command *c)
{
	struct options *o = c->ca->o;
	struct err *e = c->e;
	bool always = o->always_valid;
	if (json_opt_bool(c->in, "always_valid", o->always_valid, &always, e) ||
		json_opt_bool(c->in, "jit", o->jit, &o->jit, e) || json_opt_bool(c->in, "caa", o->caa, &o->caa, e) ||
		json_opt_int(c->in, "authz_delay", o->authz_delay_ms, &o->authz_delay_ms, e) ||
		json_opt_int(c->in, "order_delay", o->order_delay_ms, &o->order_delay_ms, e) ||
		json_opt_int(c->in, "lifetime", o->lifetime_s, &o->lifetime_s, e) ||
		json_opt_int(c->in, "retry_after", o->retry_after_s, &o->retry_after_s, e))
		return -1;
	if (!always && !c->ca->resolver)
		return err_set(e, ERR_CONFIG, "without --dns every validation must pass");
	o->always_valid = always;
	return 0;
}

static int cmd_stop(struct command *c)
{
	loop_stop(c->ca->loop);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(struct command *c);
} commands[] = {
	{"fault", cmd_fault},
	{"faults", cmd_faults},
	{"clear", cmd_clear},
	{"counters", cmd_counters},
	{"reset", cmd_reset},
	{"log", cmd_log},
	{"accounts", cmd_accounts},
	{"account", cmd_account},
	{"orders", cmd_orders},
	{"certificates", cmd_certificates},
	{"revoke", cmd_revoke},
	{"set-ari", cmd_set_ari},
	{"clock", cmd_clock},
	{"set", cmd_set},
	{"stop", cmd_stop},
};

static int run(struct ca *ca, const struct json *in, struct json_out *w, struct err *e)
{
	struct command c = {ca, in, w, e};
	const char *name;
	if (json_need_str(in, "cmd", &name, e))
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].fn(&c);
	return err_set(e, ERR_CONFIG, "\"%s\" is no command", name);
}

void command_run(struct ca *ca, const char *text, size_t n, struct buf *answer)
{
	AUTO(json_freep) struct json *in = NULL;
	AUTO(buf_done) struct buf result = buf_make(answer->max);
	struct json_out w = json_out_make(&result);
	struct err e = {0};
	json_out_object(&w, NULL);
	bool ok = !json_parse(text, n, "the command", &in, &e) && !run(ca, in, &w, &e);
	if (!ok) {
		buf_clear(&result);
		w = json_out_make(&result);
		json_out_object(&w, NULL);
		json_out_str(&w, "error", e.msg);
	}
	json_out_bool(&w, "ok", ok);
	json_out_end_object(&w);
	buf_put(answer, buf_str(&result), result.n);
	err_done(&e);
}
