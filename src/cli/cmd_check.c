/* cmd_check.c: perdure check: what the authoritative servers publish, and what a CA would say to it. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/xalloc.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/pick.h"
#include "cli/verbs.h"
#include "dns/view.h"
#include "inventory/cafacts.h"
#include "inventory/checkall.h"

/* The questions of one run and what they borrow from. */
struct questions {
	struct cafacts *facts; /* one for each CA */
	size_t n_facts;
	struct checkall_item *items;
	size_t n, cap;
};

struct printing {
	const struct cli *c;
	size_t refused, unknown, accepted, total;
};

static void questions_done(struct questions *q)
{
	for (size_t i = 0; i < q->n_facts; i++)
		cafacts_done(&q->facts[i]);
	free(q->facts);
	free(q->items);
}

/* beside is the list that the name comes from: base name and wildcard share one record. */
static void add(struct questions *q, const struct site *s, const struct site_ca *ca, const struct cafacts *f,
	const char *name, const struct strv *beside)
{
	bool wildcard = !strncmp(name, "*.", 2);
	AUTO(xfreep) char *wild = xasprintf("*.%s", name);
	if (q->n == q->cap) {
		q->cap = q->cap ? q->cap * 2 : 64;
		q->items = xreallocarray(q->items, q->cap, sizeof(*q->items));
	}
	q->items[q->n++] = (struct checkall_item){
		.ca = ca->conf->name,
		.q =
			{
				.name = wildcard ? name + 2 : name,
				.wildcard = wildcard,
				.publish_wildcard = strv_has(beside, wild),
				.level = f->levels[f->n_levels - 1],
				.issuers = &f->issuers,
				.account_url = ca->account.url,
				.thumbprints = &ca->account.thumbprints,
				.prefix = f->prefix,
				.ttl = (uint32_t)s->config->record_ttl,
				.now = clk_wall(s->clk) / 1000,
			},
	};
}

static int add_ca(struct questions *q, const struct cli *c, struct site *s, struct site_ca *ca,
	const struct strv *names, struct err *e)
{
	struct cafacts *f = &q->facts[q->n_facts];
	if (!ca->account.url[0]) {
		err_set(e, ERR_CONFIG, "the account at CA \"%s\" is not known: no record can be judged for it",
			ca->conf->name);
		err_hint(e, "run \"perdure account register --ca %s\", or set account: {url, thumbprints} for it",
			ca->conf->name);
		return -1;
	}
	if (pick_cafacts(s, ca, cli_flag(c, "offline"), f, e))
		return -1;
	q->n_facts++;
	for (size_t i = 0; i < names->n; i++)
		add(q, s, ca, f, names->v[i], names);
	for (size_t i = 0; !names->n && i < s->config->n_certs; i++) {
		const struct config_cert *cert = &s->config->certs[i];
		for (size_t j = 0; strv_has(&cert->cas, ca->conf->name) && j < cert->names.n; j++)
			add(q, s, ca, f, cert->names.v[j], &cert->names);
	}
	return 0;
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
		json_out_end_object(w);
	}
	json_out_end_array(w);
}

static void print_json(const struct checkall_item *i)
{
	const struct recordcheck *r = i->result;
	struct out_json j;
	out_json_begin(&j);
	json_out_str(&j.w, "name", i->q.name);
	json_out_bool(&j.w, "wildcard", i->q.wildcard);
	json_out_str(&j.w, "ca", i->ca);
	json_out_int(&j.w, "level", i->q.level);
	json_out_str(&j.w, "owner", r->owner);
	json_out_str(&j.w, "verdict", recordcheck_result_name(r->result));
	json_out_str(&j.w, "problem", r->problem[0] ? r->problem : NULL);
	json_out_str(&j.w, "reason", r->reason);
	json_out_str(&j.w, "fix", r->fix[0] ? r->fix : NULL);
	json_out_bool(&j.w, "disagree", r->disagree);
	json_out_str(&j.w, "warning", r->result == RECORDCHECK_GOOD && err_is(&r->e) ? r->e.msg : NULL);
	json_out_str(&j.w, "hint", r->e.hint[0] ? r->e.hint : NULL);
	out_json_time(&j.w, "persist_until", r->has_until ? r->until : 0);
	json_out_str(&j.w, "zone", r->view->zone);
	json_out_strv(&j.w, "chain", &r->view->chain);
	json_servers(&j.w, r);
	out_json_end(&j);
}

