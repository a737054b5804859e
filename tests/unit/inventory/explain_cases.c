/* explain_cases.c: made observations, each with one thing changed, and what is to be said of them. */
#include "explain_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

#define WILD GOOD ";policy=wildcard"

/* ---- the changes ---- */

static void nothing(struct world *w)
{
	(void)w;
}
static void no_record(struct world *w)
{
	made_records(&w->txt, (const char *const[]){NULL});
}
static void other_ca(struct world *w)
{
	made_record(&w->txt, "other.test;accounturi=" URL);
}
static void other_ca_beside(struct world *w)
{
	made_records(&w->txt, (const char *const[]){GOOD, "other.test;accounturi=x:y", "v=spf1 -all", NULL});
}
static void malformed(struct world *w)
{
	made_record(&w->txt, GOOD ";");
}
static void other_account(struct world *w)
{
	made_record(&w->txt, GOOD "0");
}
static void clear_uri_at_02(struct world *w)
{
	w->q.q.level = 2;
}
static void not_wildcard(struct world *w)
{
	w->q.q.wildcard = true;
}
static void wildcard_covered(struct world *w)
{
	w->q.q.wildcard = true;
	made_record(&w->txt, WILD);
}
static void expired(struct world *w)
{
	made_record(&w->txt, GOOD ";persistUntil=1795219199");
}
static void ends_early(struct world *w)
{
	made_record(&w->txt, GOOD ";persistUntil=1797811200"); /* at the renewal itself, 30 days from now */
}
static void ends_late(struct world *w)
{
	made_record(&w->txt, GOOD ";persistUntil=1798416000"); /* 37 days */
}
static void ends_early_without_certificate(struct world *w)
{
	w->q.renewal = 0;
	made_record(&w->txt, GOOD ";persistUntil=1795305600"); /* a day */
}
static void until_range(struct world *w)
{
	w->q.q.dialect = PERDURE_DIALECT_ADCS;
	made_record(&w->txt, GOOD ";persistUntil=253402300800");
}
static void too_long(struct world *w)
{
	static struct dns_string s[2];
	static uint8_t octets[65000];
	memset(octets, 'x', sizeof(octets));
	s[0] = s[1] = (struct dns_string){octets, sizeof(octets)};
	for (size_t i = 0; i < 2; i++)
		w->txt.txt[i][0] = (struct dns_txt){s, 2};
}
static void alias_refused(struct world *w)
{
	w->q.q.dialect = PERDURE_DIALECT_ADCS;
	made_hop(&w->txt, OWNER, "records.example.test");
}
static void alias_taken(struct world *w)
{
	made_hop(&w->txt, OWNER, "records.example.test");
}
static void old_key(struct world *w)
{
	w->q.q.level = 2;
	strv_done(&w->thumbprints);
	strv_add(&w->thumbprints, OLD_KEY);
	strv_add(&w->thumbprints, KEY);
	made_record(&w->txt, "ca.test;accounturi=" PREFIX "sha-256/9jP-y8kkOGPMMlCYtvkfe_etvzYGdcF8d4U8039K1pI");
}
static void split(struct world *w)
{
	made_records(&w->txt, (const char *const[]){"ca.test;accounturi=https://ca", ".test/acct/1", NULL});
}
static void strings(struct world *w)
{
	made_record(&w->txt, "ca.test;accounturi=https://ca|.test/acct/1");
}
static void quoted(struct world *w)
{
	made_record(&w->txt, "\"" GOOD "\"");
}
static void ttl_long(struct world *w)
{
	w->txt.answers[0].ttl = w->txt.answers[1].ttl = DAY + 1;
}
static void ttl_short(struct world *w)
{
	w->txt.answers[0].ttl = w->txt.answers[1].ttl = 300;
}
static void reading_differs(struct world *w)
{
	w->q.q.dialect = PERDURE_DIALECT_BOULDER;
	made_record(&w->txt, GOOD ";a_b=c");
}
static void reading_same(struct world *w)
{
	w->q.q.dialect = PERDURE_DIALECT_BOULDER;
}
static void deactivated(struct world *w)
{
	w->q.q.deactivated = true;
	w->q.account_status = "deactivated";
}
static void account_unknown(struct world *w)
{
	w->q.account_status = "";
}

