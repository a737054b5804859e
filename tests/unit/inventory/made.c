/* made.c: observations made by hand. */
#include "made.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

const char *const made_hosts[SERVERS] = {"ns1.example.test", "ns2.example.test", "ns3.example.test"};
const char *const made_addresses[SERVERS] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};

/* ---- making views ---- */

static void view(struct made *m, const char *owner, uint16_t type, const char *zone)
{
	m->v = (struct dns_view){.owner = TEXT(owner),
		.type = type,
		.zone = TEXT(zone),
		.looked = true,
		.at = NOW,
		.answers = m->answers,
		.groups = m->groups,
		.hops = m->hops,
		.chain = {.v = m->targets}};
}

struct dns_answer *made_answer(struct made *m, enum dns_result result, uint32_t ttl)
{
	size_t i = m->v.n++;
	m->answers[i] = (struct dns_answer){.server = TEXT(made_hosts[i]),
		.address = TEXT(made_addresses[i]),
		.result = result,
		.text = TEXT(""),
		.ttl = ttl,
		.txt = m->txt[i],
		.rr = m->rr[i],
		.group = DNS_VIEW_NO_GROUP};
	return &m->answers[i];
}

/* value: its two character-strings are parted by `|`. */
void made_add_txt(struct made *m, size_t server, const char *value)
{
	struct dns_answer *a = &m->answers[server];
	struct dns_string *s = m->strings[server][a->n_txt];
	const char *bar = strchr(value, '|');
	s[0] = (struct dns_string){(uint8_t *)TEXT(value), bar ? (size_t)(bar - value) : strlen(value)};
	if (bar)
		s[1] = (struct dns_string){(uint8_t *)TEXT(bar + 1), strlen(bar + 1)};
	m->txt[server][a->n_txt++] = (struct dns_txt){.strings = s, .n = bar ? 2 : 1};
}

/* "FLAGS TAG VALUE" as CAA. */
void made_add_caa(struct made *m, size_t server, const char *text)
{
	struct dns_answer *a = &m->answers[server];
	uint8_t *d = m->data[server][a->n_rr];
	char *tag;
	d[0] = (uint8_t)strtoul(text, &tag, 10);
	size_t n_tag = strcspn(++tag, " "), n_value = strlen(tag + n_tag + 1);
	d[1] = (uint8_t)n_tag;
	memcpy(d + 2, tag, n_tag);
	memcpy(d + 2 + n_tag, tag + n_tag + 1, n_value);
	m->rr[server][a->n_rr++] = (struct dns_rr){.type = DNS_TYPE_CAA, .data = d, .n = 2 + n_tag + n_value};
}

/* A name in wire form. */
void made_add_ns(struct made *m, size_t server, const char *host)
{
	struct dns_answer *a = &m->answers[server];
	uint8_t *d = m->data[server][a->n_rr];
	size_t n = 0;
	for (const char *p = host; *p;) {
		size_t len = strcspn(p, ".");
		d[n++] = (uint8_t)len;
		memcpy(d + n, p, len);
		n += len;
		p += len + (p[len] == '.');
	}
	d[n++] = 0;
	m->rr[server][a->n_rr++] = (struct dns_rr){.type = DNS_TYPE_NS, .data = d, .n = n};
}

void made_hop(struct made *m, const char *owner, const char *target)
{
	m->hops[m->v.n_hops] = (struct dns_hop){
		.owner = TEXT(owner), .target = TEXT(target), .ttl = 300, .zone = TEXT("example.test")};
	m->targets[m->v.n_hops++] = TEXT(target);
	m->v.chain.n = m->v.n_hops;
	for (size_t i = 0; i < m->v.n; i++)
		m->answers[i].hop = (unsigned)m->v.n_hops;
}

/* One group: all that answered say the same. */
void made_agree(struct made *m)
{
	m->v.n_groups = m->v.n_answered = 0;
	for (size_t i = 0; i < m->v.n; i++) {
		if (m->answers[i].result == DNS_FAILED || m->answers[i].result == DNS_TIMEOUT)
			continue;
		if (!m->v.n_answered++)
			m->groups[0] = (struct dns_group){.first = i};
		m->groups[0].addresses++;
		m->groups[0].servers++;
		m->answers[i].group = 0;
		m->v.n_groups = 1;
	}
}

