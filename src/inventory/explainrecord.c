/* explainrecord.c: remarks on the record set, its end, its TTL, and the account. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/explain_priv.h"
#include "inventory/observe.h"

enum {
	DAY = 86400,
	TTL_SHORT = 3600, /* below it a CA of level 00 or 01 can hardly use a validation again */
	SPLIT_MAX = 16, /* records of a set in which halves are looked for */
};

static enum remark_code code_of(enum perdure_reason r)
{
	switch (r) {
	case PERDURE_REASON_NOT_OURS:
		return REMARK_RECORD_OTHER_CA;
	case PERDURE_REASON_SYNTAX:
		return REMARK_RECORD_MALFORMED;
	case PERDURE_REASON_ACCOUNT:
		return REMARK_RECORD_ACCOUNT;
	case PERDURE_REASON_URI_PREFIX:
	case PERDURE_REASON_URI_HASH:
	case PERDURE_REASON_URI_DIGEST:
		return REMARK_RECORD_URI;
	case PERDURE_REASON_SCOPE_WILD:
	case PERDURE_REASON_SCOPE_BELOW:
	case PERDURE_REASON_SCOPE_NAME:
		return REMARK_RECORD_NOT_WILDCARD;
	case PERDURE_REASON_EXPIRED:
		return REMARK_RECORD_EXPIRED;
	case PERDURE_REASON_DEACTIVATED:
		return REMARK_ACCOUNT_DEACTIVATED;
	case PERDURE_REASON_ALIAS:
		return REMARK_RECORD_ALIAS_REFUSED;
	case PERDURE_REASON_RANGE:
		return REMARK_RECORD_UNTIL_RANGE;
	case PERDURE_REASON_LONG:
		return REMARK_RECORD_LONG;
	case PERDURE_REASON_OK:
	case PERDURE_REASON_NO_RECORD:
		break;
	}
	return REMARK_RECORD_MISSING;
}

static void say_refused(struct explain *e)
{
	const struct recordcheck *r = e->x->record;
	if (r->result != RECORDCHECK_REFUSED)
		return;
	enum remark_code c = code_of(r->verdict.reason);
	struct remark *m = remarks_add(&e->x->remarks, c, "%s", r->reason);
	if (c == REMARK_ACCOUNT_DEACTIVATED)
		remark_fix(m, "register another account and publish its records: perdure account register");
	else if (c == REMARK_RECORD_ALIAS_REFUSED)
		remark_fix(m, "publish the record at %s itself", r->owner);
	else
		remark_fix(m, "%s", r->fix);
}

static void say_reading(struct explain *e)
{
	const struct recordcheck *r = e->x->record, *t = e->x->text;
	if (!t || t->result == r->result)
		return;
	struct remark *m = remarks_add(&e->x->remarks, REMARK_READING_DIFFERS,
		"the draft's text says \"%s\" (%s), software of the dialect %s says \"%s\" (%s)",
		recordcheck_result_name(t->result), t->reason, perdure_dialect_name(e->q->q.dialect),
		recordcheck_result_name(r->result), r->reason);
	AUTO(xfreep) char *line = recordcheck_line(&e->q->q);
	remark_fix(m, "%s", line);
}

static void say_end(struct explain *e)
{
	const struct recordcheck *r = e->x->record;
	int64_t need = (e->q->renewal ? e->q->renewal : e->q->q.now) + e->q->slack;
	char until[CLOCK_TEXT_MAX], renewal[CLOCK_TEXT_MAX];
	if (r->result != RECORDCHECK_GOOD || !r->has_until || r->until >= need)
		return;
	clock_rfc3339(r->until, until);
	clock_rfc3339(e->q->renewal ? e->q->renewal : e->q->q.now, renewal);
	struct remark *m = remarks_add(&e->x->remarks, REMARK_RECORD_ENDS_EARLY,
		"the record ends %s; the next renewal is due %s and should find it valid for %" PRId64 " days more",
		until, renewal, e->q->slack / DAY);
	AUTO(xfreep) char *line = recordcheck_line(&e->q->q);
	remark_fix(m, "%s", line);
}

