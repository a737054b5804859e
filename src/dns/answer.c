/* answer.c: the answers in a view, and what a view says as a whole. */
#include "dns/answer.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"

static const char *const result_names[] = {
	[DNS_FOUND] = "found",
	[DNS_NODATA] = "nodata",
	[DNS_NXDOMAIN] = "nxdomain",
	[DNS_ALIAS] = "alias",
	[DNS_FAILED] = "failed",
	[DNS_TIMEOUT] = "timeout",
};
_Static_assert(sizeof(result_names) / sizeof(result_names[0]) == DNS_RESULT_N_, "one name per result");

const char *dns_result_name(enum dns_result r)
{
	return r < DNS_RESULT_N_ ? result_names[r] : "unknown";
}

static const char *const health_names[] = {
	[DNS_OK] = "ok",
	[DNS_LAME] = "lame",
	[DNS_REFUSING] = "refusing",
	[DNS_ERROR] = "error",
	[DNS_MALFORMED] = "malformed",
	[DNS_UNREACHABLE] = "unreachable",
	[DNS_SILENT] = "silent",
	[DNS_NO_IPV6] = "no-ipv6",
	[DNS_ADDRESSLESS] = "addressless",
	[DNS_DIVERGING] = "diverging",
};
_Static_assert(sizeof(health_names) / sizeof(health_names[0]) == DNS_HEALTH_N_, "one name per kind");

const char *dns_health_name(enum dns_health h)
{
	return h < DNS_HEALTH_N_ ? health_names[h] : "unknown";
}

void answer_init(struct dns_answer *a, const char *server, const char *address)
{
	*a = (struct dns_answer){.server = xstrdup(server),
		.address = xstrdup(address),
		.text = xstrdup(""),
		.group = DNS_VIEW_NO_GROUP};
}

void answer_done(struct dns_answer *a)
{
	free(a->store_);
	free(a->server);
	free(a->address);
	free(a->soa_zone);
	free(a->text);
	*a = (struct dns_answer){0};
}

void answer_fail(struct dns_answer *a, enum dns_health health, const char *text)
{
	a->result = health == DNS_UNREACHABLE || health == DNS_SILENT ? DNS_TIMEOUT : DNS_FAILED;
	a->health = health;
	free(a->text);
	a->text = xstrdup(text);
}

/* --- the records --- */

static bool is_wanted(const struct message_rr *rr, const char *name, uint16_t type, const char *dname)
{
	if (rr->section != MESSAGE_ANSWER)
		return false;
	return (rr->type == type && strcmp(rr->owner, name) == 0) ||
	       (dname && rr->type == DNS_TYPE_DNAME && strcmp(rr->owner, dname) == 0);
}

static int order(const void *a, const void *b)
{
	return dns_rr_cmp(a, b);
}

/* One piece of memory for all: the records, their texts' descriptions, the octets. */
static void lay_out(struct dns_answer *a, const struct dns_rr *rr, size_t n, size_t strings, size_t octets)
{
	bool txt = n && rr[0].type == DNS_TYPE_TXT;
	size_t n_txt = txt ? n : 0;
	a->store_ = xmalloc(
		n * sizeof(*a->rr) + n_txt * sizeof(*a->txt) + strings * sizeof(struct dns_string) + octets + 1);
	a->rr = a->store_;
	a->n_rr = n;
	a->txt = (struct dns_txt *)(a->rr + n);
	a->n_txt = n_txt;
	struct dns_string *s = (struct dns_string *)(a->txt + n_txt);
	uint8_t *p = (uint8_t *)(s + strings);
	for (size_t i = 0; i < n; i++) {
		a->rr[i] = rr[i];
		a->rr[i].data = p;
		if (rr[i].n)
			memcpy(p, rr[i].data, rr[i].n);
		if (txt)
			a->txt[i] = (struct dns_txt){.strings = s};
		for (size_t at = 0; txt && at < rr[i].n; at += p[at] + 1U) {
			*s++ = (struct dns_string){.p = p + at + 1, .n = p[at]};
			a->txt[i].n++;
		}
		p += rr[i].n;
	}
}

