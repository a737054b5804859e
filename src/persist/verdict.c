/*
 * verdict.c: what a CA decides on an RRset (draft-ietf-acme-dns-persist section 4.3), in any dialect.
 */
#include "persist/internal.h"

#include <stdlib.h>

/* The octets of one RR as the dialect's DNS library hands them over. */
struct value {
	struct perdure_text t;
	const struct perdure_text *strings; /* where they come from */
	size_t n_strings;
	size_t base; /* octets of the RR before strings[0] */
	bool escaped; /* t is longer than the strings */
	size_t cut; /* octets dropped from the front of t */
	char *heap;
	char small[2048];
};

struct judge {
	const struct perdure_question *q;
	const struct dialect *d;
	char fqdn[PERDURE_NAME_SIZE]; /* lower case */
	bool below; /* the identifier is below fqdn */
	struct perdure_verdict *v; /* the result */
	struct perdure_verdict malformed, unauthorized, other; /* the best of each kind, with reason OK for none */
};

/* PERDURE_OK, PERDURE_ELIMIT when it cannot be RDATA, PERDURE_ENOMEM. v->heap is to be freed. */
static enum perdure_status value_make(
	struct value *v, const struct dialect *d, const struct perdure_text *strings, size_t n, size_t base)
{
	size_t len = 0, size = 0;
	v->heap = NULL;
	v->strings = strings;
	v->n_strings = n;
	v->base = base;
	v->cut = 0;
	for (size_t i = 0; i < n; i++) {
		if (strings[i].n > RDATA_MAX || (len += strings[i].n) > RDATA_MAX)
			return PERDURE_ELIMIT;
		for (size_t k = 0; d->escaped && k < strings[i].n; k++)
			size += escaped_size((unsigned char)strings[i].p[k]) - 1;
	}
	size += len;
	v->escaped = size > len;
	if (n == 1 && !v->escaped) {
		v->t = strings[0];
		return PERDURE_OK;
	}
	char *out = v->small;
	if (size > sizeof(v->small))
		out = v->heap = malloc(size);
	if (!out)
		return PERDURE_ENOMEM;
	v->t = (struct perdure_text){.p = out, .n = size};
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < strings[i].n; k++)
			out = v->escaped ? put_escaped(out, (unsigned char)strings[i].p[k])
					 : (*out = strings[i].p[k], out + 1);
	return PERDURE_OK;
}

/* Drops white space and then quotes at both ends. */
static void value_strip_quotes(struct value *v)
{
	const char *space = " \t\n\r\v\f";
	struct perdure_text t = v->t;
	while (t.n && t.p[0] && strchr(space, t.p[0])) {
		t.p++;
		t.n--;
	}
	while (t.n && t.p[t.n - 1] && strchr(space, t.p[t.n - 1]))
		t.n--;
	while (t.n && t.p[0] == '"') {
		t.p++;
		t.n--;
	}
	while (t.n && t.p[t.n - 1] == '"')
		t.n--;
	v->cut = v->t.n ? (size_t)(t.p - v->t.p) : 0;
	v->t = t;
}

/* From a position in v->t to one in the RR's joined octets. */
static ssize_t value_position(const struct value *v, size_t at)
{
	at += v->cut;
	if (!v->escaped)
		return (ssize_t)(v->base + at);
	size_t seen = 0, real = v->base;
	for (size_t i = 0; i < v->n_strings; i++)
		for (size_t k = 0; k < v->strings[i].n; k++, real++) {
			seen += escaped_size((unsigned char)v->strings[i].p[k]);
			if (seen > at)
				return (ssize_t)real;
		}
	return (ssize_t)real;
}

static bool is_malformed(enum perdure_reason r)
{
	return r == PERDURE_REASON_SYNTAX || r == PERDURE_REASON_URI_PREFIX || r == PERDURE_REASON_URI_HASH ||
	       r == PERDURE_REASON_URI_DIGEST || r == PERDURE_REASON_LONG;
}

/* How near to a valid record a refused one came; the nearest is the one to talk about. */
static int nearness(enum perdure_reason r)
{
	if (r == PERDURE_REASON_EXPIRED)
		return 3;
	if (r == PERDURE_REASON_SCOPE_WILD || r == PERDURE_REASON_SCOPE_BELOW)
		return 2;
	return r == PERDURE_REASON_OK ? 0 : 1;
}

