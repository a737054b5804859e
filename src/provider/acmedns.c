/*
 * acmedns.c: an acme-dns server (joohoi/acme-dns). Each account may write one name, which has the two values that were
 * written last. They can be neither read nor deleted; a third one takes the place of the older. So what is to be there
 * is written as a whole: the values that stay first, which makes them the younger ones, then the new one.
 */
#include "provider/acmedns.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "provider/acmeaccounts.h"
#include "provider/drivers.h"
#include "provider/rdata.h"
#include "provider/restdriver.h"
#include "json/json.h"

enum {
	VALUE_OCTETS = 43, /* of a SHA-256 in base64url: the server takes nothing else */
	UNAUTHORIZED = 401,
};

struct acmedns {
	struct rest_driver d; /* first */
	struct acmeaccounts accounts;
};

struct rest *acmedns_rest(struct provider *p)
{
	return ((struct acmedns *)p)->d.rest;
}

/* --- zone, read --- */

static void find_zone(struct provider *p, struct provider_op *op)
{
	const char *zone = op->name;
	while (zone && !strv_has(&p->conf->zones, zone))
		zone = name_parent(zone);
	provider_op_zone(op, zone, NULL);
}

/* The account that may write the name, or NULL. What was registered meanwhile counts. */
static const struct acmeaccount *account_at(struct provider *p, const char *name, struct err *e)
{
	struct acmedns *d = (struct acmedns *)p;
	if (acmeaccounts_read(&d->accounts, p->conf, e))
		return NULL;
	const struct acmeaccount *a = acmeaccounts_at(&d->accounts, name);
	if (a)
		return a;
	provider_err(e, p, PROVIDER_NO_ZONE, "%s has no account whose fulldomain is %s", d->accounts.path, name);
	err_hint(e, "perdure provider register %s, or add the account to the file", p->conf->name);
	return NULL;
}

/* Nobody can be asked. */
static void read_rrset(struct provider *p, struct provider_op *op)
{
	struct provider_rrset none;
	struct err e = {0};
	if (!account_at(p, op->name, &e)) {
		provider_op_fail(op, &e);
		return;
	}
	provider_rrset_init(&none, op->name, op->type);
	provider_op_rrset(op, &none);
}

/* --- change --- */

static void on_updated(const struct rest_reply *r, const struct err *e, void *ctx)
{
	struct rest_work *w = ctx;
	struct err own = {0};
	const char *echo = r ? json_str(json_get(r->json, "txt")) : NULL;
	const char *sent = w->names.v[w->step - 1];
	if (err_is(e)) {
		err_copy(&own, e);
		if (r && r->status == UNAUTHORIZED) {
			own.hint[0] = '\0';
			err_hint(&own,
				"the account in accounts_file is not this server's, or its allowfrom excludes this "
				"host");
		}
		provider_op_fail(w->op, &own);
	} else if (!echo || strcmp(echo, sent) != 0) {
		provider_err(&own, &w->d->p, PROVIDER_IGNORED, "%s: the answer does not say what it has now", w->what);
		err_hint(&own, "is url that of an acme-dns server?");
		provider_op_fail(w->op, &own);
	} else if (!rest_work_next(w, on_updated)) {
		rest_work_changed(w, NULL);
	}
}

static bool is_taken(const struct buf *text)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	return text->n == VALUE_OCTETS && strspn(buf_str(text), letters) == VALUE_OCTETS;
}

