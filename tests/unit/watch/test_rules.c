/* test_rules.c: each rule of the audit: a look at which it speaks up, and one like it at which it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "watch/context.h"
#include "watch/ct.h"
#include "watch/facts.h"
#include "watch/rules.h"

/* The account of the draft's example and its digests, for example.com and for "*". */
#define URL "https://ca.example/acct/123"
#define KEY "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define PREFIX "https://ca.example/hash/"
#define FOR_EXAMPLE_COM PREFIX "sha-256/5SQm7n6tPh2-PlLbCKGnViTXX5z19SCN4cPGQHSk-kw"
#define FOR_ANY PREFIX "sha-256/NpDnSwUthQK8zCgFdefYxAdAVPnygMLbs9US6oO-5ug"
#define FOR_NONE PREFIX "sha-256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define GOOD "ca.example;accounturi=" URL
#define HASHED "ca.example;accounturi=" FOR_EXAMPLE_COM
#define NOW 1800000000

/* A certificate seen in the logs. */
#define CERT(names, issuer, serial, from, to)                                                                          \
	"{\"names\":[\"" names "\"],\"issuer\":\"" issuer "\",\"serial\":\"" serial "\",\"not_before\":\"" from        \
	"T00:00:00Z\",\"not_after\":\"" to "T00:00:00Z\"}"
#define SEEN(names) CERT(names, "C=XX, O=CA One, CN=R1", "00:AB:01", "2026-12-01", "2027-03-01")

enum { LIST = 3, CA_ONE, CA_MOVING, CA_02, CA_DEAD, CA_OLD_KEY, CA_NONE };

/* One name and the world around it; what is not said is as usual. */
struct look {
	const char *txt[LIST]; /* RRs; "|" cuts into character-strings */
	const char *other[LIST]; /* what a second server has, if another */
	bool two;
	const char *fqdn, *name_fault, *bad_line, *failure, *zone;
	bool literal, suffix, tcp, synthesised, beside, dangling_text;
	uint32_t ttl, cname_ttl, txt_ttl;
	const char *alias[LIST], *deleg[LIST];
	enum facts_end end;
	enum facts_known target_served, served;
	size_t tokens;
	enum facts_dnssec dnssec;
	enum facts_answer server;
	bool caa_looked;
	const char *caa[LIST];
	const char *ns[LIST], *parent_ns[LIST], *ns_before[LIST];
	const char *zones_below[LIST], *aliases_below[LIST];
	/* the context */
	int ca; /* CA_ONE unless given */
	const char *want[LIST]; /* names that certificates need */
	bool not_all; /* there may be others */
	bool second_ca; /* which the wants are for */
	int64_t renew_at;
	const char *zones[LIST], *validation_zones[LIST];
	const char *ct[LIST]; /* lines of a file of certificates */
	bool ct_empty; /* there is one, with nothing of interest in it */
	const char *ct_known[LIST], *ct_issuers[LIST];
	int64_t since; /* of the account */
};

struct world {
	struct audit_context *c;
	struct facts f;
	struct strv lists[7];
	struct perdure_text caa[LIST];
};

static const struct strv *list(struct strv *to, const char *const *from)
{
	for (size_t i = 0; i < LIST && from[i]; i++)
		strv_add(to, from[i]);
	return to->n ? to : NULL;
}

static void add_set(struct facts *f, const struct look *l, const char *const *txt, const char *server)
{
	struct facts_set *s = facts_add_set(f, server, 1, l->ttl ? l->ttl : 3600);
	s->truncated = l->tcp;
	for (size_t i = 0; i < LIST && txt[i]; i++) {
		struct perdure_text strings[4];
		size_t n = 0;
		for (const char *p = txt[i];; p = strchr(p, '|') + 1) {
			strings[n++] = (struct perdure_text){p, strcspn(p, "|")};
			if (!strchr(p, '|'))
				break;
		}
		facts_add_rr(s, strings, n);
	}
}

