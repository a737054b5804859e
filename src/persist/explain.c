/*
 * explain.c: a verdict in words, and the record that would mend it.
 */
#include "persist/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SENTENCE_MAX = 640 };

static const char *queried(const struct perdure_question *q)
{
	return q->fqdn ? q->fqdn : q->identifier;
}

static const char *first_of(const char *const *v, size_t n)
{
	return n ? v[0] : "?";
}

/* What only this verdict knows, to stand in brackets after the reason; "" when there is nothing. */
static void details(const struct perdure_question *q, const struct perdure_verdict *v, char *out, size_t size)
{
	*out = '\0';
	switch (v->reason) {
	case PERDURE_REASON_OK:
		if (v->has_until)
			snprintf(out, size, "until %" PRId64, v->until);
		break;
	case PERDURE_REASON_NO_RECORD:
		snprintf(out, size, "at _validation-persist.%.253s", queried(q));
		break;
	case PERDURE_REASON_NOT_OURS:
		snprintf(out, size, "%s%swanted: %.253s", v->fault ? perdure_fault_text(v->fault) : "",
			v->fault ? ", " : "", first_of(q->issuers, q->n_issuers));
		break;
	case PERDURE_REASON_SYNTAX:
		snprintf(out, size, "%s", perdure_fault_text(v->fault));
		break;
	case PERDURE_REASON_ACCOUNT:
		if (q->level == PERDURE_LEVEL_02)
			snprintf(out, size, "the digest is of no known key of %.200s for %.200s or any domain",
				first_of(q->account_urls, q->n_account_urls), queried(q));
		else
			snprintf(out, size, "wanted: %.400s", first_of(q->account_urls, q->n_account_urls));
		break;
	case PERDURE_REASON_URI_PREFIX:
		snprintf(out, size, "wanted: %.400s", q->account_hash_prefix ? q->account_hash_prefix : "?");
		break;
	case PERDURE_REASON_URI_HASH:
		snprintf(out, size, "wanted: %.40s", q->n_hash_algs ? q->hash_algs[0] : "sha-256");
		break;
	case PERDURE_REASON_EXPIRED:
		snprintf(out, size, "%" PRId64 ", now it is %" PRId64, v->until, q->now);
		break;
	case PERDURE_REASON_SCOPE_BELOW:
	case PERDURE_REASON_SCOPE_NAME:
		snprintf(out, size, "asked: %.200s, record: %.200s", q->identifier, queried(q));
		break;
	case PERDURE_REASON_RANGE:
		snprintf(out, size, "%" PRId64, v->until);
		break;
	case PERDURE_REASON_URI_DIGEST:
	case PERDURE_REASON_SCOPE_WILD:
	case PERDURE_REASON_DEACTIVATED:
	case PERDURE_REASON_ALIAS:
	case PERDURE_REASON_LONG:
		break;
	}
}

enum perdure_status perdure_verdict_explain(
	const struct perdure_question *q, const struct perdure_verdict *v, char **ret_sentence)
{
	char what[512], where[80] = "";
	details(q, v, what, sizeof(what));
	if (v->rr >= 0 && v->at >= 0)
		snprintf(where, sizeof(where), ", record %zd at octet %zd", v->rr + 1, v->at);
	else if (v->rr >= 0)
		snprintf(where, sizeof(where), ", record %zd", v->rr + 1);
	char *s = malloc(SENTENCE_MAX);
	if (!s)
		return PERDURE_ENOMEM;
	snprintf(s, SENTENCE_MAX, "%s%s%s%s%s", perdure_reason_text(v->reason), *what ? " (" : "", what,
		*what ? ")" : "", where);
	for (char *c = s; *c; c++)
		if (*c < 0x20 || *c > 0x7E)
			*c = '?';
	*ret_sentence = s;
	return PERDURE_OK;
}

enum perdure_status perdure_verdict_fix(
	const struct perdure_question *q, const struct perdure_verdict *v, uint32_t ttl, struct perdure_built *ret)
{
	if (v->valid || v->reason == PERDURE_REASON_DEACTIVATED || v->reason == PERDURE_REASON_ALIAS || !q->n_issuers ||
		!q->n_account_urls)
		return PERDURE_EINVAL;
	/* A record at the requested name itself is what every CA looks at. */
	bool elsewhere = v->reason == PERDURE_REASON_SCOPE_NAME || v->reason == PERDURE_REASON_SCOPE_BELOW;
	const char *domain = elsewhere ? q->identifier : queried(q);
	struct perdure_recipe recipe = {
		.level = q->level,
		.domain = domain,
		.issuer = q->issuers[0],
		.account_url = q->account_urls[0],
		.thumbprint = q->n_thumbprints ? q->thumbprints[0] : NULL,
		.account_hash_prefix = q->account_hash_prefix,
		.hash_alg = q->n_hash_algs ? q->hash_algs[0] : NULL,
		.hash = q->hash,
		.wildcard = q->wildcard || !text_eq_fold(text_of(domain), text_of(q->identifier)),
		.ttl = ttl,
	};
	return perdure_record_build(&recipe, ret);
}
