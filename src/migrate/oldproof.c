/* oldproof.c: what dns-01 has left at a domain. */
#include "migrate/oldproof.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/view.h"
#include "inventory/delegation.h"
#include "inventory/observe.h"
#include "inventory/planmake.h"

enum { DIGEST_LEN = 43 }; /* base64url of 32 octets */

/* One string of a digest's length and alphabet. */
static bool is_digest(const struct dns_txt *t)
{
	if (t->n != 1 || t->strings[0].n != DIGEST_LEN)
		return false;
	for (size_t i = 0; i < DIGEST_LEN; i++)
		if (!isalnum(t->strings[0].p[i]) && t->strings[0].p[i] != '-' && t->strings[0].p[i] != '_')
			return false;
	return true;
}

/* The target of the CNAME in an answer, or NULL. */
static char *target_of(const struct dns_answer *a)
{
	AUTO(strv_done) struct strv data = {0};
	planmake_values(PROVIDER_CNAME, a, &data);
	if (!data.n)
		return NULL;
	size_t n = strlen(data.v[0]);
	return xstrndup(data.v[0], n && data.v[0][n - 1] == '.' ? n - 1 : n);
}

void oldproof_read(const struct observation *o, struct oldproof *ret)
{
	const struct dns_view *cname = o->challenge_cname.view, *txt = o->challenge.view;
	const struct dns_answer *c = cname ? dns_view_any(cname) : NULL, *t = txt ? dns_view_any(txt) : NULL;
	*ret = (struct oldproof){.owner = delegation_owner(o->fqdn), .target = c ? target_of(c) : NULL};
	/* Behind an alias they are not at this domain. */
	if (!t || txt->n_hops)
		return;
	for (size_t i = 0; i < t->n_txt; i++)
		if (is_digest(&t->txt[i]))
			strv_add_take(&ret->values, xstrndup((const char *)t->txt[i].strings[0].p, DIGEST_LEN));
		else
			ret->others++;
}

void oldproof_done(struct oldproof *p)
{
	free(p->owner);
	free(p->target);
	strv_done(&p->values);
	*p = (struct oldproof){0};
}

int oldproof_leads_to(const struct observation *o, const char *target, struct err *e)
{
	const struct dns_view *v = o->challenge_cname.view;
	AUTO(xfreep) char *owner = delegation_owner(o->fqdn);
	size_t good = 0;
	for (size_t i = 0; v && i < v->n; i++) {
		const struct dns_answer *a = &v->answers[i];
		if (a->result == DNS_FAILED || a->result == DNS_TIMEOUT)
			continue;
		AUTO(xfreep) char *got = target_of(a);
		if (!got || strcmp(got, target) != 0) {
			err_set(e, ERR_DNS, "server %s has %s%s at %s, not the CNAME to %s", a->address,
				got ? "a CNAME to " : "no CNAME", got ? got : "", owner, target);
			err_hint(e, "publish: %s. CNAME %s.", owner, target);
			return -1;
		}
		good++;
	}
	if (good)
		return 0;
	if (o->challenge_cname.e)
		err_copy(e, o->challenge_cname.e);
	else
		err_set(e, ERR_DNS, "no server of %s answers", owner);
	err_retry(e, RETRY_LATER, 0);
	return -1;
}