static void caa_set(struct world *w, const char *text)
{
	w->caa_views[1].answers[0].n_rr = 0;
	made_add_caa(&w->caa_views[1], 0, text);
}
static void caa_forbidden(struct world *w)
{
	caa_set(w, "0 issue ;");
}
static void caa_other(struct world *w)
{
	caa_set(w, "0 issue other.test");
}
static void caa_other_for_pebble(struct world *w)
{
	w->q.q.dialect = PERDURE_DIALECT_PEBBLE;
	caa_set(w, "0 issue other.test");
}
static void caa_method(struct world *w)
{
	caa_set(w, "0 issue ca.test;validationmethods=dns-01");
}
static void caa_account(struct world *w)
{
	caa_set(w, "0 issue ca.test;accounturi=" URL "0");
}
static void caa_hashed(struct world *w)
{
	caa_set(w, "0 issue ca.test;accounturi=" PREFIX "sha-256/x");
}
static void caa_twice(struct world *w)
{
	caa_set(w, "0 issue ca.test;accounturi=" URL ";accounturi=" URL);
}
static void caa_malformed(struct world *w)
{
	caa_set(w, "0 issue ;;");
}
static void caa_critical(struct world *w)
{
	made_add_caa(&w->caa_views[1], 0, "128 unheardof x");
}
static void caa_nearer(struct world *w)
{
	caa_other(w);
	w->caa_views[0].answers[0].result = DNS_FOUND;
	made_add_caa(&w->caa_views[0], 0, "0 issue ca.test");
}
static void caa_none(struct world *w)
{
	w->caa_views[1].answers[0].result = DNS_NODATA;
}
static void caa_not_looked_at(struct world *w)
{
	w->o.what &= ~(unsigned)OBSERVE_CAA;
	w->o.n_caa = 0;
}
static void caa_fails(struct world *w)
{
	struct dns_answer *a = &w->caa_views[0].answers[0];
	a->result = DNS_FAILED;
	a->text = TEXT("answers SERVFAIL");
	made_agree(&w->caa_views[0]);
}
static void caa_fails_above(struct world *w)
{
	caa_none(w);
	w->caa_views[2].answers[0].result = DNS_FAILED;
	made_agree(&w->caa_views[2]);
}
static void caa_fails_above_what_counts(struct world *w)
{
	w->caa_views[2].answers[0].result = DNS_FAILED;
	made_agree(&w->caa_views[2]);
}
static void caa_silent(struct world *w)
{
	w->caa_views[0].answers[0].result = DNS_TIMEOUT;
	made_agree(&w->caa_views[0]);
}
static void caa_disagree(struct world *w)
{
	made_answer(&w->caa_views[1], DNS_NODATA, 60);
	made_agree(&w->caa_views[1]);
	made_last_differs(&w->caa_views[1]);
}

static void trust(struct world *w, enum dns_security s)
{
	w->txt_trust.security = s;
	w->txt_trust.why = TEXT("because");
}
static void bogus(struct world *w)
{
	trust(w, DNS_BOGUS);
}
static void bogus_for_pebble(struct world *w)
{
	w->q.q.dialect = PERDURE_DIALECT_PEBBLE;
	trust(w, DNS_BOGUS);
}
static void bogus_caa(struct world *w)
{
	w->caa_trust.security = DNS_BOGUS;
}
static void insecure(struct world *w)
{
	trust(w, DNS_INSECURE);
}
static void not_validated(struct world *w)
{
	trust(w, DNS_UNVALIDATED);
}
static void unresolved(struct world *w)
{
	trust(w, DNS_UNRESOLVED);
}

