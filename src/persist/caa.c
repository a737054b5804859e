/*
 * caa.c: CAA records and what they allow one CA (RFC 8659 section 4, RFC 8657).
 */
#include "perdure/caa.h"

#include <stdio.h>
#include <stdlib.h>

#include "persist/internal.h"

enum {
	FLAG_CRITICAL = 128,
	FLAG_CRITICAL_WRONG = 1, /* what many believe to be the critical one, and Boulder takes for it */
};

static const char own_method[] = "dns-persist-01";

enum perdure_status perdure_caa_read(const char *rdata, size_t n, struct perdure_caa *ret)
{
	if (n < 2)
		return PERDURE_EMALFORMED;
	size_t n_tag = (uint8_t)rdata[1];
	if (!n_tag || n_tag > n - 2)
		return PERDURE_EMALFORMED;
	struct perdure_text tag = {.p = rdata + 2, .n = n_tag};
	for (size_t i = 0; i < tag.n; i++)
		if (!is_alnum(tag.p[i]))
			return PERDURE_EMALFORMED;
	*ret = (struct perdure_caa){
		.flags = (uint8_t)rdata[0],
		.critical = (uint8_t)rdata[0] & FLAG_CRITICAL,
		.kind = text_eq_fold(tag, text_of("issue"))       ? PERDURE_CAA_ISSUE
			: text_eq_fold(tag, text_of("issuewild")) ? PERDURE_CAA_ISSUEWILD
			: text_eq_fold(tag, text_of("iodef"))     ? PERDURE_CAA_IODEF
								  : PERDURE_CAA_OTHER,
		.tag = tag,
		.value = {.p = rdata + 2 + n_tag, .n = n - 2 - n_tag},
	};
	return PERDURE_OK;
}

static enum perdure_status present_unknown(const char *rdata, size_t n, char **ret_text)
{
	size_t size = n * 2 + 16;
	char *s = malloc(size);
	if (!s)
		return PERDURE_ENOMEM;
	int at = snprintf(s, size, "\\# %zu%s", n, n ? " " : "");
	for (size_t i = 0; i < n; i++)
		at += snprintf(s + at, size - (size_t)at, "%02x", (uint8_t)rdata[i]);
	*ret_text = s;
	return PERDURE_OK;
}

enum perdure_status perdure_caa_present(const char *rdata, size_t n, char **ret_text)
{
	struct perdure_caa c;
	if (n > RDATA_MAX)
		return PERDURE_ELIMIT;
	if (perdure_caa_read(rdata, n, &c) != PERDURE_OK)
		return present_unknown(rdata, n, ret_text);
	size_t size = c.tag.n + c.value.n * 4 + 16;
	char *s = malloc(size);
	if (!s)
		return PERDURE_ENOMEM;
	char *out = s + snprintf(s, size, "%u %.*s ", c.flags, (int)c.tag.n, c.tag.p);
	out = put_quoted(out, c.value);
	*out = '\0';
	*ret_text = s;
	return PERDURE_OK;
}

/* ---- one property ---- */

/* How near a refusal is to an allowance; the nearest one is reported. */
static int rank(enum perdure_caa_reason r)
{
	static const int ranks[PERDURE_CAA_REASON_N_] = {
		[PERDURE_CAA_FORBIDDEN] = 1,
		[PERDURE_CAA_SYNTAX] = 2,
		[PERDURE_CAA_OTHERS] = 3,
		[PERDURE_CAA_UNSATISFIABLE] = 4,
		[PERDURE_CAA_ACCOUNT] = 5,
		[PERDURE_CAA_ACCOUNT_HASHED] = 6,
		[PERDURE_CAA_METHOD] = 7,
	};
	return ranks[r];
}

/* The parameters of RFC 8657 in one property. */
struct bounds {
	unsigned n_accounts, n_methods;
	struct perdure_text account, methods;
};

/* Reads all parameters. False when the value is no issue-value. */
static bool read_bounds(struct scan *s, struct bounds *b)
{
	struct perdure_param p;
	int r;
	while ((r = scan_next(s, &p)) > 0) {
		if (text_eq_fold(p.tag, text_of("accounturi"))) {
			b->n_accounts++;
			b->account = p.value;
		} else if (text_eq_fold(p.tag, text_of("validationmethods"))) {
			b->n_methods++;
			b->methods = p.value;
		}
	}
	return !r;
}

/* Cuts the next label off a comma-separated list. False when it is no label of RFC 8657 section 4. */
static bool next_label(struct perdure_text *list, struct perdure_text *ret)
{
	const char *comma = list->n ? memchr(list->p, ',', list->n) : NULL;
	size_t n = comma ? (size_t)(comma - list->p) : list->n;
	*ret = (struct perdure_text){.p = list->p, .n = n};
	*list = comma ? (struct perdure_text){.p = comma + 1, .n = list->n - n - 1}
		      : (struct perdure_text){.p = NULL, .n = 0};
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(ret->p[i]) && ret->p[i] != '-')
			return false;
	return n > 0;
}

bool caa_lists_method(struct perdure_text list, const char *method)
{
	struct perdure_text label;
	bool found = false;
	do {
		next_label(&list, &label);
		found |= text_eq(label, text_of(method));
	} while (list.p);
	return found;
}

static enum perdure_caa_reason check_methods(const struct perdure_caa_question *q, struct perdure_text list)
{
	struct perdure_text label, rest = list;
	do {
		if (!next_label(&rest, &label))
			return PERDURE_CAA_UNSATISFIABLE;
	} while (rest.p);
	return caa_lists_method(list, q->method ? q->method : own_method) ? PERDURE_CAA_NAMED : PERDURE_CAA_METHOD;
}

