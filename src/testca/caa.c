/* caa.c: CAA records: issue, issuewild, accounturi, validationmethods. */
#include "testca/caa.h"

#include <string.h>
#include <strings.h>

#include "base/strv.h"
#include "dns/message.h"
#include "perdure/persist.h"

enum { TYPE_CAA = 257, FLAG_CRITICAL = 0x80 };

struct property {
	unsigned flags;
	struct perdure_text tag;
	struct perdure_text value;
};

static bool read_property(const struct message_rr *rr, struct property *ret)
{
	if (rr->n_data < 2 || rr->n_data < 2U + rr->data[1])
		return false;
	const char *p = (const char *)rr->data;
	size_t tag_n = rr->data[1];
	*ret = (struct property){rr->data[0], {p + 2, tag_n}, {p + 2 + tag_n, rr->n_data - 2 - tag_n}};
	return true;
}

static bool is(const struct perdure_text *t, const char *s)
{
	return t->n == strlen(s) && !strncasecmp(t->p, s, t->n);
}

static bool lists(const struct perdure_text *methods, const char *method)
{
	size_t n = strlen(method);
	for (size_t at = 0; at <= methods->n;) {
		const char *comma = memchr(methods->p + at, ',', methods->n - at);
		size_t end = comma ? (size_t)(comma - methods->p) : methods->n;
		if (end - at == n && !memcmp(methods->p + at, method, n))
			return true;
		at = end + 1;
	}
	return false;
}

/* Whether one issue or issuewild property allows it. */
static bool allows(const struct caa_question *q, const struct perdure_text *value)
{
	struct perdure_issuevalue v;
	unsigned accounts = 0;
	bool ok = false;
	if (perdure_issuevalue_parse(value->p, value->n, &v) == PERDURE_OK)
		for (size_t i = 0; i < q->issuers->n; i++)
			ok = ok || is(&v.issuer, q->issuers->v[i]);
	for (size_t i = 0; ok && i < v.n_params; i++) {
		const struct perdure_param *p = &v.params[i];
		if (is(&p->tag, "accounturi"))
			/* RFC 8657 section 3: simple comparison; two of them can never be satisfied. */
			ok = ++accounts == 1 && p->value.n == strlen(q->account_url) &&
			     !memcmp(p->value.p, q->account_url, p->value.n);
		else if (is(&p->tag, "validationmethods"))
			ok = lists(&p->value, q->method);
	}
	perdure_issuevalue_done(&v);
	return ok;
}

enum caa_answer caa_judge(const struct caa_question *q, const struct message *m, const char *name)
{
	bool any = false, issue = false, wild = false, issue_ok = false, wild_ok = false;
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		struct property p;
		if (rr->section != MESSAGE_ANSWER || rr->type != TYPE_CAA || strcmp(rr->owner, name) != 0)
			continue;
		any = true;
		if (!read_property(rr, &p))
			return CAA_FORBIDDEN;
		if (is(&p.tag, "issue")) {
			issue = true;
			issue_ok = issue_ok || allows(q, &p.value);
		} else if (is(&p.tag, "issuewild")) {
			wild = true;
			wild_ok = wild_ok || allows(q, &p.value);
		} else if ((p.flags & FLAG_CRITICAL) && !is(&p.tag, "iodef")) {
			return CAA_FORBIDDEN;
		}
	}
	if (!any)
		return CAA_NONE;
	if (q->wildcard && wild)
		return wild_ok ? CAA_ALLOWED : CAA_FORBIDDEN;
	return !issue || issue_ok ? CAA_ALLOWED : CAA_FORBIDDEN;
}
