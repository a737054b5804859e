/* context.c: what an audit measures by. */
#include "watch/context.h"

#include <perdure/hash.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "watch/ct.h"
#include "watch/rules.h"

enum { DIGEST = 32, DAY = 86400 };

struct audit_context *context_new(int64_t now)
{
	struct audit_context *c = xcalloc(1, sizeof(*c));
	*c = (struct audit_context){
		.now = now,
		.expiry_s = (int64_t)30 * DAY,
		.ttl = 3600,
		.hash = {.fn = perdure_hash_openssl, .ctx = perdure_hash_openssl_new()},
	};
	return c;
}

static void ca_done(struct audit_ca *a)
{
	free(a->name);
	strv_done(&a->issuers);
	free(a->prefix);
	free(a->account_url);
	strv_done(&a->thumbprints);
	strv_done(&a->directory_issuers);
	strv_done(&a->caa_identities);
	free(a->any_digests);
}

void context_free(struct audit_context *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->n_cas; i++)
		ca_done(&c->cas[i]);
	free(c->cas);
	for (size_t i = 0; i < c->n_wants; i++)
		free(c->wants[i].fqdn);
	free(c->wants);
	for (size_t i = 0; i < c->n_ignores; i++) {
		free(c->ignores[i].rule);
		free(c->ignores[i].name);
	}
	free(c->ignores);
	strv_done(&c->issuers);
	strv_done(&c->accounts);
	strv_done(&c->zones);
	strv_done(&c->validation_zones);
	ct_free(c->ct);
	strv_done(&c->ct_issuers);
	perdure_hash_openssl_free(c->hash.ctx);
	free(c);
}

void context_freep(struct audit_context **c)
{
	context_free(*c);
}

struct audit_ca *context_add_ca(struct audit_context *c, const char *name)
{
	if (c->n_cas == c->cas_cap) {
		c->cas_cap = c->cas_cap ? c->cas_cap * 2 : 4;
		c->cas = xreallocarray(c->cas, c->cas_cap, sizeof(*c->cas));
	}
	c->cas[c->n_cas] = (struct audit_ca){.name = xstrdup(name)};
	return &c->cas[c->n_cas++];
}

void context_add_want(struct audit_context *c, const char *name, size_t ca, int64_t renew_at)
{
	bool wildcard = !strncmp(name, "*.", 2);
	if (c->n_wants == c->wants_cap) {
		c->wants_cap = c->wants_cap ? c->wants_cap * 2 : 64;
		c->wants = xreallocarray(c->wants, c->wants_cap, sizeof(*c->wants));
	}
	c->wants[c->n_wants++] = (struct audit_want){
		.fqdn = xstrdup(wildcard ? name + 2 : name),
		.ca = ca,
		.base = !wildcard,
		.wildcard = wildcard,
		.renew_at = renew_at,
	};
}

int context_add_ignore(struct audit_context *c, const char *rule, const char *name, struct err *e)
{
	if (rule && *rule && !rules_find(rule)) {
		err_set(e, ERR_CONFIG, "there is no rule \"%s\" to ignore", rule);
		err_hint(e, "\"perdure audit --list-rules\" lists them");
		return -1;
	}
	if (c->n_ignores == c->ignores_cap) {
		c->ignores_cap = c->ignores_cap ? c->ignores_cap * 2 : 8;
		c->ignores = xreallocarray(c->ignores, c->ignores_cap, sizeof(*c->ignores));
	}
	c->ignores[c->n_ignores++] =
		(struct audit_ignore){.rule = xstrdup(rule ? rule : ""), .name = xstrdup(name ? name : "")};
	return 0;
}

static int by_name_and_ca(const void *a, const void *b)
{
	const struct audit_want *x = a, *y = b;
	int d = strcmp(x->fqdn, y->fqdn);
	return d ? d : x->ca < y->ca ? -1 : x->ca > y->ca;
}

static void merge_wants(struct audit_context *c)
{
	size_t kept = 0;
	if (c->n_wants)
		qsort(c->wants, c->n_wants, sizeof(*c->wants), by_name_and_ca);
	for (size_t i = 0; i < c->n_wants; i++) {
		struct audit_want *w = &c->wants[i], *to = kept ? &c->wants[kept - 1] : NULL;
		if (!to || by_name_and_ca(to, w)) {
			c->wants[kept++] = *w;
			continue;
		}
		to->base |= w->base;
		to->wildcard |= w->wildcard;
		if (w->renew_at > to->renew_at)
			to->renew_at = w->renew_at;
		free(w->fqdn);
	}
	c->n_wants = kept;
}

static void mark_parents(struct audit_context *c)
{
	for (size_t i = 0; i < c->n_wants; i++)
		for (const char *p = name_parent(c->wants[i].fqdn); p && *p; p = name_parent(p)) {
			size_t n;
			const struct audit_want *w = context_wants(c, p, &n);
			for (size_t k = 0; k < n; k++)
				c->wants[w - c->wants + (ptrdiff_t)k].below = true;
		}
}

int context_ready(struct audit_context *c, struct err *e)
{
	merge_wants(c);
	mark_parents(c);
	for (size_t i = 0; i < c->n_cas; i++) {
		struct audit_ca *a = &c->cas[i];
		if (!a->account_url || !a->thumbprints.n)
			continue;
		a->any_digests = xcalloc(a->thumbprints.n, DIGEST);
		for (size_t k = 0; k < a->thumbprints.n; k++) {
			uint8_t digest[64];
			size_t n;
			enum perdure_status st = perdure_account_hash(
				&c->hash, "sha-256", "*", a->thumbprints.v[k], a->account_url, digest, &n);
			if (st || n != DIGEST)
				return err_set(e, ERR_CONFIG, "the account %s with the thumbprint \"%s\": %s",
					a->account_url, a->thumbprints.v[k], perdure_strerror(st));
			memcpy(a->any_digests + k * DIGEST, digest, DIGEST);
		}
	}
	return 0;
}

