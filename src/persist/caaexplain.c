/*
 * caaexplain.c: a CAA verdict in words, and what would mend it.
 */
#include "perdure/caa.h"

#include <stdio.h>
#include <stdlib.h>

#include "persist/internal.h"

const char *perdure_caa_reason_text(enum perdure_caa_reason reason)
{
	static const char *const texts[] = {
		[PERDURE_CAA_NAMED] = "a CAA record names the CA",
		[PERDURE_CAA_NO_SET] = "no CAA record restricts who may issue",
		[PERDURE_CAA_UNRESTRICTED] = "the CAA records say nothing about such a request",
		[PERDURE_CAA_FORBIDDEN] = "CAA forbids every CA to issue",
		[PERDURE_CAA_OTHERS] = "CAA names other CAs only",
		[PERDURE_CAA_METHOD] = "CAA names the CA, but not this validation method",
		[PERDURE_CAA_ACCOUNT] = "CAA names the CA, but another account",
		[PERDURE_CAA_ACCOUNT_HASHED] =
			"CAA names the CA, but with a hashed account URI where the account URL belongs",
		[PERDURE_CAA_UNSATISFIABLE] =
			"CAA names the CA, but a parameter is repeated or malformed, so that nothing can satisfy it",
		[PERDURE_CAA_SYNTAX] = "a CAA value is malformed and so names nobody",
		[PERDURE_CAA_CRITICAL] = "a CAA record that CAs do not know is marked critical",
		[PERDURE_CAA_MALFORMED] = "the octets of a CAA record make no sense",
	};
	_Static_assert(ARRAY_LEN(texts) == PERDURE_CAA_REASON_N_, "one text per reason");
	return reason < PERDURE_CAA_REASON_N_ ? texts[reason] : "unknown reason";
}

enum { SENTENCE_MAX = 900 };

enum perdure_status perdure_caa_explain(const struct perdure_caa_question *q, const struct perdure_text *rdatas,
	const struct perdure_caa_verdict *v, char **ret_sentence)
{
	char *record = NULL;
	const char *issuer = q->n_issuers ? q->issuers[v->i_issuer < q->n_issuers ? v->i_issuer : 0] : "?";
	const char *method = q->method ? q->method : "dns-persist-01";
	if (v->rr >= 0) {
		enum perdure_status st = perdure_caa_present(rdatas[v->rr].p, rdatas[v->rr].n, &record);
		if (st != PERDURE_OK)
			return st;
	}
	char *s = malloc(SENTENCE_MAX);
	if (!s) {
		free(record);
		return PERDURE_ENOMEM;
	}
	int n = snprintf(s, SENTENCE_MAX, "%s", perdure_caa_reason_text(v->reason));
	if (v->reason == PERDURE_CAA_METHOD)
		n += snprintf(s + n, SENTENCE_MAX - (size_t)n, " (wanted: %.60s)", method);
	else if (v->reason == PERDURE_CAA_ACCOUNT || v->reason == PERDURE_CAA_ACCOUNT_HASHED)
		n += snprintf(
			s + n, SENTENCE_MAX - (size_t)n, " (wanted: %.300s)", q->account_url ? q->account_url : "?");
	else if (!v->allowed && v->reason != PERDURE_CAA_CRITICAL && v->reason != PERDURE_CAA_MALFORMED)
		n += snprintf(s + n, SENTENCE_MAX - (size_t)n, " (wanted: %.253s)", issuer);
	if (record)
		snprintf(s + n, SENTENCE_MAX - (size_t)n, ": %.400s", record);
	free(record);
	*ret_sentence = s;
	return PERDURE_OK;
}

/* A value being put together. */
struct value {
	char *p;
	size_t n, cap;
	bool short_of_memory;
};

static void put(struct value *v, const char *p, size_t n)
{
	if (!v->p || v->n + n + 1 > v->cap) {
		size_t cap = (v->n + n + 1) * 2;
		char *more = realloc(v->p, cap);
		if (!more) {
			v->short_of_memory = true;
			return;
		}
		v->p = more;
		v->cap = cap;
	}
	memcpy(v->p + v->n, p, n);
	v->n += n;
	v->p[v->n] = '\0';
}

