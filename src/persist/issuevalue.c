/*
 * issuevalue.c: the issue-value of RFC 8659 section 4.2, scanned parameter by parameter without allocating.
 */
#include "persist/internal.h"

#include <stdlib.h>

const bool value_octets[256] = {[0x21 ... ';' - 1] = true, [';' + 1 ... 0x7E] = true};

const struct scan_rules scan_strict = {.lone_semicolon = true};

static bool is_space(const struct scan_rules *rules, char c)
{
	if (c == ' ' || c == '\t')
		return true;
	return rules->any_space && ((c >= 0x0A && c <= 0x0D) || (c >= 0x1C && c <= 0x1F));
}

/* Narrows [*from, *to) to what is between the white space. */
static void trim(const struct scan *s, size_t *from, size_t *to)
{
	while (*from < *to && is_space(s->rules, s->p[*from]))
		(*from)++;
	while (*to > *from && is_space(s->rules, s->p[*to - 1]))
		(*to)--;
}

/* The position of the octet c in [from, to), or to. */
static size_t find(const struct scan *s, size_t from, size_t to, char c)
{
	const char *hit = from < to ? memchr(s->p + from, c, to - from) : NULL;
	return hit ? (size_t)(hit - s->p) : to;
}

static int fail(struct scan *s, enum perdure_fault fault, size_t at)
{
	s->fault = fault;
	s->fault_at = at;
	return -1;
}

void scan_open(struct scan *s, const struct scan_rules *rules, const char *p, size_t n)
{
	if (!p)
		p = ""; /* nothing may come as NULL and 0 */
	*s = (struct scan){.rules = rules, .p = p, .n = n, .first = true};
	size_t end = find(s, 0, n, ';');
	size_t from = 0, to = end;
	trim(s, &from, &to);
	s->issuer = (struct perdure_text){.p = p + from, .n = to - from};
	s->issuer_at = from;
	s->more = end < n;
	s->at = end + 1;
}

/* A tag is letters and digits, with hyphens inside. Returns the position of the octet that does not fit, or `to`. */
static size_t bad_tag_octet(const struct scan *s, size_t from, size_t to)
{
	if (from < to && s->p[from] == '-')
		return from;
	for (size_t i = from; i < to; i++)
		if (!is_alnum(s->p[i]) && s->p[i] != '-')
			return i;
	return to > from && s->p[to - 1] == '-' ? to - 1 : to;
}

static int read_param(struct scan *s, size_t from, size_t to, size_t equals, struct perdure_param *ret)
{
	size_t tag_from = from, tag_to = equals;
	trim(s, &tag_from, &tag_to);
	if (tag_from == tag_to && !s->rules->empty_tag)
		return fail(s, PERDURE_FAULT_TAG, equals);
	if (!s->rules->any_tag) {
		size_t bad = bad_tag_octet(s, tag_from, tag_to);
		if (bad < tag_to)
			return fail(s, PERDURE_FAULT_TAG, bad);
	}
	size_t value_from = equals + 1, value_to = to;
	trim(s, &value_from, &value_to);
	if (!s->rules->any_value)
		for (size_t i = value_from; i < value_to; i++)
			if (!is_value_octet(s->p[i]))
				return fail(s, PERDURE_FAULT_VALUE, i);
	ret->tag = (struct perdure_text){.p = s->p + tag_from, .n = tag_to - tag_from};
	ret->tag_at = tag_from;
	ret->value = (struct perdure_text){.p = s->p + value_from, .n = value_to - value_from};
	ret->value_at = value_from;
	return 1;
}

int scan_next(struct scan *s, struct perdure_param *ret)
{
	while (s->more) {
		size_t start = s->at;
		size_t end = find(s, start, s->n, ';');
		size_t from = start, to = end;
		trim(s, &from, &to);
		bool last = end == s->n, first = s->first;
		s->more = !last;
		s->at = end + 1;
		s->first = false;
		if (from == to) {
			if (s->rules->skip_empty || (first && last && s->rules->lone_semicolon))
				continue;
			/* The `;` that is too much: the one after the emptiness, or the last one of all. */
			return fail(s, PERDURE_FAULT_EMPTY, last ? start - 1 : end);
		}
		size_t equals = find(s, from, to, '=');
		if (equals < to)
			return read_param(s, from, to, equals, ret);
		if (!s->rules->skip_no_equals)
			return fail(s, PERDURE_FAULT_NO_EQUALS, to);
		ret->tag = (struct perdure_text){.p = s->p + from, .n = to - from};
		ret->tag_at = from;
		ret->value = (struct perdure_text){.p = NULL, .n = 0};
		ret->value_at = to;
		return 1;
	}
	return 0;
}

bool issuer_grammar(struct perdure_text t, size_t *ret_at)
{
	size_t i;
	for (i = 0; i < t.n && i < PERDURE_ISSUER_MAX; i++) {
		char c = t.p[i];
		bool label_start = i == 0 || t.p[i - 1] == '.';
		bool label_end = i + 1 == t.n || t.p[i + 1] == '.';
		bool fits = is_alnum(c) || (c == '-' && !label_start && !label_end) ||
			    (c == '.' && !label_start && i + 1 < t.n);
		if (!fits)
			break;
	}
	if (ret_at)
		*ret_at = i < t.n ? i : 0;
	return t.n > 0 && i == t.n;
}

static enum perdure_status add_param(struct perdure_issuevalue *v, size_t *cap, const struct perdure_param *p)
{
	if (v->n_params == *cap) {
		size_t want = *cap ? *cap * 2 : 8;
		struct perdure_param *more = realloc(v->params, want * sizeof(*more));
		if (!more)
			return PERDURE_ENOMEM;
		v->params = more;
		*cap = want;
	}
	v->params[v->n_params++] = *p;
	return PERDURE_OK;
}

static enum perdure_status refuse(struct perdure_issuevalue *v, enum perdure_fault fault, size_t at)
{
	v->fault = fault;
	v->fault_at = at;
	return PERDURE_EMALFORMED;
}

enum perdure_status perdure_issuevalue_parse(const char *p, size_t n, struct perdure_issuevalue *ret)
{
	*ret = (struct perdure_issuevalue){0};
	struct scan s;
	scan_open(&s, &scan_strict, p, n);
	size_t bad = 0;
	ret->issuer_at = s.issuer_at;
	if (s.issuer.n && !issuer_grammar(s.issuer, &bad))
		return refuse(ret, PERDURE_FAULT_ISSUER, s.issuer_at + bad);
	ret->issuer = s.issuer;
	struct perdure_param param;
	size_t cap = 0;
	int r;
	while ((r = scan_next(&s, &param)) > 0)
		if (add_param(ret, &cap, &param) != PERDURE_OK)
			return PERDURE_ENOMEM;
	return r < 0 ? refuse(ret, s.fault, s.fault_at) : PERDURE_OK;
}

void perdure_issuevalue_done(struct perdure_issuevalue *v)
{
	free(v->params);
	*v = (struct perdure_issuevalue){0};
}
