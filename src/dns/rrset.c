/* rrset.c: one RRset out of a resolver's answer. */
#include "dns/rrset.h"

#include <stdlib.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/answer.h"
#include "dns/message.h"

enum { CHAIN_MAX = 64 };

static void least(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

/* The first record of the answer section with this owner and type. */
static const struct message_rr *find(const struct message *m, const char *owner, uint16_t type)
{
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->section == MESSAGE_ANSWER && rr->type == type && !strcmp(rr->owner, owner))
			return rr;
	}
	return NULL;
}

/* Follows the CNAMEs; gives the name at their end. */
static const char *follow(const struct message *m, struct dns_rrset *s, uint32_t *ttl)
{
	const char *name = s->owner;
	while (s->type != DNS_TYPE_CNAME && s->chain.n < CHAIN_MAX) {
		const struct message_rr *alias = find(m, name, DNS_TYPE_CNAME);
		if (!alias || strv_has(&s->chain, alias->target))
			break;
		least(ttl, alias->ttl);
		strv_add(&s->chain, alias->target);
		name = alias->target;
	}
	return name;
}

/* RFC 2308 section 5: for how long it may be remembered that there is nothing. */
static void least_absence(const struct message *m, uint32_t *ttl)
{
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		const struct dns_rr value = {.type = rr->type, .data = rr->data, .n = rr->n_data};
		struct dns_soa soa;
		if (rr->section != MESSAGE_AUTHORITY || !dns_rr_soa(&value, &soa))
			continue;
		least(ttl, rr->ttl);
		least(ttl, soa.minimum);
	}
}

void rrset_none(const char *owner, uint16_t type, struct dns_rrset *ret)
{
	*ret = (struct dns_rrset){.owner = xstrdup(owner), .type = type};
}

void rrset_take(const struct message *m, const char *owner, uint16_t type, struct dns_rrset *ret)
{
	struct dns_answer a;
	struct dns_rrset s;
	uint32_t ttl = UINT32_MAX;
	rrset_none(owner, type, &s);
	answer_init(&a, "", "");
	answer_take(&a, m, follow(m, &s, &ttl), type);
	s.rr = a.rr;
	s.n_rr = a.n_rr;
	s.txt = a.txt;
	s.n_txt = a.n_txt;
	s.store_ = TAKE(a.store_);
	answer_done(&a);
	for (size_t i = 0; i < s.n_rr; i++)
		least(&ttl, s.rr[i].ttl);
	if (!s.n_rr)
		least_absence(m, &ttl);
	s.ttl = ttl == UINT32_MAX ? 0 : ttl;
	*ret = s;
}

void rrset_done(struct dns_rrset *s)
{
	free(s->store_);
	free(s->owner);
	strv_done(&s->chain);
	*s = (struct dns_rrset){0};
}
