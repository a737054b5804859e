/* facts.c: one name as it was found, and what its records say in the light of the context. */
#include "watch/facts.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/codec.h"
#include "base/err.h"
#include "base/xalloc.h"
#include "watch/context.h"

enum { DIGEST_MAX = 64, ALG_MAX = 32 };

struct facts_set *facts_add_set(struct facts *f, const char *server, size_t n_servers, uint32_t ttl)
{
	f->sets = xreallocarray(f->sets, f->n_sets + 1, sizeof(*f->sets));
	f->sets[f->n_sets] = (struct facts_set){.server = server, .n_servers = n_servers, .ttl = ttl};
	return &f->sets[f->n_sets++];
}

void facts_add_rr(struct facts_set *s, const struct perdure_text *strings, size_t n)
{
	struct facts_rr rr = {.n_strings = n, .ca = -1, .account_ca = -1};
	for (size_t i = 0; i < n; i++)
		rr.n += strings[i].n;
	char *p = rr.p = xmalloc(rr.n + 1);
	rr.strings = xcalloc(n ? n : 1, sizeof(*rr.strings));
	for (size_t i = 0; i < n; i++) {
		if (strings[i].n)
			memcpy(p, strings[i].p, strings[i].n);
		rr.strings[i] = (struct perdure_text){p, strings[i].n};
		p += strings[i].n;
	}
	*p = '\0';
	s->rr = xreallocarray(s->rr, s->n + 1, sizeof(*s->rr));
	s->rr[s->n++] = rr;
}

void facts_add_server(struct facts *f, const char *server, enum facts_answer answer, const char *text)
{
	f->servers = xreallocarray(f->servers, f->n_servers + 1, sizeof(*f->servers));
	f->servers[f->n_servers++] = (struct facts_server){.server = server, .answer = answer, .text = text};
}

void facts_done(struct facts *f)
{
	for (size_t i = 0; i < f->n_sets; i++) {
		for (size_t k = 0; k < f->sets[i].n; k++) {
			free(f->sets[i].rr[k].p);
			free(f->sets[i].rr[k].strings);
		}
		free(f->sets[i].rr);
	}
	free(f->sets);
	free(f->servers);
	*f = (struct facts){0};
}

static bool white(char c)
{
	return c == ' ' || c == '\t';
}

/* What stands before the first `;`, white space aside: whom the record means, also when the rest cannot be read. */
static struct perdure_text issuer_of(const char *p, size_t n)
{
	const char *semicolon = memchr(p, ';', n);
	const char *end = semicolon ? semicolon : p + n;
	while (p < end && white(*p))
		p++;
	while (end > p && white(end[-1]))
		end--;
	return (struct perdure_text){p, (size_t)(end - p)};
}

/* The parts of a hashed account URI: prefix, hash name, digest. */
struct hashed {
	size_t prefix; /* octets */
	char alg[ALG_MAX];
	size_t want; /* octets of a digest of that hash; 0 for a hash that may not be used */
	uint8_t digest[DIGEST_MAX];
	size_t n; /* 0 when it is no base64url of the right length */
};

static void read_digest(struct hashed *h, const char *p, size_t n)
{
	AUTO(buf_done) struct buf raw = buf_make(DIGEST_MAX);
	struct err ignored = {0};
	if (codec_b64url_decode(&raw, p, n, &ignored) == 0 && raw.n == h->want) {
		memcpy(h->digest, raw.p, raw.n);
		h->n = raw.n;
	}
	err_done(&ignored);
}

/* Splits "PREFIX" "alg/digest" behind a known prefix. */
static bool split_known(const struct perdure_text *uri, const char *prefix, struct hashed *h)
{
	size_t n = strlen(prefix);
	if (uri->n < n || memcmp(uri->p, prefix, n) != 0)
		return false;
	*h = (struct hashed){.prefix = n};
	const char *rest = uri->p + n, *end = uri->p + uri->n;
	const char *slash = memchr(rest, '/', (size_t)(end - rest));
	if (!slash || (size_t)(slash - rest) >= ALG_MAX)
		return true;
	memcpy(h->alg, rest, (size_t)(slash - rest));
	h->want = perdure_hash_length(h->alg);
	if (h->want)
		read_digest(h, slash + 1, (size_t)(end - slash - 1));
	return true;
}