static void disagree(struct world *w)
{
	made_answer(&w->txt, DNS_FOUND, 7200);
	made_add_txt(&w->txt, 2, GOOD "0");
	made_add_ns(&w->ns, 0, made_hosts[2]);
	made_agree(&w->txt);
	made_last_differs(&w->txt);
}
static void servers_none(struct world *w)
{
	for (size_t i = 0; i < 2; i++) {
		w->txt.answers[i].result = DNS_TIMEOUT;
		w->txt.answers[i].health = DNS_SILENT;
		w->txt.answers[i].text = TEXT("no answer");
	}
	made_agree(&w->txt);
}
static void drift(struct world *w)
{
	w->ns.answers[0].n_rr = 1;
	made_add_ns(&w->ns, 0, made_hosts[2]);
}
static void drift_of_stubs(struct world *w)
{
	drift(w);
	for (size_t i = 0; i < 2; i++)
		w->txt.answers[i].server = TEXT(made_addresses[i]);
}
/* A third server, one of no help. */
static void sick(struct world *w, enum dns_health h, enum dns_result r)
{
	struct dns_answer *a = made_answer(&w->txt, r, 0);
	a->health = h;
	a->text = TEXT("is of no help");
	made_add_ns(&w->ns, 0, made_hosts[2]);
	made_agree(&w->txt);
}
static void lame(struct world *w)
{
	sick(w, DNS_LAME, DNS_FAILED);
}
static void refusing(struct world *w)
{
	sick(w, DNS_REFUSING, DNS_FAILED);
}
static void error(struct world *w)
{
	sick(w, DNS_ERROR, DNS_FAILED);
}
static void nonsense(struct world *w)
{
	sick(w, DNS_MALFORMED, DNS_FAILED);
}
static void unreachable(struct world *w)
{
	sick(w, DNS_UNREACHABLE, DNS_TIMEOUT);
}
static void silent(struct world *w)
{
	sick(w, DNS_SILENT, DNS_TIMEOUT);
}
static void no_ipv6(struct world *w)
{
	sick(w, DNS_NO_IPV6, DNS_TIMEOUT);
}
static void addressless(struct world *w)
{
	sick(w, DNS_ADDRESSLESS, DNS_FAILED);
}
static void diverging(struct world *w)
{
	sick(w, DNS_DIVERGING, DNS_FAILED);
}

static void two_hops(struct world *w)
{
	made_hop(&w->txt, OWNER, "a.example.test");
	made_hop(&w->txt, "a.example.test", "b.example.test");
}
/* A chain that was not followed to its end. */
static void endless(struct world *w, enum dns_chain end)
{
	two_hops(w);
	w->txt.v.n = 0;
	w->txt.v.end = end;
	made_agree(&w->txt);
	w->o.txt.e = xcalloc(1, sizeof(*w->o.txt.e));
	err_set(w->o.txt.e, ERR_DNS, "the aliases do not end");
}
static void loop(struct world *w)
{
	endless(w, DNS_CHAIN_LOOP);
}
static void chain_too_long(struct world *w)
{
	endless(w, DNS_CHAIN_TOO_LONG);
}
static void dangling(struct world *w)
{
	no_record(w);
	made_hop(&w->txt, OWNER, "a.example.test");
}
static void wildcard_answer(struct world *w)
{
	w->txt.v.wildcard = TEXT("*.example.test");
}
static void wildcard_alias(struct world *w)
{
	made_hop(&w->txt, OWNER, "a.example.test");
	w->txt.hops[0].wildcard = TEXT("*.example.test");
}

/* Two resolvers; the second one sees this, or nothing. */
static void vantages(struct world *w, enum dns_result r, const char *value)
{
	w->vantage_string = (struct dns_string){(uint8_t *)TEXT(value), strlen(value)};
	w->vantage_txt = (struct dns_txt){&w->vantage_string, 1};
	w->vantage[0] = (struct dns_vantage){.resolver = TEXT("192.0.2.53"), .result = DNS_FOUND, .text = TEXT("")};
	w->vantage[0].rrset.txt = w->txt.txt[0];
	w->vantage[0].rrset.n_txt = 1;
	w->vantage[1] = w->vantage[0];
	w->vantage[1].result = r;
	w->vantage[1].rrset.txt = &w->vantage_txt;
	w->vantage[1].rrset.n_txt = r == DNS_FOUND;
	w->vantages = (struct dns_vantages){w->vantage, 2};
	w->o.vantages = &w->vantages;
}
static void vantage_same(struct world *w)
{
	vantages(w, DNS_FOUND, GOOD);
}
static void vantage_differs(struct world *w)
{
	vantages(w, DNS_FOUND, GOOD "0");
}
static void vantage_silent(struct world *w)
{
	vantages(w, DNS_TIMEOUT, "");
}
static void quorum_missed(struct world *w)
{
	vantage_differs(w);
	w->vantage[0] = w->vantage[1];
}

