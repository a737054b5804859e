/* plan.c: the difference between the records that should stand and those that do. */
#include "inventory/plan.h"

#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/xalloc.h"
#include "inventory/ours.h"
#include "inventory/written.h"
#include "provider/rdata.h"

const char *plan_action_name(enum plan_action a)
{
	static const char *const names[PLAN_ACTION_N_] = {"add", "change", "remove", "keep", "unknown", "blocked"};
	return names[a];
}

void plan_item_done(struct plan_item *it)
{
	free(it->data);
	free(it->old);
	free(it->ca);
	free(it->reason);
}

void plan_rrset_done(struct plan_rrset *r)
{
	for (size_t i = 0; i < r->n; i++)
		plan_item_done(&r->items[i]);
	free(r->items);
	free(r->owner);
	free(r->fqdn);
	free(r->zone);
	free(r->provider);
	free(r->servers);
	free(r->blocked);
	strv_done(&r->standing);
	*r = (struct plan_rrset){0};
}

void plan_done(struct plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		plan_rrset_done(&p->v[i]);
	free(p->v);
	*p = (struct plan){0};
}

struct plan_rrset *plan_add(struct plan *p, enum provider_type type, const char *owner, const char *fqdn, int64_t ttl)
{
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 64;
		p->v = xreallocarray(p->v, p->cap, sizeof(*p->v));
	}
	struct plan_rrset *r = &p->v[p->n++];
	*r = (struct plan_rrset){.type = type,
		.owner = xstrdup(owner),
		.fqdn = xstrdup(fqdn),
		.zone = xstrdup(""),
		.provider = xstrdup(""),
		.ttl = ttl};
	return r;
}

void plan_item_add(
	struct plan_rrset *r, enum plan_action a, const char *data, const char *old, const char *ca, const char *reason)
{
	r->items = xreallocarray(r->items, r->n + 1, sizeof(*r->items));
	r->items[r->n++] = (struct plan_item){.action = a,
		.data = xstrdup(data),
		.old = old ? xstrdup(old) : NULL,
		.ca = xstrdup(ca),
		.reason = xstrdup(reason)};
}

void plan_item_warn(struct plan_item *it, const char *warning)
{
	if (it->action != PLAN_ADD && it->action != PLAN_CHANGE)
		return;
	char *reason = xasprintf("%s; note: %s", it->reason, warning);
	free(it->reason);
	it->reason = reason;
}

/* A value that stands, read once. */
struct stander {
	const char *data; /* borrowed */
	struct buf text;
	struct perdure_record record;
	bool is_record;
	const char *ca; /* of the account whose record it is; NULL: of none that is known */
	const char *run; /* that wrote it; NULL: no run of ours */
	bool used; /* an item speaks of it */
};

static void read_stander(struct stander *s, const char *data, const struct plan_rrset *r, const struct ours *ours)
{
	*s = (struct stander){.data = data, .text = buf_make(RDATA_MAX)};
	rdata_text(data, &s->text);
	s->is_record = perdure_record_read(buf_str(&s->text), s->text.n, &s->record, NULL, NULL) == PERDURE_OK;
	s->ca = ours_whose(ours, r->fqdn, buf_str(&s->text), s->text.n);
	s->run = written_by(ours->written, r->type, r->owner, data);
}

static bool same_account(const struct perdure_record *a, const struct perdure_record *b)
{
	return a->issuer.n == b->issuer.n && !memcmp(a->issuer.p, b->issuer.p, a->issuer.n) &&
	       a->account_uri.n == b->account_uri.n && !memcmp(a->account_uri.p, b->account_uri.p, a->account_uri.n);
}

/* What a new record permits, in words: the operator should see it before it stands. */
static char *permits(const struct plan_rrset *r, const struct plan_want *w)
{
	return xasprintf("lets the account at CA \"%s\" have certificates for %s%s%s", w->ca, r->fqdn,
		w->wildcard ? " and for every name below it (policy=wildcard)" : "",
		w->until ? " until its persistUntil" : "");
}

static const char *lack(const struct perdure_record *have, const struct perdure_record *want)
{
	if (want->wildcard && !have->wildcard)
		return "it does not cover the wildcard";
	if (have->has_until && (!want->has_until || have->until < want->until))
		return "it ends too early";
	return "it says something else";
}