/* The same without knowing the prefix: a hash name at the end of what stands before the last slash, and a digest. */
static bool split_unknown(const struct perdure_text *uri, struct hashed *h)
{
	static const char *const algs[] = {
		"sha-256", "sha-384", "sha-512", "sha3-256", "sha3-384", "sha3-512", "blake2s-256", "blake2b-512"};
	const char *slash = memrchr(uri->p, '/', uri->n);
	if (!slash)
		return false;
	size_t head = (size_t)(slash - uri->p);
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		size_t n = strlen(algs[i]);
		if (head < n || memcmp(slash - n, algs[i], n) != 0)
			continue;
		*h = (struct hashed){.prefix = head - n, .want = perdure_hash_length(algs[i])};
		memcpy(h->alg, algs[i], n + 1);
		read_digest(h, slash + 1, uri->n - head - 1);
		return h->n > 0;
	}
	return false;
}

static bool split_uri(const struct facts_rr *rr, const struct audit_context *c, struct hashed *h)
{
	for (size_t i = 0; i < c->n_cas; i++)
		if (c->cas[i].prefix && split_known(&rr->rec.account_uri, c->cas[i].prefix, h))
			return true;
	return split_unknown(&rr->rec.account_uri, h);
}

/* Whether an account may be meant by a record with that issuer. */
static bool may_be(const struct audit_ca *a, const struct facts_rr *rr)
{
	if (!a->account_url)
		return false;
	if (!a->issuers.n)
		return true;
	for (size_t i = 0; i < a->issuers.n; i++)
		if (strlen(a->issuers.v[i]) == rr->issuer.n && !memcmp(a->issuers.v[i], rr->issuer.p, rr->issuer.n))
			return true;
	return false;
}

static bool digest_is(const struct audit_context *c, const struct hashed *h, const struct audit_ca *a,
	size_t thumbprint, const char *domain)
{
	uint8_t digest[DIGEST_MAX];
	size_t n;
	return !perdure_account_hash(
		       &c->hash, h->alg, domain, a->thumbprints.v[thumbprint], a->account_url, digest, &n) &&
	       n == h->n && !memcmp(digest, h->digest, n);
}

/* Whether the digest is over "*"; those of SHA-256 are here already. */
static bool any_digest_is(const struct audit_context *c, const struct hashed *h, const struct audit_ca *a, size_t k)
{
	if (strcmp(h->alg, "sha-256") != 0 || !a->any_digests)
		return digest_is(c, h, a, k, "*");
	return !memcmp(a->any_digests + k * h->n, h->digest, h->n);
}

static bool explain_hashed(
	struct facts_rr *rr, const struct audit_context *c, const struct hashed *h, size_t ca, const char *fqdn)
{
	const struct audit_ca *a = &c->cas[ca];
	for (size_t k = 0; k < a->thumbprints.n; k++) {
		bool any = any_digest_is(c, h, a, k);
		if (!any && !digest_is(c, h, a, k, fqdn))
			continue;
		rr->any_domain = any;
		rr->account = k ? FACTS_ACCOUNT_OLD_KEY : FACTS_ACCOUNT_OURS;
		rr->account_ca = (ssize_t)ca;
		return true;
	}
	return false;
}

/* A record behind an alias is often one that was made for another name: whose is it? */
static bool explain_by_other(struct facts_rr *rr, const struct audit_context *c, const struct hashed *h, size_t ca)
{
	const struct audit_ca *a = &c->cas[ca];
	for (size_t k = 0; k < a->thumbprints.n; k++)
		for (size_t i = 0; i < c->n_wants; i++)
			if ((!i || strcmp(c->wants[i].fqdn, c->wants[i - 1].fqdn)) &&
				digest_is(c, h, a, k, c->wants[i].fqdn)) {
				rr->account = FACTS_ACCOUNT_OTHER_NAME;
				rr->account_ca = (ssize_t)ca;
				rr->other_name = c->wants[i].fqdn;
				return true;
			}
	return false;
}