static int add_step(struct rest_work *w, const struct acmeaccount *a, const char *data, struct err *e)
{
	AUTO(buf_done)
	struct buf text = buf_make(RDATA_MAX), body = buf_make(REST_BODY_MAX), path = buf_make(REST_PATH_MAX);
	AUTO(xfreep) char *user = xasprintf("X-Api-User: %s", a->username);
	AUTO(xfreep) char *key = xasprintf("X-Api-Key: %s", a->password);
	struct json_out j = json_out_make(&body);
	rdata_text(data, &text);
	if (!is_taken(&text)) {
		provider_err(e, &w->d->p, PROVIDER_SIZE, "%s: it takes values of dns-01 only, 43 letters and digits",
			w->what);
		err_hint(e, "use another provider for other records");
		return -1;
	}
	json_out_object(&j, NULL);
	json_out_str(&j, "subdomain", a->subdomain);
	json_out_str(&j, "txt", buf_str(&text));
	json_out_end_object(&j);
	buf_puts(&path, "/update");
	rest_work_step(w, HTTP_POST, &path, &body);
	rest_work_step_header(w, user);
	rest_work_step_header(w, key);
	strv_add(&w->names, buf_str(&text));
	return 0;
}

static void change(struct provider *p, struct provider_op *op)
{
	struct rest_work *w = rest_work_new(p, op, "change %.200s", op->changes[0].name);
	const struct provider_change *c = &op->changes[0];
	struct err e = {0};
	const struct acmeaccount *a = account_at(p, c->name, &e);
	for (size_t i = 0; a && i < c->add->n && !err_is(&e); i++)
		add_step(w, a, c->add->v[i], &e);
	if (err_is(&e)) {
		provider_op_fail(op, &e);
		return;
	}
	struct secret password = {.p = (uint8_t *)a->password, .n = strlen(a->password)};
	rest_mask(w->d->rest, a->subdomain, &password);
	if (!rest_work_next(w, on_updated))
		rest_work_changed(w, NULL);
}

/* --- open, close --- */

static void free_driver(struct provider *p)
{
	struct acmedns *d = (struct acmedns *)p;
	acmeaccounts_done(&d->accounts);
	rest_driver_free(p);
}

static void policy(const struct config_provider *conf, const struct strv *owners, struct buf *out)
{
	(void)owners;
	buf_printf(out,
		"An account of acme-dns may write the values of its own name, and nothing else. What must be kept from "
		"others is\n%s: mode 0600. \"allowfrom\" of an account limits the addresses that may write.\n",
		config_provider_str(conf, "accounts_file"));
}

static const struct provider_caps caps = {
	.write = PROVIDER_RRSET,
	.alone = true,
	.txt = PROVIDER_TXT_RAW,
	.batch = 1,
	.values_max = ACMEDNS_KEPT,
	.value_max = VALUE_OCTETS,
	.ttl_min = 1,
	.ttl_max = 1,
	.rolls = true,
};

/* To write a value again makes it the youngest, which it should be. */
static const struct rest_kind kind = {.caps = &caps, .repeatable = true};

static int open_driver(struct loop *l, const struct config_provider *conf, struct provider **ret, struct err *e)
{
	struct acmedns *d = xcalloc(1, sizeof(*d));
	AUTO(xfreep) char *base = xstrdup(config_provider_str(conf, "url"));
	for (size_t n = strlen(base); n && base[n - 1] == '/'; n--)
		base[n - 1] = '\0';
	struct rest_options o = {.base = base,
		.ca_bundle = config_provider_str(conf, "ca_bundle"),
		.plain = config_provider_int(conf, "plain_http", 0) != 0};
	provider_init(&d->d.p, &driver_acmedns, l, conf);
	d->d.p.caps = caps;
	d->d.kind = &kind;
	if (acmeaccounts_read(&d->accounts, conf, e) || rest_new(&d->d.p, &o, &d->d.rest, e)) {
		free_driver(&d->d.p);
		return -1;
	}
	*ret = &d->d.p;
	return 0;
}

const struct provider_driver driver_acmedns = {
	.type = "acme-dns",
	.title = "acme-dns: accounts with one name each, for delegated dns-01 only",
	.open = open_driver,
	.kind = &kind,
	.free = free_driver,
	.find_zone = find_zone,
	.read = read_rrset,
	.change = change,
	.drop = rest_work_drop,
	.policy = policy,
};