/* The last server says something else than those before it. */
void made_last_differs(struct made *m)
{
	m->v.n_groups = 2;
	m->groups[0].addresses = m->groups[0].servers = m->v.n - 1;
	m->groups[1] = (struct dns_group){.first = m->v.n - 1, .addresses = 1, .servers = 1};
	m->answers[m->v.n - 1].group = 1;
}

/* Other records at all servers. */
void made_records(struct made *m, const char *const *values)
{
	for (size_t i = 0; i < m->v.n; i++) {
		m->answers[i].n_txt = m->answers[i].n_rr = 0;
		for (size_t k = 0; k < RECORDS && values[k]; k++)
			made_add_txt(m, i, values[k]);
		m->answers[i].result = values[0] ? DNS_FOUND : DNS_NXDOMAIN;
	}
}

void made_record(struct made *m, const char *value)
{
	made_records(m, (const char *const[]){value, NULL});
}

/* ---- the world in which all is well ---- */

static void make_views(struct world *w)
{
	static const char *const names[NAMES] = {NAME, "example.test", "test"};
	view(&w->txt, OWNER, DNS_TYPE_TXT, "example.test");
	view(&w->ns, "example.test", DNS_TYPE_NS, "example.test");
	view(&w->challenge, "_acme-challenge." NAME, DNS_TYPE_TXT, "example.test");
	view(&w->cname, "_acme-challenge." NAME, DNS_TYPE_CNAME, "example.test");
	for (size_t i = 0; i < 2; i++) {
		made_answer(&w->txt, DNS_FOUND, 7200);
		made_add_txt(&w->txt, i, GOOD);
		made_answer(&w->challenge, DNS_NXDOMAIN, 60);
		made_answer(&w->cname, DNS_NXDOMAIN, 60);
	}
	made_answer(&w->ns, DNS_FOUND, 7200);
	made_add_ns(&w->ns, 0, made_hosts[0]);
	made_add_ns(&w->ns, 0, made_hosts[1]);
	for (size_t i = 0; i < NAMES; i++) {
		view(&w->caa_views[i], names[i], DNS_TYPE_CAA, i < 2 ? "example.test" : "");
		made_answer(&w->caa_views[i], i == 1 ? DNS_FOUND : DNS_NODATA, 300);
		w->caa[i] = (struct observed_caa){.name = TEXT(names[i]), .at = {.view = &w->caa_views[i].v}};
		w->caa_at[i] = &w->caa[i];
		if (i == 1)
			made_add_caa(&w->caa_views[i], 0, "0 issue ca.test");
		made_agree(&w->caa_views[i]);
	}
	made_agree(&w->txt);
	made_agree(&w->ns);
	made_agree(&w->challenge);
	made_agree(&w->cname);
}

struct world *made_world(void)
{
	struct world *w = xcalloc(1, sizeof(*w));
	strv_add(&w->issuers, "ca.test");
	strv_add(&w->thumbprints, KEY);
	strv_add(&w->thumbprints, OLD_KEY);
	make_views(w);
	w->txt_trust = (struct dns_validated){
		.security = DNS_SECURE, .rrset.owner = TEXT(OWNER), .why = TEXT(""), .hint = TEXT("")};
	w->caa_trust = w->txt_trust;
	w->caa_trust.rrset.owner = TEXT(NAME);
	w->o = (struct observation){.fqdn = TEXT(NAME),
		.owner = TEXT(OWNER),
		.what = OBSERVE_ALL,
		.at = NOW,
		.txt = {.view = &w->txt.v},
		.txt_trust = &w->txt_trust,
		.caa = w->caa_at,
		.n_caa = NAMES,
		.caa_trust = &w->caa_trust,
		.challenge = {.view = &w->challenge.v},
		.challenge_cname = {.view = &w->cname.v},
		.ns = {.view = &w->ns.v}};
	w->q = (struct explain_question){.q = {.name = NAME,
						 .level = 1,
						 .issuers = &w->issuers,
						 .account_url = URL,
						 .thumbprints = &w->thumbprints,
						 .prefix = PREFIX,
						 .ttl = 3600,
						 .now = NOW},
		.account_status = "valid",
		.renewal = NOW + 30 * DAY,
		.slack = 7 * DAY};
	return w;
}

void made_world_free(struct world *w)
{
	if (w->o.txt.e)
		err_done(w->o.txt.e);
	free(w->o.txt.e);
	strv_done(&w->issuers);
	strv_done(&w->thumbprints);
	free(w);
}