/* Under the CA's prefix, or ending like any hashed form: "/sha-256/" and a digest of the right length. */
static bool is_hashed(const struct perdure_caa_question *q, struct perdure_text uri)
{
	char alg[16];
	struct perdure_text prefix = text_of(q->account_hash_prefix);
	if (prefix.n && uri.n > prefix.n && !memcmp(uri.p, prefix.p, prefix.n))
		return true;
	const char *digest = memrchr(uri.p, '/', uri.n);
	const char *name = digest ? memrchr(uri.p, '/', (size_t)(digest - uri.p)) : NULL;
	if (!name || (size_t)(digest - name) > sizeof(alg))
		return false;
	size_t n = (size_t)(digest - name) - 1;
	memcpy(alg, name + 1, n);
	alg[n] = '\0';
	size_t octets = perdure_hash_length(alg);
	return octets && (size_t)(uri.p + uri.n - digest) - 1 == (octets * 4 + 2) / 3;
}

static enum perdure_caa_reason check_account(const struct perdure_caa_question *q, struct perdure_text uri)
{
	if (!uri.n)
		return PERDURE_CAA_UNSATISFIABLE;
	if (!q->account_url || text_eq(uri, text_of(q->account_url)))
		return PERDURE_CAA_NAMED;
	return is_hashed(q, uri) ? PERDURE_CAA_ACCOUNT_HASHED : PERDURE_CAA_ACCOUNT;
}

static bool names_us(const struct perdure_caa_question *q, struct perdure_text issuer, size_t *ret)
{
	bool exact = q->dialect == PERDURE_DIALECT_BOULDER;
	for (size_t i = 0; i < q->n_issuers; i++) {
		struct perdure_text ours = text_of(q->issuers[i]);
		if (exact ? text_eq(issuer, ours) : text_eq_fold(issuer, ours)) {
			*ret = i;
			return true;
		}
	}
	return false;
}

/* What this property alone says to the CA; v->i_issuer, has_account and has_methods go with it. */
static enum perdure_caa_reason judge_property(
	const struct perdure_caa_question *q, const struct perdure_caa *c, struct perdure_caa_verdict *v)
{
	struct scan s;
	struct bounds b = {0};
	scan_open(&s, &scan_strict, c->value.p, c->value.n);
	if (s.issuer.n && !issuer_grammar(s.issuer, NULL))
		return PERDURE_CAA_SYNTAX;
	if (!read_bounds(&s, &b))
		return PERDURE_CAA_SYNTAX;
	if (!s.issuer.n)
		return PERDURE_CAA_FORBIDDEN;
	if (!names_us(q, s.issuer, &v->i_issuer))
		return PERDURE_CAA_OTHERS;
	v->has_account = b.n_accounts > 0;
	v->has_methods = b.n_methods > 0;
	if (b.n_accounts > 1 || b.n_methods > 1)
		return PERDURE_CAA_UNSATISFIABLE;
	enum perdure_caa_reason r = b.n_accounts ? check_account(q, b.account) : PERDURE_CAA_NAMED;
	if (r == PERDURE_CAA_NAMED && b.n_methods)
		r = check_methods(q, b.methods);
	return r;
}

/* ---- the RRset ---- */

/* What is looked at before any property is weighed. Sets *ret_kind to the properties that count. */
static bool survey(const struct perdure_caa_question *q, const struct perdure_text *rdatas, size_t n,
	struct perdure_caa_verdict *v, enum perdure_caa_kind *ret_kind)
{
	int critical_flags =
		q->dialect == PERDURE_DIALECT_BOULDER ? FLAG_CRITICAL | FLAG_CRITICAL_WRONG : FLAG_CRITICAL;
	*ret_kind = PERDURE_CAA_ISSUE;
	for (size_t i = 0; i < n; i++) {
		struct perdure_caa c;
		bool readable = perdure_caa_read(rdatas[i].p, rdatas[i].n, &c) == PERDURE_OK;
		if (!readable || (c.kind == PERDURE_CAA_OTHER && c.flags & critical_flags)) {
			*v = (struct perdure_caa_verdict){
				.reason = readable ? PERDURE_CAA_CRITICAL : PERDURE_CAA_MALFORMED, .rr = (ssize_t)i};
			return false;
		}
		if (q->wildcard && c.kind == PERDURE_CAA_ISSUEWILD)
			*ret_kind = PERDURE_CAA_ISSUEWILD;
	}
	return true;
}

enum perdure_status perdure_caa_judge(const struct perdure_caa_question *q, const struct perdure_text *rdatas, size_t n,
	struct perdure_caa_verdict *ret)
{
	enum perdure_caa_kind kind;
	struct perdure_caa_verdict best = {.rr = -1, .allowed = true, .reason = PERDURE_CAA_NO_SET};
	if (!q->n_issuers)
		return PERDURE_EINVAL;
	if (n)
		best.reason = PERDURE_CAA_UNRESTRICTED;
	if (!survey(q, rdatas, n, &best, &kind)) {
		*ret = best;
		return PERDURE_OK;
	}
	for (size_t i = 0; i < n; i++) {
		struct perdure_caa c;
		if (perdure_caa_read(rdatas[i].p, rdatas[i].n, &c) != PERDURE_OK || c.kind != kind)
			continue;
		struct perdure_caa_verdict v = {.rr = (ssize_t)i};
		v.reason = judge_property(q, &c, &v);
		v.allowed = v.reason == PERDURE_CAA_NAMED;
		if (v.allowed || best.allowed || rank(v.reason) > rank(best.reason))
			best = v;
		if (v.allowed)
			break;
	}
	*ret = best;
	return PERDURE_OK;
}