static void keep(struct judge *j, const struct perdure_verdict *v)
{
	struct perdure_verdict *best = &j->unauthorized;
	if (v->reason == PERDURE_REASON_NOT_OURS) {
		/* An unreadable issuer name says more than another CA's. */
		if (j->other.reason == PERDURE_REASON_OK || (j->other.fault == PERDURE_FAULT_NONE && v->fault))
			j->other = *v;
		return;
	}
	if (is_malformed(v->reason))
		best = &j->malformed;
	if (nearness(v->reason) > nearness(best->reason))
		*best = *v;
}

static bool find_issuer(const struct judge *j, struct perdure_text issuer, size_t *ret)
{
	size_t n = j->d->one_issuer && j->q->n_issuers ? 1 : j->q->n_issuers;
	for (size_t i = 0; i < n; i++) {
		struct perdure_text ours = text_of(j->q->issuers[i]);
		if (j->d->issuer_fold ? text_eq_fold(issuer, ours) : text_eq(issuer, ours)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static const char *accepted_alg(const struct perdure_question *q, struct perdure_text alg, size_t *ret_length)
{
	size_t n = q->n_hash_algs;
	for (size_t i = 0; i < (n ? n : 1); i++) {
		const char *name = n ? q->hash_algs[i] : "sha-256";
		if (text_eq(alg, text_of(name)) && (*ret_length = perdure_hash_length(name)))
			return name;
	}
	return NULL;
}

/* Looks for the account, key and form that the digest was made of. */
static enum perdure_status match_digest(const struct judge *j, const char *alg, const uint8_t *want, size_t n_want,
	struct perdure_verdict *v, bool *ret_found)
{
	const struct perdure_question *q = j->q;
	for (size_t k = 0; k < q->n_thumbprints; k++)
		for (size_t u = 0; u < q->n_account_urls; u++)
			for (int any = 0; any < 2; any++) {
				uint8_t digest[64];
				size_t n = 0;
				enum perdure_status status = perdure_account_hash(q->hash, alg, any ? "*" : j->fqdn,
					q->thumbprints[k], q->account_urls[u], digest, &n);
				if (status != PERDURE_OK)
					return status;
				if (n == n_want && !memcmp(digest, want, n)) {
					v->any_domain = any;
					v->i_thumbprint = k;
					v->i_account_url = u;
					*ret_found = true;
					return PERDURE_OK;
				}
			}
	return PERDURE_OK;
}

/* Level 02: sets v->reason to OK or to what is wrong, and *at to the octet of the account URI. */
static enum perdure_status check_hashed(
	const struct judge *j, struct perdure_text uri, struct perdure_verdict *v, size_t *at)
{
	struct perdure_text prefix = text_of(j->q->account_hash_prefix);
	*at = 0;
	v->reason = PERDURE_REASON_URI_PREFIX;
	if (uri.n < prefix.n || memcmp(uri.p, prefix.p, prefix.n))
		return PERDURE_OK;
	*at = prefix.n;
	v->reason = PERDURE_REASON_URI_HASH;
	struct perdure_text rest = {.p = uri.p + prefix.n, .n = uri.n - prefix.n};
	const char *slash = rest.n ? memchr(rest.p, '/', rest.n) : NULL;
	size_t n_alg = slash ? (size_t)(slash - rest.p) : rest.n;
	size_t n_want = 0;
	const char *alg = accepted_alg(j->q, (struct perdure_text){.p = rest.p, .n = n_alg}, &n_want);
	if (!slash || !alg)
		return PERDURE_OK;
	*at = prefix.n + n_alg + 1;
	v->reason = PERDURE_REASON_URI_DIGEST;
	uint8_t want[64];
	if (!b64url_decode((struct perdure_text){.p = slash + 1, .n = rest.n - n_alg - 1}, want, n_want))
		return PERDURE_OK;
	bool found = false;
	enum perdure_status status = match_digest(j, alg, want, n_want, v, &found);
	v->reason = found ? PERDURE_REASON_OK : PERDURE_REASON_ACCOUNT;
	return status;
}

static enum perdure_status check_account(
	const struct judge *j, struct perdure_text uri, struct perdure_verdict *v, size_t *at)
{
	if (j->q->level == PERDURE_LEVEL_02)
		return check_hashed(j, uri, v, at);
	*at = 0;
	for (size_t u = 0; u < j->q->n_account_urls; u++)
		if (text_eq(uri, text_of(j->q->account_urls[u]))) {
			v->i_account_url = u;
			v->reason = PERDURE_REASON_OK;
			return PERDURE_OK;
		}
	v->reason = PERDURE_REASON_ACCOUNT;
	return PERDURE_OK;
}

static enum perdure_reason check_scope_and_time(const struct judge *j, const struct reading *r)
{
	if (j->q->wildcard && !r->wildcard)
		return PERDURE_REASON_SCOPE_WILD;
	if (j->below && !r->wildcard)
		return PERDURE_REASON_SCOPE_BELOW;
	if (r->has_until && j->q->now > r->until)
		return PERDURE_REASON_EXPIRED;
	return PERDURE_REASON_OK;
}

/* Judges a record that parsed and is ours. v->reason tells; v->at is set. */
static enum perdure_status judge_record(
	const struct judge *j, const struct value *val, const struct reading *r, struct perdure_verdict *v)
{
	size_t at = 0;
	v->has_until = r->has_until;
	v->until = r->until;
	v->policy_wildcard = r->wildcard;
	if (r->until_throws) {
		v->reason = PERDURE_REASON_RANGE;
		v->at = value_position(val, r->until_at);
		return PERDURE_OK;
	}
	enum perdure_status status = check_account(j, r->account, v, &at);
	if (status != PERDURE_OK)
		return status;
	if (v->reason != PERDURE_REASON_OK) {
		v->at = value_position(val, r->account_at + at);
		return PERDURE_OK;
	}
	if (r->until_bad) {
		v->reason = PERDURE_REASON_SYNTAX;
		v->fault = PERDURE_FAULT_UNTIL;
		v->at = value_position(val, r->until_at);
		return PERDURE_OK;
	}
	v->reason = check_scope_and_time(j, r);
	if (v->reason == PERDURE_REASON_EXPIRED)
		v->at = value_position(val, r->until_at);
	return PERDURE_OK;
}

static enum perdure_status judge_value(const struct judge *j, const struct value *val, struct perdure_verdict *v)
{
	struct scan s;
	struct reading r;
	size_t i_issuer = 0;
	reading_issuer(j->d, &s, val->t.p, val->t.n, &r);
	bool ours = !r.issuer_bad && find_issuer(j, r.issuer, &i_issuer);
	v->reason = PERDURE_REASON_NOT_OURS;
	if (r.issuer_bad && r.fault == PERDURE_FAULT_NONE) {
		v->fault = r.issuer.n ? PERDURE_FAULT_ISSUER : PERDURE_FAULT_NO_ISSUER;
		v->at = value_position(val, r.issuer_fault_at);
		return PERDURE_OK;
	}
	if (!ours && !j->d->syntax_of_all)
		return PERDURE_OK;
	v->i_issuer = i_issuer;
	enum perdure_status status = reading_params(j->d, &s, &r);
	if (status != PERDURE_OK)
		return status;
	if (r.fault == PERDURE_FAULT_NONE)
		return ours ? judge_record(j, val, &r, v) : PERDURE_OK;
	if (!ours && r.fault == PERDURE_FAULT_NO_ACCOUNT)
		return PERDURE_OK;
	v->reason = PERDURE_REASON_SYNTAX;
	v->fault = r.fault;
	v->at = value_position(val, r.fault_at);
	return PERDURE_OK;
}

/* Judges some strings of an RR as one value. *ret_decided: j->v is final. */
static enum perdure_status judge_strings(
	struct judge *j, ssize_t rr, const struct perdure_text *strings, size_t n, size_t base, bool *ret_decided)
{
	struct perdure_verdict v = {.rr = rr, .at = -1};
	struct value val SCRATCH;
	enum perdure_status status = value_make(&val, j->d, strings, n, base);
	if (status == PERDURE_ELIMIT) {
		v.reason = PERDURE_REASON_LONG;
		status = PERDURE_OK;
	} else if (status == PERDURE_OK) {
		if (j->d->strip_quotes)
			value_strip_quotes(&val);
		status = judge_value(j, &val, &v);
	}
	free(val.heap);
	if (status != PERDURE_OK)
		return status;
	*ret_decided = v.reason == PERDURE_REASON_OK || v.reason == PERDURE_REASON_RANGE;
	if (*ret_decided) {
		*j->v = v;
		j->v->valid = v.reason == PERDURE_REASON_OK;
		j->v->problem = j->v->valid ? NULL : "exception";
	} else {
		keep(j, &v);
	}
	return PERDURE_OK;
}

static enum perdure_status judge_rr(struct judge *j, size_t i, const struct perdure_rr *rr, bool *ret_decided)
{
	size_t n = j->d->strings == STRINGS_FIRST && rr->n > 1 ? 1 : rr->n;
	if (j->d->strings != STRINGS_APART)
		return judge_strings(j, (ssize_t)i, rr->strings, n, 0, ret_decided);
	size_t base = 0;
	for (size_t k = 0; k < n; k++) {
		enum perdure_status status = judge_strings(j, (ssize_t)i, &rr->strings[k], 1, base, ret_decided);
		if (status != PERDURE_OK || *ret_decided)
			return status;
		base += rr->strings[k].n;
	}
	return PERDURE_OK;
}

static size_t count_labels(const char *name)
{
	size_t n = 1;
	for (; *name; name++)
		n += *name == '.';
	return n;
}

/* Whether the CA looks at this RRset for this name at all; sets j->below. */
static enum perdure_reason check_names(struct judge *j)
{
	const struct perdure_question *q = j->q;
	struct perdure_text id = text_of(q->identifier), fqdn = text_of(j->fqdn);
	if (text_eq_fold(id, fqdn))
		return PERDURE_REASON_OK;
	if (id.n <= fqdn.n + 1 || id.p[id.n - fqdn.n - 1] != '.')
		return PERDURE_REASON_SCOPE_NAME;
	if (!text_eq_fold((struct perdure_text){.p = id.p + (id.n - fqdn.n), .n = fqdn.n}, fqdn))
		return PERDURE_REASON_SCOPE_NAME;
	j->below = true;
	bool looks = false;
	switch (j->d->climb) {
	case CLIMB_NONE:
		break;
	case CLIMB_ALL:
		looks = true;
		break;
	case CLIMB_ONE:
		looks = !q->wildcard && count_labels(q->identifier) == count_labels(j->fqdn) + 1;
		break;
	case CLIMB_TWO_LABELS:
		looks = count_labels(j->fqdn) >= 2;
		break;
	}
	return looks ? PERDURE_REASON_OK : PERDURE_REASON_SCOPE_BELOW;
}

static enum perdure_status prepare(struct judge *j)
{
	const struct perdure_question *q = j->q;
	if (!q->identifier || !q->n_issuers || !q->n_account_urls)
		return PERDURE_EINVAL;
	if (q->level == PERDURE_LEVEL_02 && (!q->n_thumbprints || !q->account_hash_prefix || !q->hash))
		return PERDURE_EINVAL;
	const char *fqdn = q->fqdn ? q->fqdn : q->identifier;
	size_t n = strnlen(fqdn, sizeof(j->fqdn));
	if (n >= sizeof(j->fqdn))
		return PERDURE_ENAMELONG;
	for (size_t i = 0; i <= n; i++)
		j->fqdn[i] = ascii_lower(fqdn[i]);
	return PERDURE_OK;
}

/* What can be said without a look at the records. */
static enum perdure_reason before_records(struct judge *j, size_t n)
{
	enum perdure_reason reason = check_names(j);
	if (j->q->deactivated)
		return PERDURE_REASON_DEACTIVATED;
	if (reason == PERDURE_REASON_OK && !n)
		return PERDURE_REASON_NO_RECORD;
	if (reason == PERDURE_REASON_OK && j->q->via_alias && j->d->alias_refused)
		return PERDURE_REASON_ALIAS;
	return reason;
}

static void conclude(struct judge *j)
{
	const struct perdure_verdict *best = &j->malformed;
	if (best->reason == PERDURE_REASON_OK ||
		(j->d->unauthorized_first && j->unauthorized.reason != PERDURE_REASON_OK))
		best = &j->unauthorized;
	if (best->reason == PERDURE_REASON_OK)
		best = &j->other;
	*j->v = *best;
	j->v->problem = is_malformed(best->reason) ? j->d->malformed : j->d->unauthorized;
}

enum perdure_status perdure_judge(
	const struct perdure_question *q, const struct perdure_rr *rrs, size_t n, struct perdure_verdict *ret)
{
	struct perdure_verdict v = {.rr = -1, .at = -1};
	struct judge j = {.q = q, .d = dialect_get(q->dialect), .v = &v};
	enum perdure_status status = prepare(&j);
	if (status != PERDURE_OK)
		return status;
	v.reason = before_records(&j, n);
	if (v.reason != PERDURE_REASON_OK) {
		v.problem = v.reason == PERDURE_REASON_NO_RECORD ? j.d->no_record : j.d->unauthorized;
		*ret = v;
		return PERDURE_OK;
	}
	bool decided = false;
	for (size_t i = 0; i < n && !decided; i++) {
		status = judge_rr(&j, i, &rrs[i], &decided);
		if (status != PERDURE_OK)
			return status;
	}
	if (!decided)
		conclude(&j);
	*ret = v;
	return PERDURE_OK;
}