static void take(struct dns_answer *a, const struct message *m, const char *name, uint16_t type, const char *dname)
{
	size_t n = 0, kept = 0, strings = 0, octets = 0;
	AUTO(xfreep) struct dns_rr *rr = xcalloc(m->n_rr, sizeof(*rr));
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *r = &m->rr[i];
		if (!is_wanted(r, name, type, dname))
			continue;
		rr[n] = (struct dns_rr){.type = r->type, .ttl = r->ttl, .data = r->data, .n = r->n_data};
		n++;
	}
	qsort(rr, n, sizeof(*rr), order);
	for (size_t i = 0; i < n; i++) {
		if (kept && dns_rr_cmp(&rr[kept - 1], &rr[i]) == 0)
			continue;
		rr[kept++] = rr[i];
		octets += rr[i].n;
		for (size_t at = 0; type == DNS_TYPE_TXT && at < rr[i].n; at += rr[i].data[at] + 1U)
			strings++;
	}
	free(a->store_);
	lay_out(a, rr, kept, strings, octets);
}

void answer_take(struct dns_answer *a, const struct message *m, const char *name, uint16_t type)
{
	take(a, m, name, type, NULL);
}

void answer_take_alias(struct dns_answer *a, const struct message *m, const char *name, const char *dname)
{
	take(a, m, name, DNS_TYPE_CNAME, dname);
}

/* --- what a view says as a whole --- */

bool answer_is(const struct dns_answer *a)
{
	return a->result < DNS_FAILED;
}

const struct dns_answer *dns_view_any(const struct dns_view *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (answer_is(&v->answers[i]))
			return &v->answers[i];
	return NULL;
}

bool answer_same(const struct dns_answer *a, const struct dns_answer *b)
{
	if (a->result != b->result || a->n_rr != b->n_rr)
		return false;
	for (size_t i = 0; i < a->n_rr; i++)
		if (dns_rr_cmp(&a->rr[i], &b->rr[i]) != 0)
			return false;
	return true;
}

bool dns_view_agree(const struct dns_view *v)
{
	return v->n_groups <= 1;
}

static int by_size(const void *a, const void *b)
{
	const struct dns_group *x = a, *y = b;
	if (x->addresses != y->addresses)
		return x->addresses > y->addresses ? -1 : 1;
	return x->first < y->first ? -1 : x->first > y->first;
}

static size_t group_of(const struct dns_view *v, const struct dns_answer *a)
{
	for (size_t g = 0; g < v->n_groups; g++)
		if (answer_same(a, &v->answers[v->groups[g].first]))
			return g;
	return v->n_groups;
}

/* Whether an answer before this one is the same server's and in the same group. */
static bool server_counted(const struct dns_view *v, const struct dns_answer *a)
{
	for (const struct dns_answer *b = v->answers; b < a; b++)
		if (b->group == a->group && strcmp(b->server, a->server) == 0)
			return true;
	return false;
}

void answer_group(struct dns_view *v)
{
	v->groups = xcalloc(v->n, sizeof(*v->groups));
	for (size_t i = 0; i < v->n; i++) {
		struct dns_answer *a = &v->answers[i];
		if (!answer_is(a))
			continue;
		size_t g = group_of(v, a);
		if (g == v->n_groups)
			v->groups[v->n_groups++] = (struct dns_group){.first = i};
		v->groups[g].addresses++;
		v->n_answered++;
	}
	qsort(v->groups, v->n_groups, sizeof(*v->groups), by_size);
	for (size_t i = 0; i < v->n; i++) {
		struct dns_answer *a = &v->answers[i];
		if (!answer_is(a))
			continue;
		a->group = (int)group_of(v, a);
		v->groups[a->group].servers += !server_counted(v, a);
	}
}

int64_t dns_view_stale_until(const struct dns_view *v)
{
	uint32_t longest = 0;
	for (size_t i = 0; i < v->n_hops; i++)
		if (v->hops[i].ttl > longest)
			longest = v->hops[i].ttl;
	for (size_t i = 0; i < v->n; i++)
		if (v->answers[i].ttl > longest)
			longest = v->answers[i].ttl;
	return v->at + longest;
}

static void hop_done(struct dns_hop *h)
{
	free(h->owner);
	free(h->target);
	free(h->zone);
	free(h->dname);
	free(h->wildcard);
}

void dns_view_free(struct dns_view *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->n; i++)
		answer_done(&v->answers[i]);
	free(v->answers);
	for (size_t i = 0; i < v->n_hops; i++)
		hop_done(&v->hops[i]);
	free(v->hops);
	free(v->groups);
	free(v->owner);
	free(v->zone);
	free(v->wildcard);
	strv_done(&v->chain);
	free(v);
}