/* Judges the digest by every account that may be meant; false when there is none to judge it by. */
static bool read_hashed(
	struct facts_rr *rr, const struct audit_context *c, const struct facts *f, const struct hashed *h)
{
	bool judged = false;
	for (size_t i = 0; i < c->n_cas; i++) {
		if (!may_be(&c->cas[i], rr) || !c->cas[i].thumbprints.n)
			continue;
		judged = true;
		if (explain_hashed(rr, c, h, i, f->fqdn))
			return true;
	}
	for (size_t i = 0; i < c->n_cas && f->alias.chain && f->alias.chain->n; i++)
		if (may_be(&c->cas[i], rr) && explain_by_other(rr, c, h, i))
			return true;
	return judged;
}

static bool is_text(const char *s, const struct perdure_text *t)
{
	return strlen(s) == t->n && !memcmp(s, t->p, t->n);
}

static void read_account(struct facts_rr *rr, const struct audit_context *c, const struct facts *f)
{
	struct hashed h;
	bool judged = c->accounts.n > 0;
	rr->hashed = split_uri(rr, c, &h);
	for (size_t i = 0; i < c->accounts.n; i++)
		if (is_text(c->accounts.v[i], &rr->rec.account_uri)) {
			rr->account = FACTS_ACCOUNT_ALLOWED;
			return;
		}
	if (rr->hashed && !h.n) {
		rr->account = FACTS_ACCOUNT_ILL_FORMED;
		return;
	}
	if (rr->hashed) {
		if (read_hashed(rr, c, f, &h) && rr->account == FACTS_ACCOUNT_NONE)
			rr->account = FACTS_ACCOUNT_FOREIGN;
		return;
	}
	for (size_t i = 0; i < c->n_cas; i++) {
		if (!may_be(&c->cas[i], rr))
			continue;
		judged = true;
		if (is_text(c->cas[i].account_url, &rr->rec.account_uri)) {
			rr->account = FACTS_ACCOUNT_OURS;
			rr->account_ca = (ssize_t)i;
			return;
		}
	}
	if (judged)
		rr->account = FACTS_ACCOUNT_FOREIGN;
}

static bool same_rr(const struct facts_rr *a, const struct facts_rr *b)
{
	if (a->n != b->n || a->n_strings != b->n_strings || memcmp(a->p, b->p, a->n) != 0)
		return false;
	for (size_t i = 0; i < a->n_strings; i++)
		if (a->strings[i].n != b->strings[i].n)
			return false;
	return true;
}

static bool has_rr(const struct facts_set *s, const struct facts_rr *rr)
{
	for (size_t i = 0; i < s->n; i++)
		if (same_rr(&s->rr[i], rr))
			return true;
	return false;
}

static void compare_sets(const struct facts *f, const struct facts_set *of, struct facts_rr *rr)
{
	rr->everywhere = true;
	for (const struct facts_set *s = f->sets; s < f->sets + f->n_sets; s++) {
		if (s == of)
			continue;
		bool there = has_rr(s, rr);
		rr->everywhere &= there;
		rr->again |= there && s < of;
	}
}

static void read_rr(struct facts_rr *rr, const struct audit_context *c, const struct facts *f)
{
	rr->readable = perdure_record_read(rr->p, rr->n, &rr->rec, &rr->fault, &rr->at) == PERDURE_OK;
	rr->issuer = rr->readable ? rr->rec.issuer : issuer_of(rr->p, rr->n);
	rr->issuer_known = context_issuer(c, rr->issuer.p, rr->issuer.n, &rr->ca);
	if (rr->readable)
		read_account(rr, c, f);
}

void facts_read(struct facts *f, const struct audit_context *c)
{
	f->wants = context_wants(c, f->fqdn, &f->n_wants);
	for (struct facts_set *s = f->sets; s < f->sets + f->n_sets; s++)
		for (size_t i = 0; i < s->n; i++) {
			compare_sets(f, s, &s->rr[i]);
			read_rr(&s->rr[i], c, f);
		}
}
