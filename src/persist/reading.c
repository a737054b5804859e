/*
 * reading.c: one TXT value as one dialect reads it: the issuer first, because most validators pass over other CAs'
 * records unread, then the parameters of draft-ietf-acme-dns-persist section 4.1.
 */
#include "persist/internal.h"

#include <stdlib.h>

/* Go's time.Unix() adds the seconds from year 1 to 1970 and wraps above this, so later moments look long past. */
#define GO_UNIX_MAX (INT64_MAX - INT64_C(62135596800))
/* 0001-01-01T00:00:00Z */
#define YEAR_1 INT64_C(-62135596800)

enum { TAGS_INLINE = 48 };

/* The tags seen, for the dialects that refuse any repetition. */
struct tags {
	uint32_t few[TAGS_INLINE];
	uint32_t *hash; /* few, or the heap */
	size_t n, cap;
};

static uint32_t tag_hash(struct perdure_text t)
{
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < t.n; i++)
		h = (h ^ (unsigned char)ascii_lower(t.p[i])) * 16777619u;
	return h;
}

static void tags_done(struct tags *t)
{
	if (t->hash != t->few)
		free(t->hash);
}

static bool tags_add(struct tags *t, uint32_t h)
{
	if (t->n == t->cap) {
		size_t cap = t->cap * 2;
		uint32_t *more = realloc(t->hash == t->few ? NULL : t->hash, cap * sizeof(*more));
		if (!more)
			return false;
		if (t->hash == t->few)
			memcpy(more, t->few, t->n * sizeof(*more));
		t->hash = more;
		t->cap = cap;
	}
	t->hash[t->n++] = h;
	return true;
}

/* Whether the tag was there before; equal hashes are made sure of by reading the value up to here once more. */
static bool tag_seen(const struct tags *t, const struct scan *s, const struct perdure_param *param, uint32_t h)
{
	bool maybe = false;
	for (size_t i = 0; i < t->n; i++)
		maybe |= t->hash[i] == h;
	if (!maybe)
		return false;
	struct scan again;
	struct perdure_param other;
	scan_open(&again, s->rules, s->p, s->n);
	while (scan_next(&again, &other) > 0 && other.tag_at < param->tag_at)
		if (other.value.p && text_eq_fold(other.tag, param->tag))
			return true;
	return false;
}

static void strip_dots(struct perdure_text *t, enum dots dots)
{
	while (dots != DOTS_KEPT && t->n && t->p[t->n - 1] == '.') {
		t->n--;
		if (dots == DOTS_ONE)
			break;
	}
}

static bool issuer_readable(enum issuer_check check, struct perdure_text t, size_t *ret_at)
{
	*ret_at = 0;
	switch (check) {
	case ISSUER_GRAMMAR:
		return issuer_grammar(t, ret_at);
	case ISSUER_COMPARE:
		return t.n > 0;
	case ISSUER_NO_EQUALS: {
		const char *equals = t.n ? memchr(t.p, '=', t.n) : NULL;
		*ret_at = equals ? (size_t)(equals - t.p) : 0;
		return t.n && !equals;
	}
	case ISSUER_TWO_LABELS:
		return issuer_grammar(t, ret_at) && memchr(t.p, '.', t.n);
	}
	return false;
}

void reading_issuer(const struct dialect *d, struct scan *s, const char *p, size_t n, struct reading *r)
{
	*r = (struct reading){0};
	scan_open(s, &d->scan, p, n);
	r->issuer = s->issuer;
	strip_dots(&r->issuer, d->dots);
	size_t bad;
	r->issuer_bad = !issuer_readable(d->issuer, r->issuer, &bad);
	if (!r->issuer_bad)
		return;
	r->issuer_fault_at = s->issuer_at + bad;
	if (d->issuer == ISSUER_NO_EQUALS || d->issuer == ISSUER_TWO_LABELS) {
		r->fault = r->issuer.n ? PERDURE_FAULT_ISSUER : PERDURE_FAULT_NO_ISSUER;
		r->fault_at = r->issuer_fault_at;
	}
}

/*
 * Digits to a number that stops at the ends of int64_t. Returns false when t is not digits after an optional sign that
 * `signs` allows, or when it does not fit and must.
 */
static bool read_integer(struct perdure_text t, const char *signs, bool must_fit, int64_t *ret)
{
	size_t i = 0;
	bool minus = false, over = false;
	if (t.n && t.p[0] && strchr(signs, t.p[0])) {
		minus = t.p[0] == '-';
		i = 1;
	}
	if (i == t.n)
		return false;
	int64_t v = 0; /* kept negative: that side is the longer one */
	for (; i < t.n; i++) {
		if (!is_digit(t.p[i]))
			return false;
		over |= __builtin_mul_overflow(v, 10, &v);
		over |= __builtin_sub_overflow(v, t.p[i] - '0', &v);
		if (over)
			v = INT64_MIN / 16;
	}
	over |= !minus && v == INT64_MIN;
	if (over && must_fit)
		return false;
	if (over)
		*ret = minus ? INT64_MIN : INT64_MAX;
	else
		*ret = minus ? v : -v;
	return true;
}

