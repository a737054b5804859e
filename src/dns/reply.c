/* reply.c: what an answer means. */
#include "dns/reply.h"

#include <stdio.h>
#include <string.h>

#include "base/xalloc.h"
#include "dns/message.h"
#include "dns/name.h"

static void bad(struct reply *r, enum dns_health health, const char *text)
{
	r->kind = REPLY_BAD;
	r->health = health;
	snprintf(r->text, sizeof(r->text), "%s", text);
}

static bool read_rcode(const struct message *m, struct reply *r)
{
	char word[16];
	*r = (struct reply){.labels = REPLY_UNSIGNED};
	if (m->rcode == MESSAGE_NOERROR || m->rcode == MESSAGE_NXDOMAIN)
		return true;
	r->kind = REPLY_BAD;
	r->health = m->rcode == MESSAGE_REFUSED ? DNS_REFUSING : DNS_ERROR;
	snprintf(r->text, sizeof(r->text), "answers %s", message_rcode_name(m->rcode, word));
	return false;
}

/* --- the answer section --- */

/* What the answer section has for one name. */
struct found {
	bool found; /* the RRset asked for */
	const struct message_rr *alias;
	const struct message_rr *dname; /* of a name above */
};

/* The labels field of a signature over this type; REPLY_UNSIGNED when it is none. */
static int signed_labels(const struct message_rr *rr, uint16_t covered)
{
	bool is = rr->type == DNS_TYPE_RRSIG && rr->n_data > 18 && (rr->data[0] << 8 | rr->data[1]) == covered;
	return is ? rr->data[3] : REPLY_UNSIGNED;
}

static struct found read_answer(const struct message *m, const char *name, uint16_t type, struct reply *r)
{
	struct found f = {0};
	int alias_labels = REPLY_UNSIGNED;
	uint32_t ttl = UINT32_MAX;
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->section != MESSAGE_ANSWER)
			continue;
		if (rr->type == MESSAGE_DNAME && name_within(name, rr->owner) && strcmp(rr->owner, name) != 0)
			f.dname = rr;
		if (strcmp(rr->owner, name) != 0)
			continue;
		if (rr->type == type) {
			f.found = true;
			ttl = rr->ttl < ttl ? rr->ttl : ttl;
		} else if (rr->type == MESSAGE_CNAME) {
			f.alias = rr;
		} else if (signed_labels(rr, type) != REPLY_UNSIGNED) {
			r->labels = signed_labels(rr, type);
		} else if (signed_labels(rr, MESSAGE_CNAME) != REPLY_UNSIGNED) {
			alias_labels = signed_labels(rr, MESSAGE_CNAME);
		}
	}
	if (f.found) {
		r->ttl = ttl;
	} else if (f.alias) {
		r->target = f.alias->target;
		r->labels = alias_labels;
		r->ttl = f.alias->ttl;
	}
	return f;
}

/* Whether target is what the DNAME makes of name (RFC 6672 section 2.2). */
static bool is_substituted(const struct message_rr *dname, const char *name, const char *target)
{
	size_t head = strlen(name) - strlen(dname->owner) - (*dname->owner ? 1 : 0);
	if (strncmp(name, target, head) != 0)
		return false;
	if (!*dname->target)
		return target[head] == '\0';
	return target[head] == '.' && strcmp(target + head + 1, dname->target) == 0;
}

/* Reads on where there is a DNAME; false when the answer contradicts itself. */
static bool read_dname(const struct found *f, const char *name, struct reply *r)
{
	if (f->found && f->alias) {
		bad(r, DNS_MALFORMED, "a CNAME and other records at one name: the zone is damaged");
		return false;
	}
	if (!f->dname)
		return true;
	if (f->found) {
		r->dname = r->labels == REPLY_UNSIGNED ? f->dname->owner : NULL;
		return true;
	}
	if (!f->alias || !is_substituted(f->dname, name, f->alias->target)) {
		bad(r, DNS_MALFORMED,
			f->alias ? "a CNAME that is not what its DNAME makes of the name"
				 : "a DNAME without the CNAME that it makes");
		return false;
	}
	r->dname = f->dname->owner;
	r->ttl = f->dname->ttl;
	return true;
}

