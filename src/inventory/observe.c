/* observe.c: one name's look-ups, all under way at once. */
#include "inventory/observe.h"

#include <stdlib.h>
#include <time.h>

#include "base/xalloc.h"
#include "dns/view.h"

struct observer {
	struct dns *dns;
};

struct observe_query {
	struct observation *o;
	struct dns_query *txt;
	observe_fn done;
	void *ctx;
};

static void observed_done(struct observed *o)
{
	dns_view_free(o->view);
	if (o->e)
		err_done(o->e);
	free(o->e);
}

void observation_free(struct observation *o)
{
	if (!o)
		return;
	observed_done(&o->txt);
	free(o->fqdn);
	free(o->owner);
	free(o);
}

size_t observation_relevant_caa(const struct observation *o, bool *ret_unknown)
{
	if (ret_unknown)
		*ret_unknown = false;
	return o->n_caa;
}

struct observer *observer_new(struct dns *d)
{
	struct observer *ob = xcalloc(1, sizeof(*ob));
	ob->dns = d;
	return ob;
}

void observer_free(struct observer *ob)
{
	free(ob);
}

static void have(struct observed *to, struct dns_view *v, const struct err *e)
{
	to->view = v;
	if (err_is(e)) {
		to->e = xcalloc(1, sizeof(*to->e));
		err_copy(to->e, e);
	}
}

static void check_end(struct observe_query *q)
{
	if (q->txt)
		return;
	struct observation *o = TAKE(q->o);
	observe_fn done = q->done;
	void *ctx = q->ctx;
	o->at = time(NULL);
	free(q);
	done(o, ctx);
}

static void have_txt(struct dns_view *v, const struct err *e, void *ctx)
{
	struct observe_query *q = ctx;
	q->txt = NULL;
	have(&q->o->txt, v, e);
	check_end(q);
}

struct observe_query *observe_start(struct observer *ob, const char *fqdn, unsigned what, observe_fn done, void *ctx)
{
	struct observe_query *q = xcalloc(1, sizeof(*q));
	q->done = done;
	q->ctx = ctx;
	q->o = xcalloc(1, sizeof(*q->o));
	q->o->fqdn = xstrdup(fqdn);
	q->o->owner = xasprintf("_validation-persist.%s", fqdn);
	q->o->what = what & OBSERVE_TXT;
	q->txt = dns_view_txt(ob->dns, q->o->owner, have_txt, q);
	return q;
}

void observe_cancel(struct observe_query *q)
{
	if (!q)
		return;
	if (q->txt)
		dns_view_cancel(q->txt);
	observation_free(q->o);
	free(q);
}