static void say_key(struct explain *e)
{
	const struct recordcheck *r = e->x->record;
	if (r->result != RECORDCHECK_GOOD || e->q->q.level != 2 || !r->verdict.i_thumbprint)
		return;
	struct remark *m = remarks_add(&e->x->remarks, REMARK_RECORD_OLD_KEY,
		"the record was made for an account key that was replaced; a CA may stop taking it");
	AUTO(xfreep) char *line = recordcheck_line(&e->q->q);
	remark_fix(m, "%s", line);
}

/* Whether these two RRs, one after the other, are what one RR should have been. */
static bool are_halves(struct explain *e, const struct dns_txt *a, const struct dns_txt *b)
{
	struct dns_txt one = {.strings = xcalloc(a->n + b->n, sizeof(*one.strings)), .n = a->n + b->n};
	struct recordcheck_seen seen;
	for (size_t i = 0; i < a->n; i++)
		one.strings[i] = a->strings[i];
	for (size_t i = 0; i < b->n; i++)
		one.strings[a->n + i] = b->strings[i];
	recordcheck_see(&e->q->q, &one, 1, &seen);
	bool yes = seen.valid;
	recordcheck_seen_done(&seen);
	free(one.strings);
	return yes;
}

static void say_split(struct explain *e, const struct dns_answer *a)
{
	if (e->x->record->result != RECORDCHECK_REFUSED || a->n_txt < 2 || a->n_txt > SPLIT_MAX)
		return;
	for (size_t i = 0; i < a->n_txt; i++)
		for (size_t k = 0; k < a->n_txt; k++)
			if (i != k && are_halves(e, &a->txt[i], &a->txt[k])) {
				struct remark *m = remarks_add(&e->x->remarks, REMARK_RECORD_SPLIT,
					"two of the %zu records at %s are one record cut in two", a->n_txt,
					e->o->owner);
				remark_fix(m, "%s", e->x->record->fix);
				return;
			}
}

/* Whether one RR speaks of an account and has quotes among its octets. */
static bool is_quoted(const struct dns_txt *t)
{
	bool quote = false, account = false;
	for (size_t i = 0; i < t->n; i++) {
		const struct dns_string *s = &t->strings[i];
		quote |= s->n && memchr(s->p, '"', s->n);
		account |= s->n && memmem(s->p, s->n, "accounturi", 10);
	}
	return quote && account;
}

static void say_quoted(struct explain *e, const struct dns_answer *a)
{
	for (size_t i = 0; i < a->n_txt; i++) {
		if (!is_quoted(&a->txt[i]))
			continue;
		struct remark *m = remarks_add(&e->x->remarks, REMARK_RECORD_QUOTED,
			"record %zu at %s has quotes among its octets: the DNS software or the form quotes by itself",
			i + 1, e->o->owner);
		remark_fix(m, "%s", e->x->record->fix);
		return;
	}
}

static void say_ttl(struct explain *e, const struct dns_answer *a)
{
	/* The aliases on the way count, too. */
	int64_t held = dns_view_stale_until(e->o->txt.view) - e->o->txt.view->at;
	if (held > DAY)
		remarks_add(&e->x->remarks, REMARK_RECORD_TTL_LONG,
			"caches may believe in what stands at %s for %" PRId64 " s after its removal", e->o->owner,
			held);
	else if (e->q->q.level < 2 && a->ttl < TTL_SHORT && e->x->record->result == RECORDCHECK_GOOD)
		remarks_add(&e->x->remarks, REMARK_RECORD_TTL_SHORT,
			"the record's TTL is %" PRIu32
			" s: a CA of level %02d may use a validation again only within it",
			a->ttl, e->q->q.level);
}

static void say_account(struct explain *e)
{
	const char *status = e->q->account_status;
	if (!status || !*status)
		remarks_add(&e->x->remarks, REMARK_ACCOUNT_UNKNOWN,
			"whether the account %s is still valid is not known on this host", e->q->q.account_url);
}

void explain_record(struct explain *e)
{
	const struct dns_answer *a = dns_view_any(e->o->txt.view);
	say_refused(e);
	say_reading(e);
	say_end(e);
	say_key(e);
	if (a && a->result == DNS_FOUND) {
		say_split(e, a);
		say_quoted(e, a);
		say_ttl(e, a);
	}
	say_account(e);
}