static void print_server(const struct dns_answer *a, const struct recordcheck_server *s)
{
	out_text("    %-24s %-20s %s%s%s%s\n", a->server, a->address, dns_result_name(a->result),
		a->tcp ? " (TCP)" : "",
		s->reason[0] ? ": "
		: s->valid   ? ": accepted"
			     : "",
		s->reason);
}

static void print_text(const struct cli *c, const struct checkall_item *i)
{
	static const enum out_colour colours[] = {
		[RECORDCHECK_GOOD] = OUT_GOOD, [RECORDCHECK_REFUSED] = OUT_BAD, [RECORDCHECK_UNKNOWN] = OUT_WARN};
	const struct recordcheck *r = i->result;
	if (c->quiet && r->result == RECORDCHECK_GOOD && !r->disagree)
		return;
	out_text("%s%s%s %s%s at %s (level %02d): %s\n", out_colour_on(colours[r->result]),
		recordcheck_result_name(r->result), out_colour_off(), i->q.wildcard ? "*." : "", i->q.name, i->ca,
		i->q.level, r->reason);
	if (r->result == RECORDCHECK_GOOD && err_is(&r->e))
		out_text("  warning: %s\n", r->e.msg);
	if (r->fix[0])
		out_text("  publish: %s\n", r->fix);
	if (r->e.hint[0] && (r->disagree || !r->fix[0]))
		out_text("  hint:    %s\n", r->e.hint);
	for (size_t k = 0; k < r->view->chain.n; k++)
		out_text("  alias:   %s\n", r->view->chain.v[k]);
	for (size_t k = 0; k < r->view->n; k++)
		if (c->verbose || r->disagree || !r->servers[k].answered)
			print_server(&r->view->answers[k], &r->servers[k]);
}

static void told(const struct checkall_item *i, void *ctx)
{
	struct printing *p = ctx;
	size_t *const of[] = {[RECORDCHECK_GOOD] = &p->accepted,
		[RECORDCHECK_REFUSED] = &p->refused,
		[RECORDCHECK_UNKNOWN] = &p->unknown};
	++*of[i->result->result];
	if (p->c->json)
		print_json(i);
	else
		print_text(p->c, i);
	out_progress("%zu of %zu checked", p->accepted + p->refused + p->unknown, p->total);
}

static int run(struct cli *c, struct err *e)
{
	AUTO(site_close) struct site s = {.lock = {.fd = -1}};
	AUTO(strv_done) struct strv names = {0};
	AUTO(questions_done) struct questions q = {0};
	struct site_ca *only = NULL;
	if (cli_flag(c, "all") == (c->args.n > 0)) {
		err_set(e, ERR_USAGE, "either names or --all is needed");
		err_hint(e, "perdure check example.com '*.example.com'");
		return -1;
	}
	if (pick_names(&c->args, &names, e) || pick_site(c, SITE_STATE_READ, &s, e) ||
		(cli_value(c, "ca") && pick_one_ca(c, &s, &only, e)))
		return -1;
	if (!s.config->n_cas)
		return err_set(e, ERR_CONFIG, "no CA is configured in %s", s.config->path);
	q.facts = xcalloc(s.config->n_cas, sizeof(*q.facts));
	for (size_t i = 0; i < s.config->n_cas; i++)
		if ((!only || only == &s.cas[i]) && add_ca(&q, c, &s, &s.cas[i], &names, e))
			return -1;
	struct printing p = {.c = c, .total = q.n};
	if (site_dns(&s, e) || checkall_run(&s, q.items, q.n, told, &p, e))
		return -1;
	if (!c->json && !c->quiet && p.total > 1)
		out_text("%zu checked: %zu accepted, %zu refused, %zu unknown\n", p.total, p.accepted, p.refused,
			p.unknown);
	return p.refused ? EXIT_REFUSED : p.unknown ? EXIT_LATER : EXIT_DONE;
}

static const struct cli_option options[] = {
	{"all", 0, NULL, false, "all names of all configured certificates"},
	{"ca", 0, "NAME", false, "for this CA only"},
	{"offline", 0, NULL, false, "do not ask the CAs for their directory; the DNS is asked all the same"},
	{NULL, 0, NULL, false, NULL},
};

const struct cli_verb verb_check = {
	.name = "check",
	.args = "NAME…|--all",
	.min_args = 0,
	.max_args = -1,
	.summary = "ask the authoritative servers, and say whether each CA would accept",
	.about = "Every server of the zone is asked. A name is accepted when most servers that answer publish a record "
		 "that the CA accepts. Exit\n"
		 "status 5 when a record would be refused, 75 when no server could be reached.",
	.options = options,
	.examples = "  perdure check example.com '*.example.com'\n  perdure check --all --json",
	.run = run,
};