static bool keep(struct plan_rrset *r, const struct plan_want *w, const struct perdure_record *want, struct stander *s,
	bool exact)
{
	if (!s->is_record || !perdure_record_covers(&s->record, want))
		return false;
	bool equal = perdure_record_equal(&s->record, want);
	if (exact && !equal)
		return false;
	s->used = true;
	plan_item_add(r, PLAN_KEEP, s->data, NULL, w->ca,
		equal && want->wildcard                 ? "stands, for every name below it too (policy=wildcard)"
		: equal                                 ? "stands"
		: s->record.wildcard && !want->wildcard ? "stands, and permits more than is needed: policy=wildcard"
							: "stands, and lasts longer than is needed");
	return true;
}

/* The record that is wanted: kept, put in the place of one of the same account, or added. */
static void want_record(struct plan_rrset *r, const struct plan_want *w, struct stander *standers, size_t n, bool exact)
{
	struct perdure_record want;
	if (perdure_record_read(w->value, strlen(w->value), &want, NULL, NULL) != PERDURE_OK)
		return;
	for (size_t i = 0; i < n; i++)
		if (keep(r, w, &want, &standers[i], exact))
			return;
	AUTO(xfreep) char *data = rdata_from_text(w->value, strlen(w->value));
	AUTO(xfreep) char *why = permits(r, w);
	if (r->blocked) {
		plan_item_add(r, PLAN_BLOCKED, data, NULL, w->ca, r->blocked);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct stander *s = &standers[i];
		if (s->used || !s->is_record || !same_account(&s->record, &want))
			continue;
		AUTO(xfreep)
		char *reason = xasprintf("%s; in the place of one that will not do: %s", why, lack(&s->record, &want));
		s->used = true;
		plan_item_add(r, PLAN_CHANGE, data, s->data, w->ca, reason);
		return;
	}
	plan_item_add(r, PLAN_ADD, data, NULL, w->ca, why);
}

/* The value of a token: kept or added. An earlier one is nothing to compare with, and goes in its own time. */
static void want_token(struct plan_rrset *r, const struct plan_want *w, struct stander *standers, size_t n)
{
	AUTO(xfreep) char *data = rdata_from_text(w->value, strlen(w->value));
	for (size_t i = 0; i < n; i++)
		if (rdata_same(PROVIDER_TXT, standers[i].data, data)) {
			standers[i].used = true;
			plan_item_add(r, PLAN_KEEP, standers[i].data, NULL, "", "the token's value stands");
			return;
		}
	plan_item_add(r, r->blocked ? PLAN_BLOCKED : PLAN_ADD, data, NULL, "",
		r->blocked ? r->blocked : "proves to whoever was told the token that the name is ours");
}

static void decide_txt(
	struct plan_rrset *r, const struct plan_want *wants, size_t n_wants, const struct ours *ours, bool exact)
{
	size_t n = r->standing.n;
	struct stander *standers = xcalloc(n ? n : 1, sizeof(*standers));
	for (size_t i = 0; i < n; i++)
		read_stander(&standers[i], r->standing.v[i], r, ours);
	for (size_t i = 0; i < n_wants; i++)
		if (wants[i].kind == PLAN_TOKEN)
			want_token(r, &wants[i], standers, n);
		else
			want_record(r, &wants[i], standers, n, exact);
	for (size_t i = 0; i < n; i++) {
		struct stander *s = &standers[i];
		AUTO(xfreep)
		char *wrote = s->run ? xasprintf("run %s wrote it, and nothing configured needs it", s->run) : NULL;
		if (!s->used && (s->ca || s->run))
			plan_item_add(r, PLAN_REMOVE, s->data, NULL, s->ca ? s->ca : "",
				s->ca ? "a record of our account that no configured certificate needs" : wrote);
		else if (!s->used)
			plan_item_add(r, PLAN_UNKNOWN, s->data, NULL, "",
				s->is_record ? "another account's record: not touched"
					     : "no record of ours: not touched");
		buf_done(&s->text);
	}
	free(standers);
}