/* A CNAME at _acme-challenge to this target. */
static void delegate(struct world *w, const char *target)
{
	w->cname.answers[0].result = w->cname.answers[1].result = DNS_FOUND;
	w->cname.answers[0].ttl = w->cname.answers[1].ttl = 3600;
	made_hop(&w->challenge, "_acme-challenge." NAME, target);
}
static void delegated(struct world *w)
{
	w->q.delegation = true;
	delegate(w, "token.other.test");
}
static void delegation_missing(struct world *w)
{
	w->q.delegation = true;
}
static void delegation_beside(struct world *w)
{
	delegated(w);
	w->challenge.v.n_hops = 0;
	for (size_t i = 0; i < 2; i++) {
		w->challenge.answers[i].hop = 0;
		w->challenge.answers[i].result = DNS_FOUND;
	}
}
static void delegation_chain(struct world *w)
{
	delegated(w);
	made_hop(&w->challenge, "token.other.test", "token2.other.test");
}
static void delegation_loop(struct world *w)
{
	delegated(w);
	w->challenge.v.end = DNS_CHAIN_LOOP;
	w->challenge.v.n = 0;
	made_agree(&w->challenge);
}
static void delegation_dead(struct world *w)
{
	delegated(w);
	w->challenge.answers[0].result = w->challenge.answers[1].result = DNS_TIMEOUT;
	made_agree(&w->challenge);
}
static void delegation_nozone(struct world *w)
{
	delegated(w);
	w->challenge.v.zone = TEXT("test");
}
static void delegation_dead_unused(struct world *w)
{
	delegation_dead(w);
	w->q.delegation = false;
}
static void delegation_cname_ttl(struct world *w)
{
	delegated(w);
	w->cname.answers[0].ttl = 2 * DAY;
}
static void delegation_txt_ttl(struct world *w)
{
	delegated(w);
	w->challenge.answers[0].result = w->challenge.answers[1].result = DNS_FOUND;
	w->challenge.answers[0].ttl = 301;
}
static void delegation_txt_ttl_fine(struct world *w)
{
	delegation_txt_ttl(w);
	w->challenge.answers[0].ttl = 300;
}
static void delegation_wildcard(struct world *w)
{
	delegated(w);
	w->challenge.hops[0].wildcard = TEXT("*.example.test");
}

/* ---- what comes of them ---- */

