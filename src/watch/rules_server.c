/* rules_server.c: rules about name servers and signatures, PD601 to PD608. */
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "watch/rules_priv.h"

static const char *text_or(const char *s, const char *otherwise)
{
	return s && *s ? s : otherwise;
}

static const char *zone_of(const struct facts *f)
{
	return text_or(f->zone, f->fqdn);
}

void rule_bogus(struct rules_run *r)
{
	if (r->f->dnssec == FACTS_BOGUS)
		found(r, (struct about){0}, "%s", text_or(r->f->dnssec_text, "validation fails"));
}

void rule_unsigned(struct rules_run *r)
{
	if (r->f->dnssec == FACTS_INSECURE)
		found(r, (struct about){0}, "no chain of trust leads to %s", zone_of(r->f));
}

void rule_disagree(struct rules_run *r)
{
	if (r->f->n_sets < 2)
		return;
	AUTO(buf_done) struct buf b = buf_make(BUF_MAX_SMALL_FILE);
	for (size_t i = 0; i < r->f->n_sets; i++) {
		const struct facts_set *s = &r->f->sets[i];
		buf_printf(&b, "%s%zu %s serve%s %zu record%s (%s)", i ? "; " : "", s->n_servers,
			s->n_servers == 1 ? "address" : "addresses", s->n_servers == 1 ? "s" : "", s->n,
			s->n == 1 ? "" : "s", text_or(s->server, "?"));
	}
	found(r, (struct about){0}, "%s", buf_str(&b));
}

static void tell_servers(struct rules_run *r, enum facts_answer answer)
{
	for (size_t i = 0; i < r->f->n_servers; i++) {
		const struct facts_server *s = &r->f->servers[i];
		if (s->answer == answer)
			found(r, (struct about){.server = s->server}, "%s: %s", s->server,
				text_or(s->text, "no answer"));
	}
}

void rule_lame(struct rules_run *r)
{
	tell_servers(r, FACTS_LAME);
}

void rule_silent(struct rules_run *r)
{
	tell_servers(r, FACTS_SILENT);
}

void rule_not_observed(struct rules_run *r)
{
	/* A zone alone does not show what lies outside of it: that is no failure. */
	if (r->f->failure && !r->f->from_zone && r->f->alias.end != FACTS_END_LOOP)
		found(r, (struct about){0}, "%s", r->f->failure);
}

/* Tells the names of the one list that the other lacks. */
static void missing(struct buf *b, const char *word, const struct strv *from, const struct strv *in)
{
	for (size_t i = 0; i < from->n; i++)
		if (!strv_has(in, from->v[i]))
			buf_printf(b, "%s%s %s", b->n ? ", " : "", word, from->v[i]);
}

static void compare(
	struct rules_run *r, const struct strv *a, const char *only_a, const struct strv *b, const char *only_b)
{
	if (!a || !b || strv_same_set(a, b))
		return;
	AUTO(buf_done) struct buf text = buf_make(BUF_MAX_SMALL_FILE);
	missing(&text, only_a, a, b);
	missing(&text, only_b, b, a);
	found(r, (struct about){.owner = zone_of(r->f), .key = buf_str(&text)}, "%s", buf_str(&text));
}

void rule_ns_drift(struct rules_run *r)
{
	compare(r, r->f->ns, "new", r->f->ns_before, "gone");
}

void rule_ns_parent(struct rules_run *r)
{
	compare(r, r->f->ns, "only in the zone", r->f->parent_ns, "only at the parent");
}