/* A CNAME is alone at its name, so that there is one at most to compare with. */
static void decide_cname(struct plan_rrset *r, const struct plan_want *want, const struct ours *ours)
{
	const char *stands = r->standing.n ? r->standing.v[0] : NULL;
	AUTO(xfreep) char *data = want ? rdata_from_target(want->value) : NULL;
	bool mine = stands && (ours_target(ours, stands) || written_by(ours->written, r->type, r->owner, stands));
	AUTO(xfreep)
	char *why =
		want ? xasprintf("lets whoever may write to %s have certificates for %s and for every name below it",
			       want->value, r->fqdn)
		     : NULL;
	if (!want) {
		for (size_t i = 0; i < r->standing.n; i++)
			plan_item_add(r, mine ? PLAN_REMOVE : PLAN_UNKNOWN, r->standing.v[i], NULL, "",
				mine ? "a delegation to our validation zone that no configured certificate needs"
				     : "a CNAME that is not ours: not touched");
	} else if (stands && rdata_same(PROVIDER_CNAME, stands, data)) {
		plan_item_add(r, PLAN_KEEP, stands, NULL, want->ca, "stands");
	} else if (r->blocked) {
		plan_item_add(r, PLAN_BLOCKED, data, NULL, want->ca, r->blocked);
	} else if (mine) {
		plan_item_add(r, PLAN_CHANGE, data, stands, want->ca, why);
	} else if (stands) {
		r->blocked =
			xasprintf("%s is a CNAME to %s, which is in no validation zone of the configuration: remove "
				  "it, or see who needs it",
				r->owner, stands);
		plan_item_add(r, PLAN_BLOCKED, data, NULL, want->ca, r->blocked);
		plan_item_add(r, PLAN_UNKNOWN, stands, NULL, "", "a CNAME that is not ours: not touched");
	} else {
		plan_item_add(r, PLAN_ADD, data, NULL, want->ca, why);
	}
}

void plan_decide(
	struct plan_rrset *r, const struct plan_want *wants, size_t n_wants, const struct ours *ours, bool exact)
{
	if (r->type == PROVIDER_CNAME)
		decide_cname(r, n_wants ? &wants[0] : NULL, ours);
	else
		decide_txt(r, wants, n_wants, ours, exact);
}

bool plan_item_record(const struct plan_rrset *r, const struct plan_item *it, bool *ret_wildcard)
{
	AUTO(buf_done) struct buf text = buf_make(RDATA_MAX);
	struct perdure_record record;
	*ret_wildcard = false;
	if (r->type != PROVIDER_TXT)
		return false;
	rdata_text(it->data, &text);
	if (perdure_record_read(buf_str(&text), text.n, &record, NULL, NULL) != PERDURE_OK)
		return false;
	*ret_wildcard = record.wildcard;
	return true;
}

size_t plan_count_records(const struct plan *p, size_t *ret_wildcard)
{
	size_t n = 0;
	*ret_wildcard = 0;
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++) {
			const struct plan_item *it = &p->v[i].items[k];
			bool wildcard;
			if (it->action != PLAN_ADD && it->action != PLAN_CHANGE && it->action != PLAN_KEEP)
				continue;
			n += plan_item_record(&p->v[i], it, &wildcard);
			*ret_wildcard += wildcard;
		}
	return n;
}

size_t plan_count(const struct plan *p, enum plan_action a)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		for (size_t k = 0; k < p->v[i].n; k++)
			n += p->v[i].items[k].action == a;
	return n;
}

bool plan_rrset_changes(const struct plan_rrset *r, bool remove)
{
	for (size_t i = 0; i < r->n; i++) {
		enum plan_action a = r->items[i].action;
		if (a == PLAN_ADD || a == PLAN_CHANGE || (a == PLAN_REMOVE && remove))
			return true;
	}
	return false;
}

size_t plan_count_changes(const struct plan *p, bool remove)
{
	size_t n = 0;
	for (size_t i = 0; i < p->n; i++)
		n += plan_rrset_changes(&p->v[i], remove);
	return n;
}

void plan_changes(const struct plan_rrset *r, bool remove, struct strv *add, struct strv *del)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct plan_item *it = &r->items[i];
		if (it->action == PLAN_ADD || it->action == PLAN_CHANGE)
			strv_add(add, it->data);
		if (it->action == PLAN_CHANGE)
			strv_add(del, it->old);
		if (it->action == PLAN_REMOVE && remove)
			strv_add(del, it->data);
	}
}