/* The file is read as it is from elsewhere. */
static struct ct *make_ct(const struct look *l)
{
	struct err e = {0};
	struct ct *ct = ct_new();
	FILE *f = tmpfile();
	char path[64];
	assert_non_null(f);
	for (size_t i = 0; i < LIST && l->ct[i]; i++)
		fprintf(f, "%s\n", l->ct[i]);
	if (l->ct_empty)
		fputs(CERT("far.test", "O=CA One", "99", "2026-12-01", "2028-01-01"), f);
	fflush(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	assert_int_equal(ct_read(ct, path, &e), 0);
	fclose(f);
	for (size_t i = 0; i < LIST && l->ct_known[i]; i++)
		ct_know(ct, l->ct_known[i]);
	ct_ready(ct);
	return ct;
}

static void make_context(struct world *w, const struct look *l)
{
	struct err e = {0};
	w->c = context_new(NOW);
	if (l->ca != CA_NONE) {
		struct audit_ca *a = context_add_ca(w->c, "one");
		strv_add(&a->issuers, "ca.example");
		a->account_url = xstrdup(URL);
		a->levels[0] = l->ca == CA_02 || l->ca == CA_OLD_KEY ? 2 : 1;
		a->levels[1] = 2;
		a->n_levels = l->ca == CA_MOVING ? 2 : 1;
		a->dead = l->ca == CA_DEAD;
		a->account_since = l->since;
		a->prefix = xstrdup(PREFIX);
		if (l->ca == CA_OLD_KEY)
			strv_add(&a->thumbprints, "0000000000000000000000000000000000000000000");
		strv_add(&a->thumbprints, KEY);
		a = context_add_ca(w->c, "two");
		strv_add(&a->issuers, "second.example");
		a->account_url = xstrdup("https://second.example/1");
		a->account_since = l->since;
		a->n_levels = 1;
		a->levels[0] = 1;
	}
	for (size_t i = 0; i < LIST && l->want[i]; i++)
		context_add_want(w->c, l->want[i], l->second_ca ? 1 : 0, l->renew_at);
	list(&w->c->zones, l->zones);
	list(&w->c->validation_zones, l->validation_zones);
	list(&w->c->ct_issuers, l->ct_issuers);
	if (l->ct[0] || l->ct_empty)
		w->c->ct = make_ct(l);
	w->c->has_inventory = !l->not_all;
	assert_int_equal(context_ready(w->c, &e), 0);
}

static void make_caa(struct world *w, const struct look *l)
{
	struct facts_caa *caa = &w->f.caa;
	*caa = (struct facts_caa){
		.looked = l->caa_looked || l->caa[0], .owner = l->caa[0] ? "example.com" : "", .rdata = w->caa};
	for (; caa->n < LIST && l->caa[caa->n]; caa->n++)
		w->caa[caa->n] = (struct perdure_text){l->caa[caa->n], 2 + 5 + strlen(l->caa[caa->n] + 7)};
}

static void make(struct world *w, const struct look *l)
{
	struct facts *f = &w->f;
	*w = (struct world){0};
	make_context(w, l);
	*f = (struct facts){
		.fqdn = l->fqdn ? l->fqdn : "example.com",
		.owner = "_validation-persist.example.com",
		.name_fault = l->name_fault,
		.literal_wildcard = l->literal,
		.public_suffix = l->suffix,
		.bad_line = l->bad_line,
		.failure = l->failure,
		.zone = l->zone ? l->zone : "example.com",
		.alias = {list(&w->lists[0], l->alias), "", l->end, ""},
		.synthesised = l->synthesised,
		.dnssec = l->dnssec,
		.served = l->served,
		.delegation = {.looked = true,
			.alias = {list(&w->lists[1], l->deleg), "", FACTS_END_UNKNOWN, ""},
			.target_served = l->target_served,
			.beside = l->beside,
			.cname_ttl = l->cname_ttl,
			.txt_ttl = l->txt_ttl,
			.n_txt = l->tokens},
		.ns = list(&w->lists[2], l->ns),
		.parent_ns = list(&w->lists[3], l->parent_ns),
		.ns_before = list(&w->lists[4], l->ns_before),
		.zones_below = list(&w->lists[5], l->zones_below),
		.aliases_below = list(&w->lists[6], l->aliases_below),
	};
	make_caa(w, l);
	add_set(f, l, l->txt, "ns1");
	if (l->two)
		add_set(f, l, l->other, "ns2");
	facts_add_server(f, "ns1", l->server, l->server ? "it does not answer" : NULL);
	facts_read(f, w->c);
}

static void unmake(struct world *w)
{
	facts_done(&w->f);
	context_free(w->c);
	for (size_t i = 0; i < ARRAY_LEN(w->lists); i++)
		strv_done(&w->lists[i]);
}

struct heard {
	const char *rule;
	size_t n;
	char evidence[512];
	uint64_t fingerprint;
};

static void hear(const struct finding *f, void *ctx)
{
	struct heard *h = ctx;
	if (h->rule && strcmp(f->rule->id, h->rule))
		return;
	h->n++;
	h->fingerprint = f->fingerprint;
	snprintf(h->evidence, sizeof(h->evidence), "%s|%s|%s|%s", f->evidence, f->ca, f->server, f->fix);
	assert_true(f->evidence[0] && f->remedy[0] && f->name[0]);
}

static struct heard hear_all(const char *rule, const struct look *l)
{
	struct world w;
	struct heard h = {.rule = rule};
	make(&w, l);
	rules_check(&w.f, w.c, hear, &h);
	unmake(&w);
	return h;
}

#define BASE .want = {"example.com"}
#define WILD .want = {"example.com", "*.example.com"}
#define CAA(tag, value) "\x00\x05" tag value

static const struct {
	const char *rule, *says;
	struct look yes, no;
} rows[] = {
	{"PD101", "at octet 25", {.txt = {"ca.example;accounturi=x;;"}, BASE}, {.txt = {GOOD}, BASE}},
	{"PD101", "octet", {.txt = {GOOD ";persistUntil=soon"}}, {.txt = {"other text"}}},
	{"PD102", "octet", {.txt = {GOOD, "v=spf1 -all"}}, {.txt = {GOOD, "other.example;accounturi=x"}}},
	{"PD103", "together", {.txt = {"ca.example;accounturi=https://ca.example", "/acct/123"}}, {.txt = {GOOD}}},
	{"PD103", "together", {.txt = {"ca.example;", "accounturi=" URL}}, {.txt = {GOOD, "something else"}}},
	{"PD104", "quotation", {.txt = {"\"" GOOD "\""}}, {.txt = {GOOD}}},
	{"PD105", "1 and 2", {.txt = {"ca.example; |accounturi=" URL}}, {.txt = {"ca.example;|accounturi=" URL}}},
	{"PD106", "in 2 character-strings", {.txt = {"ca.example;|accounturi=" URL}}, {.txt = {GOOD}}},
	{"PD107", "printable", {.txt = {GOOD "\xc3\xa4"}}, {.txt = {GOOD}}},
	{"PD108", "does not", {.txt = {GOOD ";x=1;x=2"}}, {.txt = {GOOD}}},
	{"PD109", "too long", {.name_fault = "too long"}, {.txt = {GOOD}}},
	{"PD110", "CAs look at", {.txt = {GOOD}, .literal = true}, {.txt = {GOOD}}},
	{"PD111", "anybody", {.txt = {GOOD}, .suffix = true}, {.suffix = true}},
	{"PD112", "line 3", {.bad_line = "line 3: a string of 300 octets"}, {.txt = {GOOD}}},
	{"PD113", "over TCP", {.txt = {GOOD}, .tcp = true}, {.txt = {GOOD}}},

	{"PD201", "evil.test", {.txt = {"evil.test;accounturi=x"}}, {.txt = {GOOD}}},
	{"PD201", "ns2", {.txt = {GOOD}, .two = true, .other = {"evil.test;accounturi=x"}},
		{.txt = {"evil.test;accounturi=x"}, .ca = CA_NONE}},
	{"PD202", "looks like ca.example", {.txt = {"CA.example;accounturi=x"}}, {.txt = {GOOD}}},
	{"PD202", "looks like ca.example", {.txt = {"ca.examp1e;accounturi=x"}}, {.txt = {"evil.test;accounturi=x"}}},
	{"PD202", "looks like ca.example", {.txt = {"ca.example.;accounturi=x"}},
		{.txt = {"second.example;accounturi=x"}}},
	{"PD202", "looks like ca.example", {.txt = {"ca.exarnple;accounturi=x"}}, {.txt = {"car.test;accounturi=x"}}},
	{"PD202", "looks like ca.example", {.txt = {"ca.xn--exmple-4nf;accounturi=x"}},
		{.txt = {"ca.xn--fiqs8s;accounturi=x"}}},
	{"PD203", "is no account of ours", {.txt = {"ca.example;accounturi=https://ca.example/acct/9"}},
		{.txt = {GOOD}}},
	{"PD203", "no known account", {.txt = {"ca.example;accounturi=" FOR_NONE}, .ca = CA_02},
		{.txt = {HASHED}, .ca = CA_02}},
	{"PD203", "no known account", {.txt = {HASHED}, .fqdn = "example.org", .ca = CA_02},
		{.txt = {HASHED}, .ca = CA_NONE}},
	{"PD204", "had before", {.txt = {HASHED}, .ca = CA_OLD_KEY}, {.txt = {HASHED}, .ca = CA_02}},
	{"PD205", "over \"*\"", {.txt = {"ca.example;accounturi=" FOR_ANY}, .ca = CA_02},
		{.txt = {"ca.example;accounturi=" FOR_ANY}, .ca = CA_02, .alias = {"x.example.com"}}},
	{"PD206", "level 02", {.txt = {GOOD}, .ca = CA_02}, {.txt = {GOOD}, .ca = CA_MOVING}},
	{"PD207", "level 01", {.txt = {HASHED}}, {.txt = {HASHED}, .ca = CA_02}},
	{"PD208", "deactivated", {.txt = {GOOD}, .ca = CA_DEAD}, {.txt = {GOOD}}},
	{"PD209", "base64url", {.txt = {"ca.example;accounturi=" PREFIX "sha-256/AAAA"}, .ca = CA_02},
		{.txt = {HASHED}, .ca = CA_02}},
	{"PD209", "base64url", {.txt = {"ca.example;accounturi=" PREFIX "md5/AAAA"}, .ca = CA_02}, {.txt = {GOOD}}},
	{"PD210", "means the same", {.txt = {GOOD, "ca.example; accounturi=" URL}},
		{.txt = {GOOD, GOOD ";policy=wildcard"}}},
	{"PD211", "policy=wildcard", {.txt = {GOOD, GOOD ";policy=wildcard"}},
		{.txt = {GOOD, "ca.example;accounturi=" FOR_EXAMPLE_COM ";policy=wildcard"}}},
	{"PD211", "holds longer", {.txt = {GOOD, GOOD ";persistUntil=1900000000"}}, {.txt = {GOOD, GOOD}}},
	{"PD212", "level 02 is missing", {.txt = {GOOD}, .ca = CA_MOVING, BASE},
		{.txt = {GOOD, HASHED}, .ca = CA_MOVING, BASE}},
	{"PD213", "that of example.com",
		{.txt = {HASHED}, .fqdn = "www.example.com", .ca = CA_02, .alias = {"x.example.com"}, BASE},
		{.txt = {HASHED}, .ca = CA_02, .alias = {"x.example.com"}, BASE}},

	{"PD301", "itself only", {.txt = {GOOD ";policy=wildcard"}, BASE}, {.txt = {GOOD ";policy=wildcard"}, WILD}},
	{"PD301", "itself only", {.txt = {GOOD ";policy=wildcard"}, BASE},
		{.txt = {GOOD ";policy=wildcard"}, .want = {"example.com", "www.example.com"}}},
	{"PD302", "no persistUntil", {.txt = {GOOD}}, {.txt = {GOOD ";persistUntil=1900000000"}}},
	{"PD303", "ended at 2027-01-15T07:59:59Z", {.txt = {GOOD ";persistUntil=1799999999"}},
		{.txt = {GOOD ";persistUntil=1800000000"}}},
	{"PD304", "ends at", {.txt = {GOOD ";persistUntil=1800086400"}}, {.txt = {GOOD ";persistUntil=1802592000"}}},
	{"PD304", "ends at", {.txt = {GOOD ";persistUntil=1803000000"}, BASE, .renew_at = 1802000000},
		{.txt = {GOOD ";persistUntil=1803000000"}, BASE}},
	{"PD305", "milliseconds", {.txt = {GOOD ";persistUntil=1900000000000"}},
		{.txt = {GOOD ";persistUntil=1900000000"}}},
	{"PD305", "9999", {.txt = {GOOD ";persistUntil=9999999999999999"}}, {.txt = {GOOD}}},
	{"PD305", "sign", {.txt = {GOOD ";persistUntil=-5"}}, {.txt = {GOOD}}},
	{"PD305", "leading zero", {.txt = {GOOD ";persistUntil=01900000000"}}, {.txt = {GOOD}}},
	{"PD305", "before the method", {.txt = {GOOD ";persistUntil=1"}}, {.txt = {GOOD}}},
	{"PD306", "90000 seconds", {.txt = {GOOD}, .ttl = 90000}, {.txt = {GOOD}, .ttl = 86400}},
	{"PD307", "60 seconds", {.txt = {GOOD}, .ttl = 60}, {.txt = {HASHED}, .ttl = 60, .ca = CA_02}},
	{"PD308", "dept.example.com is delegated",
		{.txt = {GOOD ";policy=wildcard"}, .zones_below = {"dept.example.com"}},
		{.txt = {GOOD}, .zones_below = {"dept.example.com"}}},
	{"PD308", "delegated", {.txt = {GOOD ";policy=wildcard"}, .zones_below = {"dept.example.com"}},
		{.txt = {GOOD ";policy=wildcard"}, .zones_below = {"dept.example.com"}, .zones = {"dept.example.com"}}},
	{"PD309", "www to cdn.test", {.txt = {GOOD ";policy=wildcard"}, .aliases_below = {"www to cdn.test"}},
		{.txt = {GOOD}, .aliases_below = {"www to cdn.test"}}},

	{"PD401", "no configured certificate", {.txt = {GOOD}}, {.txt = {GOOD}, BASE}},
	{"PD401", "no configured certificate", {.txt = {GOOD}, .want = {"other.test"}},
		{.txt = {GOOD}, .not_all = true}},
	{"PD401", "_acme-challenge.example.com leads to x.val.test",
		{.deleg = {"x.val.test"}, .validation_zones = {"val.test"}, .want = {"other.test"}},
		{.deleg = {"x.val.test"}, .validation_zones = {"val.test"}, BASE}},
	{"PD401", "leads to x.val.test",
		{.deleg = {"a.test", "x.val.test"}, .validation_zones = {"val.test"}, .want = {"other.test"}},
		{.deleg = {"x.else.test"}, .validation_zones = {"val.test"}, .want = {"other.test"}}},
	{"PD402", "_validation-persist.example.com. 3600 IN TXT \"" GOOD "\"", {BASE}, {.txt = {GOOD}, BASE}},
	{"PD402", "*.example.com", {.txt = {GOOD}, WILD}, {.txt = {GOOD ";policy=wildcard"}, WILD}},
	{"PD402", "one", {.txt = {"second.example;accounturi=https://second.example/1"}, BASE},
		{.failure = "nobody answered", BASE}},
	{"PD403", "\"one\"", {.txt = {GOOD}, BASE, .second_ca = true}, {.txt = {GOOD}, BASE}},
	{"PD404", "nothing at example.com", {.txt = {GOOD}, .served = FACTS_NO}, {.txt = {GOOD}, .served = FACTS_YES}},

	{"PD501", "leads to x.example.net", {.txt = {GOOD}, .alias = {"x.example.net"}}, {.txt = {GOOD}}},
	{"PD502", "leads to x.example.net", {.txt = {GOOD}, .alias = {"x.example.net"}},
		{.txt = {GOOD}, .alias = {"x.example.com"}}},
	{"PD502", "leads to x.example.net", {.txt = {GOOD}, .alias = {"x.example.net"}},
		{.txt = {GOOD}, .alias = {"x.example.net"}, .zones = {"example.net"}}},
	{"PD503", "no TXT record at x.example.com", {.alias = {"x.example.com"}, .end = FACTS_END_MISSING},
		{.txt = {GOOD}, .alias = {"x.example.com"}, .end = FACTS_END_FOUND}},
	{"PD504", "loop", {.alias = {"x.example.com"}, .end = FACTS_END_LOOP},
		{.txt = {GOOD}, .alias = {"x.example.com"}}},
	{"PD505", "2 aliases", {.txt = {GOOD}, .alias = {"x.example.com", "y.example.com"}},
		{.txt = {GOOD}, .alias = {"x.example.com"}}},
	{"PD506", "wildcard", {.txt = {GOOD}, .synthesised = true}, {.txt = {GOOD}}},
	{"PD511", "leads to x.gone.test", {.deleg = {"x.gone.test"}, .target_served = FACTS_NO},
		{.deleg = {"x.gone.test"}, .target_served = FACTS_YES}},
	{"PD512", "leads to x.gone.test", {.deleg = {"x.gone.test"}}, {.deleg = {"x.example.com"}}},
	{"PD512", "leads to x.gone.test", {.deleg = {"x.gone.test"}, .validation_zones = {"val.test"}},
		{.deleg = {"x.val.test"}, .validation_zones = {"val.test"}}},
	{"PD513", "2 aliases from _acme-challenge", {.deleg = {"x.example.com", "y.example.com"}},
		{.deleg = {"x.example.com"}}},
	{"PD514", "other records", {.deleg = {"x.example.com"}, .beside = true}, {.deleg = {"x.example.com"}}},
	{"PD515", "CNAME is 90000", {.deleg = {"x.example.com"}, .cname_ttl = 90000},
		{.deleg = {"x.example.com"}, .cname_ttl = 86400}},
	{"PD515", "TXT records is 600", {.tokens = 1, .txt_ttl = 600}, {.tokens = 1, .txt_ttl = 300}},
	{"PD516", "2 TXT records", {.tokens = 2}, {.tokens = 0}},

	{"PD601", "validation fails", {.txt = {GOOD}, .dnssec = FACTS_BOGUS},
		{.txt = {GOOD}, .dnssec = FACTS_INSECURE}},
	{"PD602", "example.com", {.txt = {GOOD}, .dnssec = FACTS_INSECURE}, {.txt = {GOOD}, .dnssec = FACTS_SECURE}},
	{"PD603", "1 address serves 1 record (ns1); 1 address serves 0 records (ns2)", {.txt = {GOOD}, .two = true},
		{.txt = {GOOD}}},
	{"PD604", "does not answer", {.txt = {GOOD}, .server = FACTS_LAME}, {.txt = {GOOD}, .server = FACTS_SILENT}},
	{"PD605", "does not answer", {.txt = {GOOD}, .server = FACTS_SILENT}, {.txt = {GOOD}}},
	{"PD606", "nobody", {.failure = "nobody answered"}, {.txt = {GOOD}}},
	{"PD607", "new ns3, gone ns2", {.ns = {"ns1", "ns3"}, .ns_before = {"ns1", "ns2"}},
		{.ns = {"ns1", "ns2"}, .ns_before = {"ns2", "ns1"}}},
	{"PD608", "only at the parent ns2", {.ns = {"ns1"}, .parent_ns = {"ns1", "ns2"}},
		{.ns = {"ns1"}, .parent_ns = {"ns1"}}},

	{"PD701", "CA", {.txt = {GOOD}, BASE, .caa = {CAA("issue", "other.example")}},
		{.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example")}}},
	{"PD702", "validationmethods",
		{.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example;validationmethods=dns-01")}},
		{.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example;validationmethods=dns-persist-01")}}},
	{"PD703", "accounturi", {.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example;accounturi=https://x/1")}},
		{.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example;accounturi=" URL)}}},
	{"PD703", "accounturi", {.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example;accounturi=" FOR_EXAMPLE_COM)}},
		{.caa = {CAA("issue", "ca.example;accounturi=https://x/1")}}},
	{"PD704", "neither example.com", {.txt = {GOOD}, BASE, .caa_looked = true}, {.txt = {GOOD}, BASE}},
	{"PD705", "no accounturi", {.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example")}},
		{.txt = {GOOD}, BASE, .caa = {CAA("issue", "ca.example;accounturi=" URL)}}},

	{"PD811", "serial number ab01, issued by C=XX, O=CA One, CN=R1 for example.com, good from 2026-12-01",
		{.txt = {GOOD}, .ct = {SEEN("example.com")}},
		{.txt = {GOOD}, .ct = {SEEN("example.com")}, .ct_known = {"AB01"}}},
	{"PD811", "ab01", {.txt = {GOOD}, .ct = {SEEN("*.example.com")}},
		{.txt = {GOOD}, .ct = {SEEN("x.example.com")}}},
	{"PD811", "ab01", {.txt = {GOOD ";policy=wildcard"}, .ct = {SEEN("a.b.example.com")}},
		{.txt = {GOOD ";policy=wildcard"}, .ct = {SEEN("badexample.com")}}},
	{"PD811", "ab01", {.txt = {GOOD}, .fqdn = "www.example.com", .ct = {SEEN("*.example.com")}},
		{.txt = {GOOD}, .fqdn = "www.example.com", .ct = {SEEN("example.com")}}},
	{"PD811", "ab01", {.ct = {SEEN("example.com")}, .ct_issuers = {"ca one"}},
		{.ct = {CERT("example.com", "O=CA One", "1", "2026-01-01", "2026-12-31")}}},
	{"PD811", "ab01", {.ct = {SEEN("example.com"), SEEN("example.com")}, .since = NOW - 90 * 86400},
		{.ct = {SEEN("example.com")}, .since = NOW}},
	{"PD812", "issued by O=Evil CA",
		{.ct = {CERT("example.com", "O=Evil CA", "2", "2026-12-01", "2027-12-01")}, .ct_issuers = {"CA One"}},
		{.ct = {SEEN("example.com")}, .ct_issuers = {"CA One"}}},
	{"PD812", "serial number 2",
		{.ct = {CERT("example.com", "O=CA One Plus", "2", "2026-12-01", "2027-12-01")},
			.ct_issuers = {"CA One"}},
		{.ct = {CERT("example.com", "O=Evil CA", "2", "2026-12-01", "2027-12-01")}}},
	{"PD813", "our first account is of 2027-01-15", {.ct = {SEEN("example.com")}, .since = NOW},
		{.ct = {SEEN("example.com")}, .since = NOW - 90 * 86400}},
	{"PD813", "ab01", {.ct = {SEEN("example.com")}, .since = NOW}, {.ct = {SEEN("example.com")}}},
	{"PD814", "none of 1 certificates is good for example.com", {.txt = {GOOD}, .ct_empty = true},
		{.txt = {GOOD}, .ct = {SEEN("example.com")}, .ct_known = {"ab01"}}},
	{"PD814", "none of 1", {.txt = {GOOD}, .ct_empty = true}, {.txt = {GOOD}}},
};

static void test_each_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct heard yes = hear_all(rows[i].rule, &rows[i].yes), no = hear_all(rows[i].rule, &rows[i].no);
		if (yes.n != 1 || !strstr(yes.evidence, rows[i].says))
			fail_msg("row %zu, %s: %zu findings, \"%s\" should say \"%s\"", i, rows[i].rule, yes.n,
				yes.evidence, rows[i].says);
		if (no.n)
			fail_msg("row %zu, %s: should be silent, says \"%s\"", i, rows[i].rule, no.evidence);
	}
}

/* No rule is without its rows, and no row without its rule. */
static void test_every_rule_is_tested(void **state)
{
	size_t n;
	const struct rule *all = rules_all(&n);
	(void)state;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;
		while (k < ARRAY_LEN(rows) && strcmp(rows[k].rule, all[i].id))
			k++;
		if (all[i].check && k == ARRAY_LEN(rows))
			fail_msg("%s has no row", all[i].id);
		assert_ptr_equal(rules_find(all[i].id), &all[i]);
		assert_true(!i || strcmp(all[i - 1].id, all[i].id) < 0);
		for (k = 0; k < i; k++)
			assert_string_not_equal(all[k].name, all[i].name);
	}
	assert_null(rules_find("PD000"));
}

/* A name with nothing wrong has no finding at all but that there is no end. */
static void test_nothing_wrong(void **state)
{
	(void)state;
	struct look l = {.txt = {GOOD ";policy=wildcard;persistUntil=1900000000"},
		WILD,
		.dnssec = FACTS_SECURE,
		.caa = {CAA("issue", "ca.example;validationmethods=dns-persist-01;accounturi=" URL)}};
	struct heard h = hear_all(NULL, &l);
	if (h.n)
		fail_msg("%s", h.evidence);
}

static void test_fingerprints(void **state)
{
	(void)state;
	struct look a = {.txt = {"evil.test;accounturi=x"}},
		    b = {.txt = {GOOD, "evil.test;accounturi=x"}, .ttl = 99999},
		    c = {.txt = {"evil.test;accounturi=y"}}, d = a;
	d.fqdn = "www.example.com";
	uint64_t first = hear_all("PD201", &a).fingerprint;
	assert_int_equal(first, hear_all("PD201", &b).fingerprint);
	assert_int_not_equal(first, hear_all("PD201", &c).fingerprint);
	assert_int_not_equal(first, hear_all("PD201", &d).fingerprint);
}

static void test_ignored(void **state)
{
	static const struct {
		const char *rule, *name;
		bool silent;
	} cases[] = {
		{"PD401", NULL, true},
		{"PD401", "example.com", true},
		{NULL, "example.com", true},
		{"PD401", "*.com", true},
		{"PD401", "*.example.com", false},
		{"PD402", "example.com", false},
		{"PD401", "example.org", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world w;
		struct heard h = {.rule = "PD401"};
		struct err e = {0};
		struct look l = {.txt = {GOOD}};
		make(&w, &l);
		assert_int_equal(context_add_ignore(w.c, cases[i].rule, cases[i].name, &e), 0);
		rules_check_one(rules_find("PD401"), &w.f, w.c, hear, &h);
		assert_int_equal(h.n, !cases[i].silent);
		assert_int_equal(context_add_ignore(w.c, "PD000", NULL, &e), -1);
		assert_non_null(strstr(e.hint, "--list-rules"));
		err_done(&e);
		unmake(&w);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_rule),
		cmocka_unit_test(test_every_rule_is_tested),
		cmocka_unit_test(test_nothing_wrong),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_ignored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