/* Reads persistUntil; false when it is malformed in this dialect. */
static bool read_until(const struct dialect *d, struct perdure_text t, struct reading *r)
{
	int64_t v = 0;
	switch (d->until) {
	case UNTIL_TEXT:
		if (!read_integer(t, "-", false, &v))
			return false;
		break;
	case UNTIL_DIGITS:
		if (!t.n && d->until_empty_ok)
			return true;
		if (!read_integer(t, "", false, &v))
			return false;
		break;
	case UNTIL_GO:
		if (!read_integer(t, "+-", true, &v))
			return false;
		if (v == YEAR_1 && d->until_year1_ok)
			return true;
		if (v > GO_UNIX_MAX)
			v = INT64_MIN;
		break;
	case UNTIL_DOTNET:
		if (!read_integer(t, "+-", true, &v))
			return false;
		r->until_throws = v > PERDURE_UNTIL_MAX || v < YEAR_1;
		break;
	}
	r->has_until = true;
	r->until = v;
	return true;
}

static bool is_wildcard_policy(const struct dialect *d, struct perdure_text t)
{
	struct perdure_text word = {.p = "wildcard", .n = 8};
	return d->policy_exact ? text_eq(t, word) : text_eq_fold(t, word);
}

enum known { KNOWN_NONE = 0, KNOWN_ACCOUNT = 1, KNOWN_POLICY = 2, KNOWN_UNTIL = 4 };

static enum known known_tag(struct perdure_text t)
{
	switch (t.n) {
	case 10:
		return text_eq_fold(t, (struct perdure_text){.p = "accounturi", .n = 10}) ? KNOWN_ACCOUNT : KNOWN_NONE;
	case 6:
		return text_eq_fold(t, (struct perdure_text){.p = "policy", .n = 6}) ? KNOWN_POLICY : KNOWN_NONE;
	case 12:
		return text_eq_fold(t, (struct perdure_text){.p = "persistuntil", .n = 12}) ? KNOWN_UNTIL : KNOWN_NONE;
	default:
		return KNOWN_NONE;
	}
}

static void fault(struct reading *r, enum perdure_fault f, size_t at)
{
	if (r->fault != PERDURE_FAULT_NONE)
		return;
	r->fault = f;
	r->fault_at = at;
}

static void take_known(const struct dialect *d, enum known k, const struct perdure_param *param, struct reading *r)
{
	switch (k) {
	case KNOWN_ACCOUNT:
		r->account = param->value;
		r->account_at = param->value_at;
		r->has_account = param->value.n > 0 || d->account_empty_unauthorized;
		if (!r->has_account)
			fault(r, PERDURE_FAULT_NO_ACCOUNT, param->value_at);
		break;
	case KNOWN_POLICY:
		r->wildcard |= is_wildcard_policy(d, param->value);
		break;
	case KNOWN_NONE:
		break;
	case KNOWN_UNTIL:
		r->until_at = param->value_at;
		r->until_bad = !read_until(d, param->value, r);
		if (r->until_bad && !d->until_late)
			fault(r, PERDURE_FAULT_UNTIL, param->value_at);
		break;
	}
}

static enum perdure_status take_param(const struct dialect *d, struct scan *s, const struct perdure_param *param,
	unsigned *seen, struct tags *tags, struct reading *r)
{
	enum known k = known_tag(param->tag);
	if (!param->value.p) {
		if (k && d->known_needs_equals)
			fault(r, PERDURE_FAULT_NO_EQUALS, param->value_at);
		return PERDURE_OK;
	}
	if (k) {
		if ((*seen & k) && !(k == KNOWN_POLICY && d->dup_policy_ok))
			fault(r, PERDURE_FAULT_DUPLICATE, param->tag_at);
		*seen |= k;
		take_known(d, k, param, r);
		return PERDURE_OK;
	}
	if (!d->dup_unknown)
		return PERDURE_OK;
	uint32_t h = tag_hash(param->tag);
	if (tag_seen(tags, s, param, h))
		fault(r, PERDURE_FAULT_DUPLICATE, param->tag_at);
	return tags_add(tags, h) ? PERDURE_OK : PERDURE_ENOMEM;
}

enum perdure_status reading_params(const struct dialect *d, struct scan *s, struct reading *r)
{
	struct tags tags SCRATCH;
	tags.hash = tags.few;
	tags.n = 0;
	tags.cap = TAGS_INLINE;
	unsigned seen = 0;
	struct perdure_param param;
	enum perdure_status status = PERDURE_OK;
	int got = 0;
	while (r->fault == PERDURE_FAULT_NONE && status == PERDURE_OK && (got = scan_next(s, &param)) > 0)
		status = take_param(d, s, &param, &seen, &tags, r);
	tags_done(&tags);
	if (got < 0)
		fault(r, s->fault, s->fault_at);
	else if (!(seen & KNOWN_ACCOUNT))
		fault(r, PERDURE_FAULT_NO_ACCOUNT, s->n);
	return status;
}
