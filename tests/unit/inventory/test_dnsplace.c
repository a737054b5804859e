/* test_dnsplace.c: where a value for dns-01 goes, by what stands at the name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "inventory/dnsplace.h"
#include "made.h"

#define AT "_acme-challenge." NAME
#define OWN "_shop-example-test.acme.example.net"

struct row {
	const char *title;
	const char *hops[3]; /* targets */
	const char *wildcard; /* the first hop comes from */
	enum dns_chain end;
	bool silent; /* nobody answers */
	bool unasked; /* dns.mode: none */
	bool follow;
	const char *shared; /* the configured name */
	bool no_zone;
	/* What must come: the owner, or what the error says. */
	const char *owner;
	bool delegated;
	const char *warns;
	const char *says;
	enum err_retry retry;
};

static const struct row delegation[] = {
	{.title = "stands", .hops = {OWN}, .owner = OWN, .delegated = true},
	{.title = "stands, at a shared name",
		.hops = {"_acme.acme.example.net"},
		.shared = "_acme.acme.example.net",
		.owner = "_acme.acme.example.net",
		.delegated = true},
	{.title = "another name of the zone",
		.hops = {"x.acme.example.net"},
		.owner = "x.acme.example.net",
		.delegated = true},
	{.title = "by two hops", .hops = {"a.example.org", OWN}, .owner = OWN, .delegated = true, .warns = "2 aliases"},
	{.title = "is not there", .says = AT " has no CNAME", .retry = RETRY_AFTER_OPERATOR},
	{.title = "nobody says", .silent = true, .says = "no name server", .retry = RETRY_LATER},
	{.title = "leads elsewhere",
		.hops = {"a.example.org"},
		.says = "leads to a.example.org and not to " OWN,
		.retry = RETRY_AFTER_OPERATOR},
	{.title = "leads elsewhere, with consent",
		.hops = {"a.example.org"},
		.follow = true,
		.owner = "a.example.org",
		.delegated = true},
	{.title = "comes from a wildcard",
		.hops = {OWN},
		.wildcard = "*.example.test",
		.says = "comes from the wildcard *.example.test",
		.retry = RETRY_AFTER_OPERATOR},
	{.title = "comes from a wildcard, with consent",
		.hops = {OWN},
		.wildcard = "*.example.test",
		.follow = true,
		.owner = OWN,
		.delegated = true},
	{.title = "a circle",
		.hops = {"a.example.org", AT},
		.end = DNS_CHAIN_LOOP,
		.follow = true,
		.says = "in a circle",
		.retry = RETRY_AFTER_OPERATOR},
	{.title = "too many",
		.hops = {"a.example.org"},
		.end = DNS_CHAIN_TOO_LONG,
		.says = "too far",
		.retry = RETRY_AFTER_OPERATOR},
	{.title = "nobody is asked", .unasked = true, .owner = OWN, .delegated = true},
	{.title = "not configured", .no_zone = true, .says = "no validation zone", .retry = RETRY_AFTER_OPERATOR},
};

static const struct row plain[] = {
	{.title = "nothing stands", .owner = AT},
	{.title = "nobody says", .silent = true, .says = "no name server", .retry = RETRY_LATER},
	{.title = "a CNAME", .hops = {"a.example.org"}, .owner = "a.example.org", .delegated = true},
	{.title = "two of them",
		.hops = {"a.example.org", "b.example.org"},
		.owner = "b.example.org",
		.delegated = true,
		.warns = "2 aliases"},
	{.title = "a wildcard is passed over", .hops = {"a.example.org"}, .wildcard = "*.example.test", .owner = AT},
	{.title = "a wildcard, with consent",
		.hops = {"a.example.org"},
		.wildcard = "*.example.test",
		.follow = true,
		.owner = "a.example.org",
		.delegated = true},
	{.title = "a circle",
		.hops = {"a.example.org", AT},
		.end = DNS_CHAIN_LOOP,
		.says = "in a circle",
		.retry = RETRY_AFTER_OPERATOR},
	{.title = "nobody is asked", .unasked = true, .no_zone = true, .owner = AT},
};

static void make(struct made *m, const struct row *r)
{
	const char *from = AT;
	m->v = (struct dns_view){.owner = TEXT(AT),
		.zone = TEXT("example.test"),
		.type = DNS_TYPE_TXT,
		.looked = !r->unasked,
		.answers = m->answers,
		.groups = m->groups,
		.hops = m->hops,
		.chain = {.v = m->targets}};
	for (size_t i = 0; i < ARRAY_LEN(r->hops) && r->hops[i]; i++) {
		made_hop(m, from, r->hops[i]);
		from = r->hops[i];
	}
	m->v.end = r->end;
	m->hops[0].wildcard = r->wildcard ? TEXT(r->wildcard) : NULL;
	if (!r->silent && !r->unasked)
		made_answer(m, DNS_NXDOMAIN, 60);
}

static void decide(const struct row *r, enum config_validation how)
{
	struct made *m = xcalloc(1, sizeof(*m));
	struct err e = {0};
	struct dnsplace p = {0};
	const struct config_delegation d = {
		.zone = r->no_zone ? NULL : "acme.example.net", .name = r->shared, .follow = r->follow};
	make(m, r);
	int rc = dnsplace_decide(&m->v, NULL, &d, NAME, how, &p, &e);
	if (r->says) {
		if (!rc || !strstr(e.msg, r->says) || e.retry != r->retry)
			fail_msg("%s: %d, %s", r->title, rc, e.msg);
	} else if (rc || strcmp(p.owner, r->owner) != 0 || p.delegated != r->delegated) {
		fail_msg("%s: %s%s", r->title, rc ? e.msg : p.owner, p.delegated ? " delegated" : "");
	}
	if (!rc && (r->warns ? !p.warning || !strstr(p.warning, r->warns) : p.warning != NULL))
		fail_msg("%s: warned %s", r->title, p.warning ? p.warning : "of nothing");
	dnsplace_done(&p);
	err_done(&e);
	free(m);
}

static void test_delegation(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(delegation); i++)
		decide(&delegation[i], CONFIG_VALIDATION_DELEGATION);
}

static void test_plain(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		decide(&plain[i], CONFIG_VALIDATION_DNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delegation),
		cmocka_unit_test(test_plain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
