/* rules_text.c: rules about the text of the records and the names they stand at: PD101 to PD113. */
#include <string.h>

#include "base/xalloc.h"
#include "watch/rules_priv.h"

static bool named_here(const struct facts_rr *rr)
{
	return rr->issuer_known;
}

/* Whether a value has the look of a validation record, or of a part of one. */
static bool has(const struct facts_rr *rr, const char *word)
{
	return memmem(rr->p, rr->n, word, strlen(word)) != NULL;
}

void rule_malformed(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		if (rr->readable || !named_here(rr))
			continue;
		found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
			"%s, at octet %zu of the value", perdure_fault_text(rr->fault), rr->at + 1);
	}
}

/* The second half of a value that was cut into two RRs. */
static bool is_tail(const struct facts_rr *rr)
{
	return !rr->readable && !rr->issuer_known &&
	       (has(rr, "accounturi=") || has(rr, "policy=") || has(rr, "persistUntil=") ||
		       (rr->n && (rr->p[0] == ';' || rr->p[0] == '=')));
}

static bool is_head(const struct facts_rr *rr)
{
	return !rr->readable && rr->issuer_known &&
	       (rr->fault == PERDURE_FAULT_NO_ACCOUNT || rr->fault == PERDURE_FAULT_EMPTY ||
		       rr->fault == PERDURE_FAULT_NO_EQUALS);
}

/* Whether the two octet strings, one behind the other, are a record. */
static bool joins(const struct facts_rr *a, const struct facts_rr *b)
{
	struct perdure_record rec;
	char both[4096];
	if (a->n + b->n > sizeof(both))
		return false;
	memcpy(both, a->p, a->n);
	memcpy(both + a->n, b->p, b->n);
	return perdure_record_read(both, a->n + b->n, &rec, NULL, NULL) == PERDURE_OK;
}

static const struct facts_rr *tail_of(const struct facts_set *s, const struct facts_rr *head)
{
	for (const struct facts_rr *rr = s->rr; rr < s->rr + s->n; rr++)
		if (rr != head && !rr->readable && !rr->issuer_known &&
			(joins(head, rr) || (is_head(head) && is_tail(rr))))
			return rr;
	return NULL;
}

void rule_split_record(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		if (!rr->issuer_known)
			continue;
		const struct facts_rr *tail = tail_of(s, rr);
		if (tail)
			found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
				"together with another TXT record of %zu octets at the name it is a record; alone "
				"neither "
				"is what was meant",
				tail->n);
	}
}

static bool is_part(const struct facts_set *s, const struct facts_rr *rr)
{
	for (const struct facts_rr *head = s->rr; head < s->rr + s->n; head++)
		if (head != rr && head->issuer_known && tail_of(s, head) == rr)
			return true;
	return false;
}

static bool quoted(const struct facts_rr *rr)
{
	return rr->n && (rr->p[0] == '"' || rr->p[rr->n - 1] == '"' || has(rr, "=\"") || has(rr, "\" \""));
}

static bool has_high(const struct facts_rr *rr)
{
	for (size_t i = 0; i < rr->n; i++)
		if ((unsigned char)rr->p[i] > 0x7e || ((unsigned char)rr->p[i] < 0x20 && rr->p[i] != '\t'))
			return true;
	return false;
}

void rule_stray_text(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		if (rr->readable || rr->issuer_known || quoted(rr) || has_high(rr) || is_part(s, rr))
			continue;
		found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
			"%s, at octet %zu of the value", perdure_fault_text(rr->fault), rr->at + 1);
	}
}

void rule_literal_quotes(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (quoted(rr))
		found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
			"the value as it is served has quotation marks in it");
}

static bool white(char c)
{
	return c == ' ' || c == '\t';
}

void rule_space_at_join(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	for (size_t i = 0; i + 1 < rr->n_strings; i++) {
		const struct perdure_text *a = &rr->strings[i], *b = &rr->strings[i + 1];
		if (!(a->n && white(a->p[a->n - 1])) && !(b->n && white(b->p[0])))
			continue;
		found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
			"character-strings %zu and %zu meet with white space between them", i + 1, i + 2);
		break;
	}
}

void rule_many_strings(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (rr->n_strings > perdure_txt_count(rr->n))
		found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
			"%zu octets in %zu character-strings, where %zu would do", rr->n, rr->n_strings,
			perdure_txt_count(rr->n));
}

void rule_not_ascii(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	if (has_high(rr))
		found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
			"a value has octets outside of printable ASCII");
}

void rule_readings_differ(struct rules_run *r)
{
	EACH_RR(r->f, s, rr)
	{
		/* At level 02 no other software is known. */
		if (!rr->readable || rr->hashed || rr->account == FACTS_ACCOUNT_FOREIGN || !rr->issuer_known)
			continue;
		AUTO(xfreep) char *issuer = xstrndup(rr->issuer.p, rr->issuer.n);
		AUTO(xfreep) char *uri = xstrndup(rr->rec.account_uri.p, rr->rec.account_uri.n);
		const char *issuers[] = {issuer}, *uris[] = {uri};
		struct perdure_question q = {.level = PERDURE_LEVEL_01,
			.identifier = r->f->fqdn,
			.wildcard = rr->rec.wildcard,
			.issuers = issuers,
			.n_issuers = 1,
			.account_urls = uris,
			.n_account_urls = 1,
			.now = r->c->now};
		struct perdure_rr one = {.strings = rr->strings, .n = rr->n_strings};
		struct perdure_verdict draft, v;
		if (perdure_judge(&q, &one, 1, &draft) || !draft.valid)
			continue;
		for (int d = PERDURE_DIALECT_DRAFT + 1; d < PERDURE_DIALECT_N_; d++) {
			q.dialect = (enum perdure_dialect)d;
			if (perdure_judge(&q, &one, 1, &v) || v.valid)
				continue;
			found(r, (struct about){.rr = rr, .server = facts_only_at(r->f, s, rr)},
				"the text of the draft accepts it, the software called %s does not: %s",
				perdure_dialect_name(q.dialect), perdure_reason_text(v.reason));
			break;
		}
	}
}

void rule_no_owner(struct rules_run *r)
{
	if (r->f->name_fault)
		found(r, (struct about){0}, "%s", r->f->name_fault);
}

void rule_literal_wildcard(struct rules_run *r)
{
	if (r->f->literal_wildcard)
		found(r, (struct about){0}, "a record stands at %s; CAs look at _validation-persist.%s", r->f->owner,
			r->f->fqdn);
}

static bool has_records(const struct facts *f)
{
	EACH_RR(f, s, rr)
	if (rr->readable)
		return true;
	return false;
}

void rule_public_suffix(struct rules_run *r)
{
	if (r->f->public_suffix && has_records(r->f))
		found(r, (struct about){0}, "anybody may register names below %s", r->f->fqdn);
}

void rule_bad_line(struct rules_run *r)
{
	if (r->f->bad_line)
		found(r, (struct about){0}, "%s", r->f->bad_line);
}

void rule_large_set(struct rules_run *r)
{
	for (size_t i = 0; i < r->f->n_sets; i++)
		if (r->f->sets[i].truncated) {
			found(r, (struct about){0}, "%zu records had to be fetched over TCP", r->f->sets[i].n);
			return;
		}
}
