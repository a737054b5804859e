/* reply.c: what an answer means. */
#include "dns/reply.h"

#include <stdio.h>
#include <string.h>

#include "dns/message.h"
#include "dns/name.h"

/* The records of name in the answer section: the RRset asked for, and a CNAME. */
static void read_answer(const struct message *m, const char *name, uint16_t type, struct reply *r, bool *ret_found)
{
	bool found = false;
	uint32_t ttl = UINT32_MAX, alias_ttl = 0;
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->section != MESSAGE_ANSWER || strcmp(rr->owner, name) != 0)
			continue;
		if (rr->type == type) {
			found = true;
			if (rr->ttl < ttl)
				ttl = rr->ttl;
		} else if (rr->type == MESSAGE_CNAME) {
			r->target = rr->target;
			alias_ttl = rr->ttl;
		}
	}
	r->ttl = found ? ttl : alias_ttl;
	*ret_found = found;
}

/* The owner of the first record of this type in the authority section that name lies within. */
static const struct message_rr *authority(const struct message *m, const char *name, uint16_t type)
{
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->section == MESSAGE_AUTHORITY && rr->type == type && name_within(name, rr->owner))
			return rr;
	}
	return NULL;
}

static bool read_rcode(const struct message *m, struct reply *r)
{
	char word[16];
	if (m->rcode == MESSAGE_NOERROR || m->rcode == MESSAGE_NXDOMAIN)
		return true;
	r->kind = REPLY_BAD;
	snprintf(r->text, sizeof(r->text), "answers %s", message_rcode_name(m->rcode, word));
	return false;
}

static void bad(struct reply *r, const char *text)
{
	r->kind = REPLY_BAD;
	snprintf(r->text, sizeof(r->text), "%s", text);
}

void reply_read(const struct message *m, const char *name, uint16_t type, const char *zone, struct reply *ret)
{
	bool found = false;
	*ret = (struct reply){0};
	if (!read_rcode(m, ret))
		return;
	const struct message_rr *soa = authority(m, name, MESSAGE_SOA), *ns = authority(m, name, MESSAGE_NS);
	read_answer(m, name, type, ret, &found);
	bool below = ns && strcmp(ns->owner, zone) != 0 && name_within(ns->owner, zone);
	if (found && ret->target)
		bad(ret, "a CNAME and other records at one name: the zone is damaged");
	else if ((found || ret->target) && m->aa)
		ret->kind = found ? REPLY_FOUND : REPLY_ALIAS;
	else if (!m->aa && found && type == MESSAGE_NS && strcmp(name, zone) != 0)
		ret->kind = REPLY_REFERRAL; /* the parent's copy of the NS records */
	else if (found || ret->target)
		bad(ret, "lame: does not answer with authority for the zone");
	else if (soa && m->aa)
		ret->kind = m->rcode == MESSAGE_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	else if (below && m->rcode == MESSAGE_NOERROR)
		ret->kind = REPLY_REFERRAL;
	else if (m->aa)
		ret->kind = m->rcode == MESSAGE_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	else
		bad(ret, ns ? "lame: refers elsewhere for the zone"
			    : "lame: does not answer with authority for the zone");
	if (ret->kind == REPLY_REFERRAL) {
		ret->zone = below ? ns->owner : name;
		ret->ttl = below ? ns->ttl : ret->ttl;
	} else if (soa && (ret->kind == REPLY_NODATA || ret->kind == REPLY_NXDOMAIN)) {
		ret->zone = soa->owner;
		ret->ttl = soa->ttl;
	} else if (ret->kind == REPLY_FOUND && ns && name_within(ns->owner, zone)) {
		ret->zone = ns->owner;
	}
}

void reply_read_resolver(const struct message *m, const char *name, uint16_t type, struct reply *ret)
{
	bool found = false;
	*ret = (struct reply){0};
	if (!read_rcode(m, ret))
		return;
	const struct message_rr *soa = authority(m, name, MESSAGE_SOA);
	read_answer(m, name, type, ret, &found);
	if (found)
		ret->kind = REPLY_FOUND;
	else if (ret->target)
		ret->kind = REPLY_ALIAS;
	else if (!m->ra && !m->aa)
		bad(ret, "does not resolve names for us");
	else
		ret->kind = m->rcode == MESSAGE_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	if (soa && !found) {
		ret->zone = soa->owner;
		ret->ttl = soa->ttl;
	}
}
