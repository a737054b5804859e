/* validate.c: one RRset as a validating resolver sees it. */
#include "dns/validate.h"

#include <stdlib.h>

#include "base/xalloc.h"
#include "dns/dns_priv.h"
#include "loop/loop.h"

static const char *const names[] = {
	[DNS_SECURE] = "secure",
	[DNS_INSECURE] = "insecure",
	[DNS_BOGUS] = "bogus",
	[DNS_UNVALIDATED] = "not validated",
	[DNS_UNRESOLVED] = "unresolved",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == DNS_SECURITY_N_, "one name each");

struct dns_validation {
	struct loop_timer *timer;
	struct dns_validated *v;
	dns_validated_fn done;
	void *ctx;
};

const char *dns_security_name(enum dns_security s)
{
	return s < DNS_SECURITY_N_ ? names[s] : "unknown";
}

void dns_validated_free(struct dns_validated *v)
{
	if (!v)
		return;
	rrset_done(&v->rrset);
	free(v->why);
	free(v->hint);
	free(v);
}

static void due(void *ctx)
{
	struct dns_validation *q = ctx;
	struct dns_validated *v = TAKE(q->v);
	dns_validated_fn done = q->done;
	void *arg = q->ctx;
	dns_validate_cancel(q);
	done(v, arg);
}

struct dns_validation *dns_validate(struct dns *d, const char *owner, uint16_t type, dns_validated_fn done, void *ctx)
{
	struct dns_validation *q = xcalloc(1, sizeof(*q));
	q->v = xcalloc(1, sizeof(*q->v));
	q->v->security = DNS_UNVALIDATED;
	rrset_none(owner, type, &q->v->rrset);
	q->v->why = xstrdup("this build does not validate");
	q->v->hint = xstrdup("");
	q->done = done;
	q->ctx = ctx;
	q->timer = loop_timer_new(d->loop, due, q);
	loop_timer_start(q->timer, 0);
	return q;
}

void dns_validate_cancel(struct dns_validation *q)
{
	if (!q)
		return;
	loop_timer_free(q->timer);
	dns_validated_free(q->v);
	free(q);
}