static void put_str(struct value *v, const char *s)
{
	put(v, s, strlen(s));
}

/* The property once more, with the method and the account as they must be; other parameters stay. */
static void put_mended(struct value *out, const struct perdure_caa_question *q, const struct perdure_caa *c,
	enum perdure_caa_reason why)
{
	struct scan s;
	struct perdure_param p;
	const char *method = q->method ? q->method : "dns-persist-01";
	bool account_done = false, methods_done = false;
	scan_open(&s, &scan_strict, c->value.p, c->value.n);
	put(out, s.issuer.p, s.issuer.n);
	while (scan_next(&s, &p) > 0) {
		bool account = text_eq_fold(p.tag, text_of("accounturi"));
		bool methods = text_eq_fold(p.tag, text_of("validationmethods"));
		if ((account && account_done) || (methods && methods_done))
			continue;
		account_done |= account;
		methods_done |= methods;
		put_str(out, ";");
		put(out, p.tag.p, p.tag.n);
		put_str(out, "=");
		if (account && q->account_url)
			put_str(out, q->account_url);
		else if (methods && why == PERDURE_CAA_UNSATISFIABLE)
			put_str(out, method);
		else
			put(out, p.value.p, p.value.n);
		if (methods && why != PERDURE_CAA_UNSATISFIABLE && !caa_lists_method(p.value, method)) {
			put_str(out, ",");
			put_str(out, method);
		}
	}
}

static enum perdure_status make_line(const struct value *v, const char *tag, unsigned flags, const char *owner,
	uint32_t ttl, struct perdure_caa_fix *ret)
{
	/* Nothing that goes into a value needs escaping in a zone file. */
	size_t size = strlen(owner) + strlen(tag) + v->n + 64;
	ret->line = malloc(size);
	if (!ret->line)
		return PERDURE_ENOMEM;
	snprintf(ret->line, size, "%s. %lu IN CAA %u %s \"%s\"", owner, (unsigned long)ttl, flags, tag, v->p);
	return PERDURE_OK;
}

enum perdure_status perdure_caa_fix(const struct perdure_caa_question *q, const struct perdure_text *rdatas,
	const struct perdure_caa_verdict *v, const char *owner, uint32_t ttl, struct perdure_caa_fix *ret)
{
	struct perdure_caa c = {.kind = PERDURE_CAA_ISSUE};
	struct perdure_caa_fix f = {.replaces = -1};
	struct value value = {0};
	if (v->allowed || !q->n_issuers)
		return PERDURE_EINVAL;
	if (q->account_url && uri_ok(q->account_url) != PERDURE_OK)
		return PERDURE_EURI;
	if (v->reason == PERDURE_CAA_CRITICAL || v->reason == PERDURE_CAA_MALFORMED) {
		f.replaces = v->rr;
		*ret = f;
		return PERDURE_OK;
	}
	if (v->rr >= 0 && perdure_caa_read(rdatas[v->rr].p, rdatas[v->rr].n, &c) != PERDURE_OK)
		return PERDURE_EINVAL;
	bool mend = v->reason == PERDURE_CAA_METHOD || v->reason == PERDURE_CAA_ACCOUNT_HASHED ||
		    v->reason == PERDURE_CAA_UNSATISFIABLE;
	if (mend) {
		f.replaces = v->rr;
		put_mended(&value, q, &c, v->reason);
	} else {
		put_str(&value, q->issuers[0]);
		/* Where the zone binds the CA to accounts, ours gets its own line, bound as well. */
		if (v->reason == PERDURE_CAA_ACCOUNT && q->account_url) {
			put_str(&value, ";accounturi=");
			put_str(&value, q->account_url);
		}
	}
	enum perdure_status st = value.short_of_memory
					 ? PERDURE_ENOMEM
					 : make_line(&value, c.kind == PERDURE_CAA_ISSUEWILD ? "issuewild" : "issue",
						   mend ? c.flags : 0, owner, ttl, &f);
	free(value.p);
	if (st == PERDURE_OK)
		*ret = f;
	return st;
}

void perdure_caa_fix_done(struct perdure_caa_fix *f)
{
	free(f->line);
	*f = (struct perdure_caa_fix){.replaces = -1};
}
