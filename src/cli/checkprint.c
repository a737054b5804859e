/* checkprint.c: the answers of `perdure check`, as text and as JSON. */
#include <perdure/caa.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "cli/check.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "dns/resolvers.h"
#include "dns/validate.h"
#include "dns/view.h"
#include "inventory/observe.h"

/* ---- JSON ---- */

static const char *or_null(const char *s)
{
	return s && *s ? s : NULL;
}

void check_json_remarks(struct json_out *w, const struct remarks *r)
{
	json_out_array(w, "findings");
	for (size_t i = 0; i < r->n; i++) {
		json_out_object(w, NULL);
		json_out_str(w, "code", remark_kind(r->v[i].code)->id);
		json_out_str(w, "severity", remark_severity_name(r->v[i].severity));
		json_out_str(w, "text", r->v[i].text);
		json_out_str(w, "fix", or_null(r->v[i].fix));
		json_out_str(w, "ca_says", r->v[i].says);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

static void json_servers(struct json_out *w, const struct recordcheck *r)
{
	json_out_array(w, "servers");
	for (size_t i = 0; i < r->view->n; i++) {
		const struct dns_answer *a = &r->view->answers[i];
		json_out_object(w, NULL);
		json_out_str(w, "server", a->server);
		json_out_str(w, "address", a->address);
		json_out_str(w, "result", dns_result_name(a->result));
		json_out_bool(w, "valid", r->servers[i].valid);
		json_out_str(w, "reason", r->servers[i].reason);
		json_out_int(w, "ttl", a->ttl);
		json_out_bool(w, "tcp", a->tcp);
		json_out_int(w, "rtt_ms", a->rtt_ms);
		json_out_str(w, "health", dns_health_name(a->health));
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

static void json_way(struct json_out *w, const struct dns_view *v)
{
	json_out_array(w, "hops");
	for (size_t i = 0; i < v->n_hops; i++) {
		const struct dns_hop *h = &v->hops[i];
		json_out_object(w, NULL);
		json_out_str(w, "owner", h->owner);
		json_out_str(w, "kind", h->kind == DNS_HOP_DNAME ? "DNAME" : "CNAME");
		json_out_str(w, "target", h->target);
		json_out_int(w, "ttl", h->ttl);
		json_out_str(w, "zone", or_null(h->zone));
		json_out_str(w, "wildcard", h->wildcard);
		json_out_end_object(w);
	}
	json_out_end_array(w);
	json_out_str(w, "wildcard_source", v->wildcard);
}

static void json_shares(struct json_out *w, const struct recordcheck *r)
{
	const struct dns_view *v = r->view;
	json_out_array(w, "shares");
	for (size_t i = 0; i < v->n_groups; i++) {
		const struct dns_group *g = &v->groups[i];
		json_out_object(w, NULL);
		json_out_int(w, "addresses", (int64_t)g->addresses);
		json_out_int(w, "percent", (int64_t)((g->addresses * 100 + v->n_answered / 2) / v->n_answered));
		json_out_bool(w, "valid", r->servers[g->first].valid);
		json_out_str(w, "server", v->answers[g->first].server);
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

static void json_caa(struct json_out *w, const struct observation *o)
{
	bool unknown;
	size_t i = observation_relevant_caa(o, &unknown);
	const struct dns_view *v = i < o->n_caa ? o->caa[i]->at.view : NULL;
	const struct dns_answer *a = v ? dns_view_any(v) : NULL;
	json_out_object(w, "caa");
	json_out_str(w, "name", a ? o->caa[i]->name : NULL);
	json_out_bool(w, "known", !unknown);
	json_out_array(w, "records");
	for (size_t k = 0; a && k < a->n_rr; k++) {
		char *text;
		if (perdure_caa_present((const char *)a->rr[k].data, a->rr[k].n, &text) != PERDURE_OK)
			continue;
		json_out_str(w, NULL, text);
		perdure_free(text);
	}
	json_out_end_array(w);
	json_out_end_object(w);
}

static void json_dnssec(struct json_out *w, const struct observation *o)
{
	const struct dns_validated *t = o->txt_trust, *c = o->caa_trust;
	json_out_object(w, "dnssec");
	json_out_str(w, "record", t ? dns_security_name(t->security) : NULL);
	json_out_str(w, "caa", c ? dns_security_name(c->security) : NULL);
	json_out_str(w, "why", t ? or_null(t->why) : NULL);
	json_out_end_object(w);
}

static void json_vantages(struct json_out *w, const struct observation *o, const struct explained *x)
{
	static const char *const names[] = {
		[VANTAGE_VALID] = "accepted", [VANTAGE_REFUSED] = "refused", [VANTAGE_SILENT] = "unknown"};
	json_out_array(w, "vantages");
	for (size_t i = 0; i < x->n_vantages; i++) {
		const struct dns_vantage *d = &o->vantages->v[i];
		json_out_object(w, NULL);
		json_out_str(w, "resolver", d->resolver);
		json_out_str(w, "verdict", names[x->vantages[i].result]);
		json_out_str(w, "reason", d->text[0] ? d->text : x->vantages[i].seen.reason);
		json_out_str(w, "answer", x->vantages[i].seen.answer);
		json_out_int(w, "ttl", d->rrset.ttl);
		json_out_bool(w, "ad", d->ad);
		json_out_end_object(w);
	}
	json_out_end_array(w);
	json_out_str(w, "quorum", x->n_vantages ? x->quorum.text : NULL);
}

static void print_json(
	const struct checkall_item *i, const struct observation *o, const struct explained *x, struct buf *out)
{
	const struct recordcheck *r = x->record;
	struct json_out w = json_out_make(out);
	json_out_object(&w, NULL);
	json_out_str(&w, "name", i->q.q.name);
	json_out_bool(&w, "wildcard", i->q.q.wildcard);
	json_out_str(&w, "ca", i->ca);
	json_out_int(&w, "level", i->q.q.level);
	json_out_str(&w, "dialect", perdure_dialect_name(i->q.q.dialect));
	json_out_str(&w, "owner", r->owner);
	json_out_str(&w, "verdict", recordcheck_result_name(x->verdict));
	json_out_str(&w, "record_verdict", recordcheck_result_name(r->result));
	json_out_str(&w, "text_verdict", recordcheck_result_name(x->text ? x->text->result : r->result));
	json_out_str(&w, "problem", or_null(x->problem));
	json_out_str(&w, "reason", x->reason);
	json_out_str(&w, "fix", or_null(x->fix));
	json_out_bool(&w, "disagree", r->disagree);
	json_out_str(&w, "warning", r->result == RECORDCHECK_GOOD && err_is(&r->e) ? r->e.msg : NULL);
	json_out_str(&w, "hint", or_null(r->e.hint));
	out_json_time(&w, "persist_until", r->has_until ? r->until : 0);
	out_json_time(&w, "renewal", i->q.renewal);
	out_json_time(&w, "looked_at", o->at);
	out_json_time(&w, "stale_until", dns_view_any(r->view) ? dns_view_stale_until(r->view) : 0);
	json_out_str(&w, "account", or_null(x->seen.account));
	json_out_str(&w, "answer", x->seen.answer);
	json_out_str(&w, "zone", r->view->zone);
	json_out_strv(&w, "chain", &r->view->chain);
	json_way(&w, r->view);
	json_servers(&w, r);
	json_shares(&w, r);
	json_caa(&w, o);
	json_dnssec(&w, o);
	json_out_str(&w, "region", i->region);
	json_vantages(&w, o, x);
	check_json_remarks(&w, &x->remarks);
	json_out_end_object(&w);
	buf_putc(out, '\n');
}

/* ---- text ---- */

static void print_server(const struct dns_answer *a, const struct recordcheck_server *s, struct buf *out)
{
	buf_printf(out, "    %-24s %-20s %s%s%s%s\n", a->server, a->address, dns_result_name(a->result),
		a->tcp ? " (TCP)" : "",
		s->reason[0] ? ": "
		: s->valid   ? ": accepted"
			     : "",
		s->reason);
}

/* What has been said as the reason already needs no second line, only its remedy. */
static void print_remark(const struct remark *m, bool said, struct buf *out)
{
	if (!said)
		buf_printf(out, "  %s: %s: %s\n", remark_severity_name(m->severity), remark_kind(m->code)->id, m->text);
	if (m->fix[0])
		buf_printf(out, "  %s: %s\n", strstr(m->fix, " IN ") ? "publish" : "remedy", m->fix);
	if (m->says)
		buf_printf(out, "  the CA's error says: %s\n", m->says);
}

void check_print_remarks(const struct cli *c, const struct remarks *r, const char *reason, struct buf *out)
{
	const struct remark *said = NULL;
	for (size_t i = 0; reason && !said && i < r->n; i++)
		if (!strcmp(reason, r->v[i].text))
			said = &r->v[i];
	if (said)
		print_remark(said, true, out);
	for (int s = REMARK_ERROR; s >= (c->verbose ? REMARK_INFO : REMARK_WARNING); s--)
		for (size_t i = 0; i < r->n; i++)
			if (&r->v[i] != said && (int)r->v[i].severity == s)
				print_remark(&r->v[i], false, out);
}

static bool worth_a_line(const struct explained *x)
{
	const struct remark *worst = remarks_worst(&x->remarks);
	return x->verdict != RECORDCHECK_GOOD || (worst && worst->severity > REMARK_INFO);
}

/* The code of the remark that is the reason. */
static const char *code_of(const struct explained *x)
{
	for (size_t i = 0; i < x->remarks.n; i++)
		if (!strcmp(x->remarks.v[i].text, x->reason))
			return remark_kind(x->remarks.v[i].code)->id;
	return NULL;
}

/* Who mends it now is not believed at once everywhere. */
static void print_stale(const struct checkall_item *i, const struct dns_view *v, struct buf *out)
{
	char until[32];
	int64_t stale = dns_view_stale_until(v);
	if (stale <= i->q.q.now)
		return;
	out_span(stale - i->q.q.now, until, sizeof(until));
	buf_printf(out, "  caches:  may hold the old answer for %s\n", until);
}

static void print_text(const struct cli *c, const struct checkall_item *i, const struct explained *x, struct buf *out)
{
	static const enum out_colour colours[] = {
		[RECORDCHECK_GOOD] = OUT_GOOD, [RECORDCHECK_REFUSED] = OUT_BAD, [RECORDCHECK_UNKNOWN] = OUT_WARN};
	const struct recordcheck *r = x->record;
	if (c->quiet && !worth_a_line(x))
		return;
	buf_printf(out, "%s%s%s %s%s at %s (level %02d): %s", out_colour_on(colours[x->verdict]),
		recordcheck_result_name(x->verdict), out_colour_off(), i->q.q.wildcard ? "*." : "", i->q.q.name, i->ca,
		i->q.q.level, x->reason);
	const char *code = code_of(x);
	buf_printf(out, "%s%s%s\n", code ? " [" : "", code ? code : "", code ? "]" : "");
	check_print_remarks(c, &x->remarks, x->reason, out);
	if (r->result == RECORDCHECK_REFUSED && x->fix[0])
		print_stale(i, r->view, out);
	for (size_t k = 0; k < r->view->n_hops; k++)
		buf_printf(out, "  alias:   %s -> %s%s%s\n", r->view->hops[k].owner, r->view->hops[k].target,
			r->view->hops[k].zone[0] ? ", in the zone " : "", r->view->hops[k].zone);
	for (size_t k = 0; k < r->view->n; k++)
		if (c->verbose || r->disagree || (!r->servers[k].answered && r->view->answers[k].health != DNS_NO_IPV6))
			print_server(&r->view->answers[k], &r->servers[k], out);
	for (size_t k = 0; c->verbose && k < x->n_vantages; k++)
		buf_printf(out, "    %-45s %s\n", x->vantages[k].where, x->vantages[k].seen.reason);
	if (x->n_vantages)
		buf_printf(out, "  points of view: %s\n", x->quorum.text);
}

void check_print(const struct cli *c, const struct checkall_item *i, const struct observation *o,
	const struct explained *x, struct buf *out)
{
	if (c->json)
		print_json(i, o, x, out);
	else
		print_text(c, i, x, out);
}

void check_print_codes(const struct cli *c)
{
	for (int k = 0; k < REMARK_CODE_N_; k++) {
		const struct remark_kind *kind = remark_kind((enum remark_code)k);
		if (!c->json) {
			out_text("%-28s %-8s %s\n", kind->id, remark_severity_name(kind->severity), kind->summary);
			continue;
		}
		struct out_json j;
		out_json_begin(&j);
		json_out_str(&j.w, "code", kind->id);
		json_out_str(&j.w, "severity", remark_severity_name(kind->severity));
		json_out_str(&j.w, "summary", kind->summary);
		out_json_end(&j);
	}
}
