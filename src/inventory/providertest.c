/* providertest.c: a provider tried from end to end. */
#include "inventory/providertest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/random.h"
#include "base/xalloc.h"
#include "config/config.h"
#include "dns/name.h"
#include "dns/view.h"
#include "inventory/site.h"
#include "loop/loop.h"
#include "provider/provider.h"
#include "provider/rdata.h"

enum { LOOK_AGAIN_MS = 1000, LOST_MAX = 8, SCRATCH_TTL = 60, NONCE_OCTETS = 10 };

struct trial {
	struct site *site;
	const struct config_provider *conf;
	const struct provider_test_options *o;
	struct provider *p;
	struct provider_op *op;
	struct dns_query *query;
	struct loop_timer *timer;
	struct provider_zone zone;
	char *owner;
	struct strv value; /* the one that is written */
	struct provider_rrset held;
	bool maybe_there; /* a write was begun and its removal has not been seen */
	bool removing;
	bool syncing;
	bool stopped;
	unsigned lost;
	int64_t deadline; /* monotonic ms */
	struct err *e; /* the first failure */
};

static void read_set(struct trial *t);
static void look(void *ctx);

/* --- steps --- */

static void good(const struct trial *t, const char *step, const char *detail)
{
	t->o->step(step, true, detail, t->o->ctx);
}

static void bad(struct trial *t, const char *step, const struct err *e)
{
	t->o->step(step, false, e->msg, t->o->ctx);
	if (!err_is(t->e))
		err_copy(t->e, e);
}

static void end(struct trial *t)
{
	loop_stop(t->site->loop);
}

/* What may have been written goes first. */
static void clean_up(struct trial *t)
{
	t->removing = true;
	t->lost = 0;
	if (t->maybe_there)
		read_set(t);
	else
		end(t);
}

/* --- visible --- */

static size_t count_seen(const struct trial *t, const struct dns_view *v, size_t *ret_of)
{
	size_t seen = 0;
	*ret_of = 0;
	for (size_t i = 0; i < v->n; i++) {
		const struct dns_answer *a = &v->answers[i];
		bool here = false;
		*ret_of += a->result != DNS_TIMEOUT;
		for (size_t k = 0; k < a->n_txt && !here; k++) {
			AUTO(xfreep) char *data = rdata_from_txt(&a->txt[k]);
			here = rdata_same(PROVIDER_TXT, data, t->value.v[0]);
		}
		seen += here;
	}
	return seen;
}

static void look_again(struct trial *t, const struct err *why)
{
	if (clk_mono(t->site->clk) < t->deadline && !t->stopped) {
		loop_timer_start(t->timer, LOOK_AGAIN_MS);
		return;
	}
	bad(t, "visible", why);
	clean_up(t);
}

static void on_view(struct dns_view *v, const struct err *e, void *ctx)
{
	struct trial *t = ctx;
	struct err why = {0};
	size_t of, seen = count_seen(t, v, &of);
	char text[100];
	t->query = NULL;
	if (err_is(e)) {
		err_copy(&why, e);
	} else if (!seen || seen < of) {
		err_set(&why, ERR_DNS, "%s: %zu of %zu authoritative servers have it after %lld s", t->owner, seen, of,
			(long long)(t->o->wait_ms / 1000));
		err_hint(&why, "does the zone %s at the provider serve the public name servers of the domain?",
			t->zone.name);
	}
	dns_view_free(v);
	if (err_is(&why)) {
		look_again(t, &why);
		err_done(&why);
		return;
	}
	snprintf(text, sizeof(text), "%zu of %zu authoritative servers have it", seen, of);
	good(t, "visible", text);
	clean_up(t);
}

static void look(void *ctx)
{
	struct trial *t = ctx;
	if (t->site->config->dns.mode == CONFIG_DNS_NONE) {
		good(t, "visible", "not looked: dns.mode is none");
		clean_up(t);
		return;
	}
	t->query = dns_view_txt(t->site->dns, t->owner, on_view, t);
}

static void on_sync(const struct err *e, void *ctx)
{
	struct trial *t = ctx;
	t->op = NULL;
	t->syncing = false;
	if (err_is(e))
		bad(t, "sync", e);
	else
		good(t, "sync", "the provider's servers have it");
	if (err_is(e) || t->stopped)
		clean_up(t);
	else
		look(t);
}

/* --- write, remove --- */

static void written(struct trial *t, const struct provider_result *r)
{
	good(t, "write", r->note ? r->note : t->owner);
	t->deadline = clk_mono(t->site->clk) + t->o->wait_ms;
	if (t->stopped)
		clean_up(t);
	else if (!r->ticket)
		look(t);
	else
		t->op = provider_sync(t->p, &t->zone, r->ticket, on_sync, t);
	t->syncing = t->op != NULL;
}

static void on_change(const struct provider_result *r, size_t n, const struct err *e, void *ctx)
{
	struct trial *t = ctx;
	(void)n;
	t->op = NULL;
	if (r->outcome == PROVIDER_LOST && ++t->lost < LOST_MAX) {
		read_set(t);
		return;
	}
	struct err why = {0};
	err_copy(&why, e);
	if (r->outcome == PROVIDER_LOST)
		err_set(&why, ERR_BUSY, "%s is being changed by others all the time", t->owner);
	if (!err_is(&why) && !t->removing) {
		written(t, r);
	} else if (!err_is(&why)) {
		t->maybe_there = false;
		good(t, "remove", t->owner);
		end(t);
	} else {
		bad(t, t->removing ? "remove" : "write", &why);
		if (t->removing) {
			err_hint(t->e, "remove the TXT record %s at %s by hand", t->value.v[0], t->owner);
			end(t);
		} else {
			clean_up(t);
		}
	}
	err_done(&why);
}

