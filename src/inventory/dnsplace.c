/* dnsplace.c: where dns-01 is to be written. */
#include "inventory/dnsplace.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/name.h"
#include "dns/view.h"
#include "inventory/delegation.h"

void dnsplace_done(struct dnsplace *p)
{
	free(p->owner);
	free(p->warning);
	*p = (struct dnsplace){0};
}

static int not_seen(const struct dns_view *v, const struct err *seen, struct err *e)
{
	if (seen && err_is(seen))
		err_copy(e, seen);
	else
		err_set(e, ERR_DNS, "no name server of %s could be asked", v->owner);
	err_retry(e, RETRY_LATER, 0);
	return err_ctx(e, "looking for the delegation");
}

static int refuse(struct err *e)
{
	err_retry(e, RETRY_AFTER_OPERATOR, 0);
	return -1;
}

static int no_cname(const struct delegation *want, struct err *e)
{
	err_set(e, ERR_POLICY, "%s has no CNAME, so that dns-01 is not delegated", want->owner);
	err_hint(e, "publish: %s. %lld IN CNAME %s.", want->owner, (long long)want->cname_ttl, want->target);
	return refuse(e);
}

static int broken(const struct dns_view *v, struct err *e)
{
	err_set(e, ERR_POLICY, "the aliases of %s %s", v->owner,
		v->end == DNS_CHAIN_LOOP ? "lead in a circle" : "lead too far");
	err_hint(e, "let it point to the name that is written to");
	return refuse(e);
}

static int from_wildcard(const struct dns_view *v, const struct delegation *want, struct err *e)
{
	err_set(e, ERR_POLICY, "the CNAME at %s comes from the wildcard %s, nobody has set it for this name", v->owner,
		v->hops[0].wildcard);
	err_hint(e, "publish: %s. %lld IN CNAME %s., or say delegation: { follow: true }", want->owner,
		(long long)want->cname_ttl, want->target);
	return refuse(e);
}

static int leads_elsewhere(const struct dns_view *v, const char *end, const struct delegation *want, struct err *e)
{
	err_set(e, ERR_POLICY, "%s leads to %s and not to %s", v->owner, end, want->target);
	if (want->account)
		err_hint(e, "correct the CNAME, or put the account of that name into accounts_file");
	else
		err_hint(e, "correct the CNAME, or give that name with delegation: { name: %s }, or say follow: true",
			end);
	return refuse(e);
}

static void warn_chain(const struct dns_view *v, struct dnsplace *p)
{
	if (v->n_hops > 1)
		p->warning = xasprintf(
			"%zu aliases lead from %s to %s; let the first one lead there", v->n_hops, v->owner, p->owner);
}

static int behind(const struct dns_view *v, const struct config_delegation *d, const struct delegation *want,
	struct dnsplace *ret, struct err *e)
{
	const char *end = v->hops[v->n_hops - 1].target;
	bool there = !strcmp(end, want->target) || (d->zone && name_within(end, d->zone));
	if (v->end != DNS_CHAIN_WHOLE)
		return broken(v, e);
	if (v->hops[0].wildcard && !d->follow)
		return from_wildcard(v, want, e);
	if (!there && !d->follow)
		return leads_elsewhere(v, end, want, e);
	*ret = (struct dnsplace){.owner = xstrdup(end), .delegated = true};
	warn_chain(v, ret);
	return 0;
}

static int at_the_name(const struct dns_view *v, const struct config_delegation *d, const char *fqdn,
	struct dnsplace *ret, struct err *e)
{
	bool alias = v->n_hops && (!v->hops[0].wildcard || d->follow);
	if (!alias) {
		*ret = (struct dnsplace){.owner = delegation_owner(fqdn)};
		return 0;
	}
	if (v->end != DNS_CHAIN_WHOLE)
		return broken(v, e);
	*ret = (struct dnsplace){.owner = xstrdup(v->hops[v->n_hops - 1].target), .delegated = true};
	warn_chain(v, ret);
	return 0;
}

int dnsplace_decide(const struct dns_view *v, const struct err *seen, const struct config_delegation *d,
	const char *fqdn, enum config_validation how, struct dnsplace *ret, struct err *e)
{
	bool answered = dns_view_any(v) != NULL || v->n_hops;
	if (how == CONFIG_VALIDATION_DNS)
		return answered || !v->looked ? at_the_name(v, d, fqdn, ret, e) : not_seen(v, seen, e);
	AUTO(delegation_done) struct delegation want = {0};
	if (delegation_of(d, NULL, fqdn, &want, e))
		return refuse(e);
	if (!v->looked) {
		*ret = (struct dnsplace){.owner = xstrdup(want.target), .delegated = true};
		return 0;
	}
	if (v->n_hops)
		return behind(v, d, &want, ret, e);
	return answered ? no_cname(&want, e) : not_seen(v, seen, e);
}
