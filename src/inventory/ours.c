/* ours.c: whose a validation record is. */
#include "inventory/ours.h"

#include <perdure/hash.h>
#include <perdure/persist.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/name.h"
#include "inventory/cafacts.h"
#include "inventory/site.h"
#include "inventory/written.h"

void ours_done(struct ours *o)
{
	for (size_t i = 0; i < o->n; i++) {
		struct ours_account *a = &o->v[i];
		free(a->ca);
		strv_done(&a->issuers);
		free(a->url);
		strv_done(&a->thumbprints);
		free(a->prefix);
	}
	free(o->v);
	strv_done(&o->zones);
	written_free(o->written);
	*o = (struct ours){0};
}

static void copy(struct strv *to, const struct strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		strv_add(to, from->v[i]);
}

void ours_add(struct ours *o, const struct site_ca *ca, const struct cafacts *f)
{
	if (!ca->account.url[0])
		return;
	o->v = xreallocarray(o->v, o->n + 1, sizeof(*o->v));
	struct ours_account *a = &o->v[o->n++];
	*a = (struct ours_account){.ca = xstrdup(ca->conf->name),
		.url = xstrdup(ca->account.url),
		.prefix = f->prefix ? xstrdup(f->prefix) : NULL};
	copy(&a->issuers, &f->issuers);
	copy(&a->thumbprints, &ca->account.thumbprints);
}

void ours_add_url(struct ours *o, const char *url)
{
	o->v = xreallocarray(o->v, o->n + 1, sizeof(*o->v));
	o->v[o->n++] = (struct ours_account){.ca = xstrdup(""), .url = xstrdup(url)};
}

bool ours_target(const struct ours *o, const char *target)
{
	size_t n = strlen(target);
	AUTO(xfreep) char *name = xstrndup(target, n && target[n - 1] == '.' ? n - 1 : n);
	for (size_t i = 0; i < o->zones.n; i++)
		if (name_within(name, o->zones.v[i]))
			return true;
	return false;
}

static bool is(struct perdure_text t, const char *s)
{
	return t.n == strlen(s) && !memcmp(t.p, s, t.n);
}

/* Whether uri is the hash of the account with any of its keys. The name of the hash stands between prefix and digest.
 */
static bool hashed(const struct ours_account *a, const char *fqdn, struct perdure_text uri)
{
	static const struct perdure_hash hash = {.fn = perdure_hash_openssl};
	size_t n_prefix = a->prefix ? strlen(a->prefix) : 0;
	const char *slash = n_prefix && uri.n > n_prefix && !memcmp(uri.p, a->prefix, n_prefix)
				    ? memchr(uri.p + n_prefix, '/', uri.n - n_prefix)
				    : NULL;
	if (!slash)
		return false;
	AUTO(xfreep) char *alg = xstrndup(uri.p + n_prefix, (size_t)(slash - uri.p) - n_prefix);
	for (size_t i = 0; i < 2 * a->thumbprints.n; i++) {
		char *expected = NULL;
		bool same = perdure_account_uri(&hash, alg, a->prefix, i % 2 ? "*" : fqdn, a->thumbprints.v[i / 2],
				    a->url, &expected) == PERDURE_OK &&
			    is(uri, expected);
		perdure_free(expected);
		if (same)
			return true;
	}
	return false;
}

const char *ours_whose(const struct ours *o, const char *fqdn, const char *value, size_t n)
{
	struct perdure_record r;
	if (perdure_record_read(value, n, &r, NULL, NULL) != PERDURE_OK)
		return NULL;
	for (size_t i = 0; i < o->n; i++) {
		const struct ours_account *a = &o->v[i];
		bool issuer = !a->issuers.n;
		for (size_t k = 0; k < a->issuers.n; k++)
			issuer |= is(r.issuer, a->issuers.v[k]);
		if (issuer && (is(r.account_uri, a->url) || hashed(a, fqdn, r.account_uri)))
			return a->ca;
	}
	return NULL;
}