static void change(struct trial *t)
{
	static const struct strv none;
	int64_t wanted = provider_ttl(provider_caps(t->p), SCRATCH_TTL);
	struct provider_change c = {
		.name = t->owner,
		.type = PROVIDER_TXT,
		.ttl = t->held.n ? t->held.ttl : wanted,
		.add = t->removing ? &none : &t->value,
		.del = t->removing ? &t->value : &none,
		.expect = &t->held,
		.mark = "perdure provider test",
	};
	t->maybe_there = true;
	t->op = provider_change(t->p, &t->zone, &c, 1, on_change, t);
}

static void on_read(const struct provider_rrset *s, const struct err *e, void *ctx)
{
	struct trial *t = ctx;
	t->op = NULL;
	provider_rrset_done(&t->held);
	if (!s) {
		bad(t, t->removing ? "remove" : "read", e);
		end(t);
		return;
	}
	provider_rrset_copy(&t->held, s);
	if (!t->removing && t->stopped) {
		end(t);
	} else if (t->removing && !provider_rrset_find(s, t->value.v[0])) {
		t->maybe_there = false;
		good(t, "remove",
			provider_caps(t->p)->rolls ? "it stays until two others are written" : "nothing was left");
		end(t);
	} else {
		if (!t->removing && !t->lost)
			good(t, "read", s->n ? "other values are there, and stay" : "nothing is there");
		change(t);
	}
}

static void read_set(struct trial *t)
{
	t->op = provider_read(t->p, &t->zone, t->owner, PROVIDER_TXT, on_read, t);
}

static void on_zone(const struct provider_zone *z, const struct err *e, void *ctx)
{
	struct trial *t = ctx;
	t->op = NULL;
	if (!z) {
		bad(t, "zone", e);
		end(t);
		return;
	}
	provider_zone_copy(&t->zone, z);
	good(t, "zone", z->name);
	read_set(t);
}

/* --- begin, end --- */

static void stop_looking(struct trial *t)
{
	if (t->query)
		dns_view_cancel(t->query);
	t->query = NULL;
}

static void on_stop(int signo, void *ctx)
{
	struct trial *t = ctx;
	(void)signo;
	if (t->stopped)
		return;
	t->stopped = true;
	if (!err_is(t->e))
		err_set(t->e, ERR_CANCEL, "provider %s: stopped", t->conf->name);
	/* A write that is under way ends first: what it did is then known. */
	if (t->op && t->maybe_there && !t->syncing)
		return;
	provider_cancel(t->op);
	t->op = NULL;
	stop_looking(t);
	loop_timer_stop(t->timer);
	clean_up(t);
}

static int pick_owner(struct trial *t, struct err *e)
{
	uint8_t nonce[NONCE_OCTETS];
	AUTO(buf_done) struct buf hex = buf_make(2 * NONCE_OCTETS);
	const char *zone = t->o->zone ? t->o->zone : t->conf->zones.n ? t->conf->zones.v[0] : NULL;
	random_octets(nonce, sizeof(nonce));
	codec_hex(&hex, nonce, sizeof(nonce));
	/* As long as a value of dns-01, and of its letters: acme-dns takes no other. */
	AUTO(xfreep) char *text = xasprintf("perdure-provider-test--%s", buf_str(&hex));
	strv_add_take(&t->value, rdata_from_text(text, strlen(text)));
	if (!t->o->name && !zone) {
		err_set(e, ERR_USAGE, "in which zone? The configuration lists none for provider %s", t->conf->name);
		err_hint(e, "give --zone ZONE: one that the provider holds");
		return -1;
	}
	t->owner = t->o->name ? xstrdup(t->o->name) : xasprintf("_perdure-test-%s.%s", buf_str(&hex), zone);
	name_lower(t->owner);
	size_t n = strlen(t->owner);
	if (n && t->owner[n - 1] == '.')
		t->owner[n - 1] = '\0';
	return 0;
}

static void trial_done(struct trial *t)
{
	stop_looking(t);
	provider_free(t->p);
	loop_timer_free(t->timer);
	provider_zone_done(&t->zone);
	provider_rrset_done(&t->held);
	strv_done(&t->value);
	free(t->owner);
}

int provider_test(
	struct site *s, const struct config_provider *conf, const struct provider_test_options *o, struct err *e)
{
	AUTO(trial_done) struct trial t = {.site = s, .conf = conf, .o = o, .e = e};
	struct err why = {0};
	if (pick_owner(&t, e) || site_dns(s, e))
		return -1;
	if (provider_open(s->loop, conf, &t.p, &why)) {
		bad(&t, "credentials", &why);
		err_done(&why);
		return -1;
	}
	good(&t, "credentials", "read");
	t.timer = loop_timer_new(s->loop, look, &t);
	loop_on_stop_signal(s->loop, on_stop, &t);
	t.op = provider_find_zone(t.p, t.owner, on_zone, &t);
	if (loop_run(s->loop, &why)) {
		bad(&t, "remove", &why);
		err_done(&why);
	}
	return err_is(e) ? -1 : 0;
}
