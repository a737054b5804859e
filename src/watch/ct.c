/* ct.c: certificates seen in the logs, found by name. */
#include "watch/ct.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "watch/ct_priv.h"

struct ct *ct_new(void)
{
	return xcalloc(1, sizeof(struct ct));
}

static void entry_done(struct ct_entry *t)
{
	strv_done(&t->names);
	free(t->issuer);
	free(t->serial);
	free(t->id);
}

void ct_free(struct ct *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n; i++)
		entry_done(&c->v[i]);
	for (size_t i = 0; i < c->n_keys; i++)
		free(c->keys[i].text);
	free(c->v);
	free(c->keys);
	strv_done(&c->known);
	free(c);
}

char *ct_serial(const char *text)
{
	char *out = xmalloc(strlen(text) + 1);
	size_t n = 0;
	for (const char *p = text; *p; p++) {
		char d = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;
		bool digit = (d >= '0' && d <= '9') || (d >= 'a' && d <= 'f');
		if (!digit && d != ':') {
			free(out);
			return NULL;
		}
		if (digit && (n || d != '0'))
			out[n++] = d;
	}
	out[n] = '\0';
	return out;
}

void ct_know(struct ct *c, const char *serial)
{
	char *s = ct_serial(serial);
	if (s)
		strv_add_take(&c->known, s);
}

size_t ct_count(const struct ct *c)
{
	return c->n;
}

/* --- looking up --- */

/* The octets from last to first, so that all names below one begin alike. */
static char *backwards(const char *name)
{
	size_t n = strlen(name);
	char *out = xmalloc(n + 1);
	for (size_t i = 0; i < n; i++)
		out[i] = name[n - 1 - i];
	out[n] = '\0';
	return out;
}

static int by_text(const void *a, const void *b)
{
	const struct ct_key *x = a, *y = b;
	int d = strcmp(x->text, y->text);
	return d ? d : (x->entry > y->entry) - (x->entry < y->entry);
}

/* By serial and issuer, and then in the order of the files. */
static int by_serial(const void *a, const void *b, void *ctx)
{
	const struct ct *c = ctx;
	const size_t i = *(const size_t *)a, k = *(const size_t *)b;
	int d = strcmp(c->v[i].serial, c->v[k].serial);
	d = d ? d : strcmp(c->v[i].issuer, c->v[k].issuer);
	return d ? d : (i > k) - (i < k);
}

/* The certificate and what was logged before it was made are two entries of one serial: the first stays. */
static void merge(struct ct *c)
{
	size_t *order = xcalloc(c->n ? c->n : 1, sizeof(*order)), kept = 0;
	bool *again = xcalloc(c->n ? c->n : 1, sizeof(*again));
	for (size_t i = 0; i < c->n; i++)
		order[i] = i;
	if (c->n)
		qsort_r(order, c->n, sizeof(*order), by_serial, c);
	for (size_t i = 1; i < c->n; i++)
		again[order[i]] = !strcmp(c->v[order[i]].serial, c->v[order[i - 1]].serial) &&
				  !strcmp(c->v[order[i]].issuer, c->v[order[i - 1]].issuer);
	for (size_t i = 0; i < c->n; i++) {
		if (again[i])
			entry_done(&c->v[i]);
		else
			c->v[kept++] = c->v[i];
	}
	c->n = kept;
	free(order);
	free(again);
}

static int by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void ct_ready(struct ct *c)
{
	size_t n = 0;
	merge(c);
	strv_sort_unique(&c->known);
	for (size_t i = 0; i < c->n; i++)
		n += c->v[i].names.n;
	c->keys = xcalloc(n ? n : 1, sizeof(*c->keys));
	for (size_t i = 0; i < c->n; i++) {
		struct ct_entry *t = &c->v[i];
		t->ours = c->known.n && bsearch(&t->serial, c->known.v, c->known.n, sizeof(*c->known.v), by_string);
		for (size_t k = 0; k < t->names.n; k++)
			c->keys[c->n_keys++] = (struct ct_key){backwards(t->names.v[k]), i};
	}
	if (c->n_keys)
		qsort(c->keys, c->n_keys, sizeof(*c->keys), by_text);
}

/* The first key that is not less than text. */
static size_t first(const struct ct *c, const char *text)
{
	size_t lo = 0, hi = c->n_keys;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(c->keys[mid].text, text) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct found_list {
	size_t *v;
	size_t n, cap;
};

static void add_found(struct found_list *l, size_t entry)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->v = xreallocarray(l->v, l->cap, sizeof(*l->v));
	}
	l->v[l->n++] = entry;
}

/* All keys equal to text, or with `prefix` all that begin with it. */
static void add_keys(const struct ct *c, const char *text, bool prefix, struct found_list *l)
{
	size_t n = strlen(text);
	for (size_t i = first(c, text); i < c->n_keys; i++) {
		if (strncmp(c->keys[i].text, text, n) != 0 || (!prefix && c->keys[i].text[n]))
			return;
		add_found(l, c->keys[i].entry);
	}
}

static int by_number(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	return (x > y) - (x < y);
}

void ct_each(
	const struct ct *c, const char *fqdn, bool below, void (*fn)(const struct ct_entry *t, void *ctx), void *ctx)
{
	struct found_list l = {0};
	AUTO(xfreep) char *own = backwards(fqdn);
	AUTO(xfreep) char *under = xasprintf("%s.%s", own, below ? "" : "*");
	const char *parent = strchr(fqdn, '.');
	add_keys(c, own, false, &l);
	add_keys(c, under, below, &l);
	if (parent) {
		AUTO(xfreep) char *up = backwards(parent + 1);
		AUTO(xfreep) char *wildcard = xasprintf("%s.*", up);
		add_keys(c, wildcard, false, &l);
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_number);
	for (size_t i = 0; i < l.n; i++)
		if (!i || l.v[i] != l.v[i - 1])
			fn(&c->v[l.v[i]], ctx);
	free(l.v);
}

/* --- issuers --- */

static bool white_or_comma(char c)
{
	return c == ' ' || c == ',' || c == '/' || c == '+';
}

/* Whether the attribute that begins at p, "O=" or "CN=", has this value up to the next attribute. */
static bool attribute_is(const char *p, const char *meant, size_t n)
{
	bool quoted = *p == '"';
	p += quoted;
	if (strncasecmp(p, meant, n) != 0)
		return false;
	p += n;
	return !*p || (quoted && *p == '"') || *p == ',' || *p == '/' || *p == '+' || !strncmp(p, " + ", 3);
}

bool ct_issuer_is(const char *issuer, const char *meant)
{
	static const char *const types[] = {"O=", "CN=", "O = ", "CN = "};
	size_t n = strlen(meant);
	if (!n)
		return false;
	if (!strcasecmp(issuer, meant))
		return true;
	for (const char *p = issuer; *p; p++) {
		if (p != issuer && !white_or_comma(p[-1]))
			continue;
		for (size_t i = 0; i < ARRAY_LEN(types); i++)
			if (!strncmp(p, types[i], strlen(types[i])) && attribute_is(p + strlen(types[i]), meant, n))
				return true;
	}
	return false;
}