#define ACCEPTED RECORDCHECK_GOOD
#define REFUSED RECORDCHECK_REFUSED
#define UNKNOWN RECORDCHECK_UNKNOWN
#define NONE REMARK_CODE_N_
const struct explain_case explain_cases[] = {
#define CASE(f, v, p, ...)                                                                                             \
	{                                                                                                              \
#f, f, v, p,                                                                                           \
		{                                                                                                      \
			__VA_ARGS__, NONE                                                                              \
		}                                                                                                      \
	}
	CASE(nothing, ACCEPTED, "", NONE),
	CASE(no_record, REFUSED, "unauthorized", REMARK_RECORD_MISSING),
	CASE(other_ca, REFUSED, "unauthorized", REMARK_RECORD_OTHER_CA),
	CASE(other_ca_beside, ACCEPTED, "", NONE),
	CASE(malformed, REFUSED, "malformed", REMARK_RECORD_MALFORMED),
	CASE(other_account, REFUSED, "unauthorized", REMARK_RECORD_ACCOUNT),
	CASE(clear_uri_at_02, REFUSED, "malformed", REMARK_RECORD_URI),
	CASE(not_wildcard, REFUSED, "unauthorized", REMARK_RECORD_NOT_WILDCARD),
	CASE(wildcard_covered, ACCEPTED, "", NONE),
	CASE(expired, REFUSED, "unauthorized", REMARK_RECORD_EXPIRED),
	CASE(ends_early, ACCEPTED, "", REMARK_RECORD_ENDS_EARLY),
	CASE(ends_late, ACCEPTED, "", NONE),
	CASE(ends_early_without_certificate, ACCEPTED, "", REMARK_RECORD_ENDS_EARLY),
	CASE(until_range, REFUSED, "exception", REMARK_RECORD_UNTIL_RANGE, REMARK_READING_DIFFERS),
	CASE(too_long, REFUSED, "malformed", REMARK_RECORD_LONG),
	CASE(alias_refused, REFUSED, "incorrectResponse", REMARK_RECORD_ALIAS_REFUSED, REMARK_READING_DIFFERS),
	CASE(alias_taken, ACCEPTED, "", NONE),
	CASE(old_key, ACCEPTED, "", REMARK_RECORD_OLD_KEY),
	CASE(split, REFUSED, "unauthorized", REMARK_RECORD_ACCOUNT, REMARK_RECORD_SPLIT),
	CASE(strings, ACCEPTED, "", NONE),
	CASE(quoted, REFUSED, "unauthorized", REMARK_RECORD_OTHER_CA, REMARK_RECORD_QUOTED),
	CASE(ttl_long, ACCEPTED, "", REMARK_RECORD_TTL_LONG),
	CASE(ttl_short, ACCEPTED, "", REMARK_RECORD_TTL_SHORT),
	CASE(reading_differs, ACCEPTED, "", REMARK_READING_DIFFERS),
	CASE(reading_same, ACCEPTED, "", NONE),
	CASE(deactivated, REFUSED, "unauthorized", REMARK_ACCOUNT_DEACTIVATED),
	CASE(account_unknown, ACCEPTED, "", REMARK_ACCOUNT_UNKNOWN),
	CASE(caa_forbidden, REFUSED, "caa", REMARK_CAA_FORBIDDEN),
	CASE(caa_other, REFUSED, "caa", REMARK_CAA_OTHER_CA),
	CASE(caa_other_for_pebble, ACCEPTED, "", REMARK_CAA_OTHER_CA),
	CASE(caa_method, REFUSED, "caa", REMARK_CAA_METHOD),
	CASE(caa_account, REFUSED, "caa", REMARK_CAA_ACCOUNT),
	CASE(caa_hashed, REFUSED, "caa", REMARK_CAA_HASHED),
	CASE(caa_twice, REFUSED, "caa", REMARK_CAA_UNSATISFIABLE),
	CASE(caa_malformed, REFUSED, "caa", REMARK_CAA_MALFORMED),
	CASE(caa_critical, REFUSED, "caa", REMARK_CAA_CRITICAL),
	CASE(caa_nearer, ACCEPTED, "", NONE),
	CASE(caa_none, ACCEPTED, "", REMARK_CAA_NONE),
	CASE(caa_not_looked_at, ACCEPTED, "", NONE),
	CASE(caa_fails, REFUSED, "dns", REMARK_CAA_FAILED),
	CASE(caa_fails_above, ACCEPTED, "", REMARK_CAA_FAILED),
	CASE(caa_fails_above_what_counts, ACCEPTED, "", NONE),
	CASE(caa_silent, ACCEPTED, "", REMARK_CAA_FAILED),
	CASE(caa_disagree, ACCEPTED, "", REMARK_CAA_DISAGREE),
	CASE(bogus, REFUSED, "dns", REMARK_DNSSEC_BOGUS),
	CASE(bogus_for_pebble, ACCEPTED, "", REMARK_DNSSEC_BOGUS),
	CASE(bogus_caa, REFUSED, "dns", REMARK_DNSSEC_BOGUS),
	CASE(insecure, ACCEPTED, "", REMARK_DNSSEC_INSECURE),
	CASE(not_validated, ACCEPTED, "", REMARK_DNSSEC_UNKNOWN),
	CASE(unresolved, ACCEPTED, "", REMARK_DNSSEC_UNKNOWN),
	CASE(disagree, ACCEPTED, "", REMARK_SERVERS_DISAGREE),
	CASE(servers_none, UNKNOWN, "", REMARK_SERVERS_NONE, REMARK_SERVER_SILENT, REMARK_SERVER_SILENT),
	CASE(drift, ACCEPTED, "", REMARK_SERVERS_DRIFT),
	CASE(drift_of_stubs, ACCEPTED, "", NONE),
	CASE(lame, ACCEPTED, "", REMARK_SERVER_LAME),
	CASE(refusing, ACCEPTED, "", REMARK_SERVER_REFUSING),
	CASE(error, ACCEPTED, "", REMARK_SERVER_ERROR),
	CASE(nonsense, ACCEPTED, "", REMARK_SERVER_MALFORMED),
	CASE(unreachable, ACCEPTED, "", REMARK_SERVER_UNREACHABLE),
	CASE(silent, ACCEPTED, "", REMARK_SERVER_SILENT),
	CASE(no_ipv6, ACCEPTED, "", REMARK_SERVERS_HALF_SEEN),
	CASE(addressless, ACCEPTED, "", REMARK_SERVER_ADDRESSLESS),
	CASE(diverging, ACCEPTED, "", REMARK_SERVER_DIVERGING),
	CASE(two_hops, ACCEPTED, "", REMARK_ALIAS_CHAIN),
	CASE(loop, REFUSED, "dns", REMARK_ALIAS_LOOP),
	CASE(chain_too_long, REFUSED, "dns", REMARK_ALIAS_TOO_LONG),
	CASE(dangling, REFUSED, "unauthorized", REMARK_RECORD_MISSING, REMARK_ALIAS_DANGLING),
	CASE(wildcard_answer, ACCEPTED, "", REMARK_WILDCARD_ANSWER),
	CASE(wildcard_alias, ACCEPTED, "", REMARK_WILDCARD_ANSWER),
	CASE(vantage_same, ACCEPTED, "", NONE),
	CASE(vantage_differs, ACCEPTED, "", REMARK_VANTAGE_DIFFERS),
	CASE(vantage_silent, ACCEPTED, "", REMARK_VANTAGE_SILENT),
	CASE(quorum_missed, ACCEPTED, "", REMARK_VANTAGE_DIFFERS, REMARK_VANTAGE_DIFFERS, REMARK_QUORUM_MISSED),
	CASE(delegated, ACCEPTED, "", NONE),
	CASE(delegation_missing, REFUSED, "unauthorized", REMARK_DELEGATION_MISSING),
	CASE(delegation_beside, REFUSED, "unauthorized", REMARK_DELEGATION_BESIDE),
	CASE(delegation_chain, ACCEPTED, "", REMARK_DELEGATION_CHAIN),
	CASE(delegation_loop, REFUSED, "unauthorized", REMARK_DELEGATION_BROKEN),
	CASE(delegation_dead, REFUSED, "unauthorized", REMARK_DELEGATION_UNSERVED),
	CASE(delegation_nozone, REFUSED, "unauthorized", REMARK_DELEGATION_UNSERVED),
	CASE(delegation_dead_unused, ACCEPTED, "", REMARK_DELEGATION_UNSERVED),
	CASE(delegation_cname_ttl, ACCEPTED, "", REMARK_DELEGATION_CNAME_TTL),
	CASE(delegation_txt_ttl, ACCEPTED, "", REMARK_DELEGATION_TXT_TTL),
	CASE(delegation_txt_ttl_fine, ACCEPTED, "", NONE),
	CASE(delegation_wildcard, ACCEPTED, "", REMARK_DELEGATION_WILDCARD),
};
const size_t explain_n_cases = ARRAY_LEN(explain_cases);

const struct explain_case *explain_case(const char *name)
{
	for (size_t i = 0; i < explain_n_cases; i++)
		if (!strcmp(explain_cases[i].name, name))
			return &explain_cases[i];
	fprintf(stderr, "there is no case %s\n", name);
	abort();
}