/* --- the authority section --- */

/* The first record of this type in the authority section whose owner name lies within. */
static const struct message_rr *authority(const struct message *m, const char *name, uint16_t type)
{
	for (size_t i = 0; i < m->n_rr; i++) {
		const struct message_rr *rr = &m->rr[i];
		if (rr->section == MESSAGE_AUTHORITY && rr->type == type && name_within(name, rr->owner))
			return rr;
	}
	return NULL;
}

static void read_soa(const struct message_rr *soa, struct reply *r)
{
	const struct dns_rr rr = {.type = soa->type, .ttl = soa->ttl, .data = soa->data, .n = soa->n_data};
	r->zone = soa->owner;
	r->has_soa = dns_rr_soa(&rr, &r->soa);
	r->soa_ttl = soa->ttl;
	r->ttl = r->soa.minimum < soa->ttl ? r->soa.minimum : soa->ttl;
}

static bool is_negative(const struct reply *r)
{
	return r->kind == REPLY_NODATA || r->kind == REPLY_NXDOMAIN;
}

void reply_read(const struct message *m, const char *name, uint16_t type, const char *zone, struct reply *ret)
{
	if (!read_rcode(m, ret))
		return;
	const struct message_rr *soa = authority(m, name, MESSAGE_SOA), *ns = authority(m, name, MESSAGE_NS);
	struct found f = read_answer(m, name, type, ret);
	bool below = ns && strcmp(ns->owner, zone) != 0 && name_within(ns->owner, zone);
	if (!read_dname(&f, name, ret))
		return;
	if ((f.found || f.alias) && m->aa)
		ret->kind = f.found ? REPLY_FOUND : REPLY_ALIAS;
	else if (!m->aa && f.found && type == MESSAGE_NS && strcmp(name, zone) != 0)
		ret->kind = REPLY_REFERRAL; /* the parent's copy of the NS records */
	else if (f.found || f.alias)
		bad(ret, DNS_LAME, "lame: does not answer with authority for the zone");
	else if (soa && m->aa)
		ret->kind = m->rcode == MESSAGE_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	else if (below && m->rcode == MESSAGE_NOERROR)
		ret->kind = REPLY_REFERRAL;
	else if (m->aa)
		ret->kind = m->rcode == MESSAGE_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	else
		bad(ret, DNS_LAME,
			ns ? "lame: refers elsewhere for the zone"
			   : "lame: does not answer with authority for the zone");
	if (ret->kind == REPLY_REFERRAL) {
		ret->zone = below ? ns->owner : name;
		ret->ttl = below ? ns->ttl : ret->ttl;
	} else if (soa && is_negative(ret)) {
		read_soa(soa, ret);
	} else if ((ret->kind == REPLY_FOUND || ret->kind == REPLY_ALIAS) && ns && name_within(ns->owner, zone)) {
		ret->zone = ns->owner;
	}
}

void reply_read_resolver(const struct message *m, const char *name, uint16_t type, struct reply *ret)
{
	if (!read_rcode(m, ret))
		return;
	const struct message_rr *soa = authority(m, name, MESSAGE_SOA);
	struct found f = read_answer(m, name, type, ret);
	if (!read_dname(&f, name, ret))
		return;
	if (f.found)
		ret->kind = REPLY_FOUND;
	else if (f.alias)
		ret->kind = REPLY_ALIAS;
	else if (!m->ra && !m->aa)
		bad(ret, DNS_LAME, "does not resolve names for us");
	else
		ret->kind = m->rcode == MESSAGE_NXDOMAIN ? REPLY_NXDOMAIN : REPLY_NODATA;
	if (soa && is_negative(ret))
		read_soa(soa, ret);
}