const struct audit_want *context_wants(const struct audit_context *c, const char *fqdn, size_t *ret_n)
{
	size_t lo = 0, hi = c->n_wants;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (strcmp(c->wants[mid].fqdn, fqdn) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	size_t n = 0;
	while (lo + n < c->n_wants && !strcmp(c->wants[lo + n].fqdn, fqdn))
		n++;
	*ret_n = n;
	return n ? &c->wants[lo] : NULL;
}

static bool equal(const char *s, const char *p, size_t n)
{
	return strlen(s) == n && !memcmp(s, p, n);
}

bool context_judges_issuers(const struct audit_context *c)
{
	for (size_t i = 0; i < c->n_cas; i++)
		if (c->cas[i].issuers.n)
			return true;
	return c->issuers.n > 0;
}

bool context_issuer(const struct audit_context *c, const char *issuer, size_t n, ssize_t *ret_ca)
{
	for (size_t i = 0; i < c->n_cas; i++)
		for (size_t k = 0; k < c->cas[i].issuers.n; k++)
			if (equal(c->cas[i].issuers.v[k], issuer, n)) {
				if (ret_ca)
					*ret_ca = (ssize_t)i;
				return true;
			}
	if (ret_ca)
		*ret_ca = -1;
	for (size_t k = 0; k < c->issuers.n; k++)
		if (equal(c->issuers.v[k], issuer, n))
			return true;
	return false;
}

enum { SKELETON = 256 };

/*
 * What an issuer name looks like at a glance: lower case, no dot at the end, letters that resemble each other made one,
 * of A-labels the ASCII letters only. Returns the length; 0 when it is too long to be one.
 */
static size_t skeleton(const char *p, size_t n, char out[static SKELETON])
{
	size_t k = 0;
	while (n && p[n - 1] == '.')
		n--;
	if (n >= SKELETON)
		return 0;
	for (size_t i = 0; i < n; i++) {
		bool label = !i || p[i - 1] == '.';
		if (label && n - i > 4 && !strncasecmp(p + i, "xn--", 4)) {
			size_t end = i + 4, hyphen = 0;
			for (; end < n && p[end] != '.'; end++)
				hyphen = p[end] == '-' ? end : hyphen;
			for (i += 4; hyphen && i < hyphen; i++)
				out[k++] = p[i];
			i = end - 1;
			continue;
		}
		char ch = p[i] >= 'A' && p[i] <= 'Z' ? (char)(p[i] - 'A' + 'a') : p[i];
		if (i && ch == 'n' && k && out[k - 1] == 'r')
			out[k - 1] = 'm';
		else if (i && ch == 'v' && k && out[k - 1] == 'v')
			out[k - 1] = 'w';
		else
			out[k++] = ch == '0' ? 'o' : ch == '1' || ch == 'i' ? 'l' : ch;
	}
	return k;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;
	return m < c ? m : c;
}

/* Insertions, deletions and substitutions between the two. */
static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t row[SKELETON + 1];
	for (size_t j = 0; j <= m; j++)
		row[j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t above = row[j];
			row[j] = least(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[m];
}

static void nearest(const struct strv *names, const char *look, size_t n, size_t *best, const char **ret)
{
	char other[SKELETON];
	for (size_t i = 0; i < names->n; i++) {
		size_t m = skeleton(names->v[i], strlen(names->v[i]), other);
		size_t most = m >= 10 ? 2 : m >= 5 ? 1 : 0;
		if (!m || n > m + most || m > n + most)
			continue;
		size_t d = distance(look, n, other, m);
		if (d <= most && d < *best) {
			*best = d;
			*ret = names->v[i];
		}
	}
}

const char *context_lookalike(const struct audit_context *c, const char *issuer, size_t n)
{
	char look[SKELETON];
	size_t k = skeleton(issuer, n, look), best = SIZE_MAX;
	const char *ret = NULL;
	if (!k || context_issuer(c, issuer, n, NULL))
		return NULL;
	for (size_t i = 0; i < c->n_cas; i++)
		nearest(&c->cas[i].issuers, look, k, &best, &ret);
	nearest(&c->issuers, look, k, &best, &ret);
	return ret;
}

static bool within_any(const struct strv *zones, const char *name)
{
	for (size_t i = 0; i < zones->n; i++)
		if (name_within(name, zones->v[i]))
			return true;
	return false;
}

bool context_validation_name(const struct audit_context *c, const char *name)
{
	return within_any(&c->validation_zones, name);
}

bool context_own_name(const struct audit_context *c, const char *name)
{
	if (within_any(&c->zones, name) || within_any(&c->validation_zones, name))
		return true;
	for (const char *p = name; p && *p; p = name_parent(p)) {
		size_t n;
		if (context_wants(c, p, &n))
			return true;
	}
	return false;
}

bool context_ignored(const struct audit_context *c, const char *rule, const char *name)
{
	for (size_t i = 0; i < c->n_ignores; i++) {
		const struct audit_ignore *g = &c->ignores[i];
		if (*g->rule && strcmp(g->rule, rule))
			continue;
		if (!*g->name || !strcmp(g->name, name))
			return true;
		if (!strncmp(g->name, "*.", 2) && strcmp(g->name + 2, name) && name_within(name, g->name + 2))
			return true;
	}
	return false;
}
