/* message.c: the wire form of DNS messages. */
#include "dns/message.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/name.h"

/* RFC 1035 section 4.1.4 names no limit for pointers in one name; real encoders need a handful. */
enum { POINTERS_MAX = 32, NAME_MAX_OCTETS = 255, CLASS_IN = 1 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)((p[0] << 8) | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return ((uint32_t)get16(p) << 16) | get16(p + 2);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

int message_query(uint8_t out[static MESSAGE_QUERY_MAX], const char *name, uint16_t type, uint16_t id, bool rd,
	bool edns, size_t *ret_n, struct err *e)
{
	ldns_rdf *dname = NULL;
	ldns_status s = ldns_str2rdf_dname(&dname, *name ? name : ".");
	if (s != LDNS_STATUS_OK)
		return err_set(e, ERR_PARSE, "\"%s\" is no domain name: %s", name, ldns_get_errorstr_by_id(s));
	size_t n = ldns_rdf_size(dname);
	if (n > NAME_MAX_OCTETS) {
		ldns_rdf_deep_free(dname);
		return err_set(e, ERR_PARSE, "\"%s\" is longer than a domain name may be", name);
	}
	memset(out, 0, MESSAGE_HEADER);
	put16(out, id);
	out[2] = rd ? 1 : 0;
	put16(out + 4, 1);
	put16(out + 10, edns ? 1 : 0);
	uint8_t *p = out + MESSAGE_HEADER;
	memcpy(p, ldns_rdf_data(dname), n);
	ldns_rdf_deep_free(dname);
	p += n;
	put16(p, type);
	put16(p + 2, CLASS_IN);
	p += 4;
	if (edns) {
		/* RFC 6891 section 6.1.2: root owner, the size in the class field, version 0, no options. */
		memset(p, 0, 11);
		put16(p + 1, MESSAGE_OPT);
		put16(p + 3, MESSAGE_UDP_SIZE);
		p += 11;
	}
	*ret_n = (size_t)(p - out);
	return 0;
}

/*
 * Steps over the name at *pos and checks all it points to. Pointers must lead strictly back, so that no chain of them
 * is a loop, and be few: ldns alone would follow 65535 of them for every record.
 */
static int check_name(const uint8_t *p, size_t n, size_t *pos, struct err *e)
{
	size_t at = *pos, low = *pos, octets = 0, end = 0;
	unsigned pointers = 0;
	for (;;) {
		if (at >= n)
			return err_set(e, ERR_PARSE, "a name runs past the end");
		uint8_t len = p[at];
		if (len >= 0xc0) {
			if (at + 1 >= n)
				return err_set(e, ERR_PARSE, "a name runs past the end");
			size_t to = get16(p + at) & 0x3fffU;
			if (!end)
				end = at + 2;
			if (to >= low || to < MESSAGE_HEADER || ++pointers > POINTERS_MAX)
				return err_set(e, ERR_PARSE, "a compressed name points astray");
			at = low = to;
			continue;
		}
		if (len > 63)
			return err_set(e, ERR_PARSE, "a label of an unknown kind");
		octets += len + 1U;
		if (octets > NAME_MAX_OCTETS)
			return err_set(e, ERR_PARSE, "a name of more than 255 octets");
		at += len + 1U;
		if (!len)
			break;
	}
	*pos = end ? end : at;
	return 0;
}

static char *dname_text(const ldns_rdf *dname)
{
	char *s = ldns_rdf2str(dname);
	if (!s)
		return NULL;
	size_t n = strlen(s);
	if (n && s[n - 1] == '.')
		s[n - 1] = '\0';
	name_lower(s);
	return s;
}

/* Reads the name at *pos, which check_name() has passed. */
static int read_name(const uint8_t *p, size_t n, size_t *pos, char **ret, struct err *e)
{
	ldns_rdf *dname = NULL;
	ldns_status s = ldns_wire2dname(&dname, p, n, pos);
	char *text = s == LDNS_STATUS_OK ? dname_text(dname) : NULL;
	ldns_rdf_deep_free(dname);
	if (!text)
		return err_set(e, ERR_PARSE, "a name cannot be read: %s", ldns_get_errorstr_by_id(s));
	*ret = text;
	return 0;
}

static void take_txt(const ldns_rr *rr, struct dns_txt *ret)
{
	size_t n = ldns_rr_rd_count(rr);
	ret->strings = xcalloc(n ? n : 1, sizeof(*ret->strings));
	ret->n = n;
	for (size_t i = 0; i < n; i++) {
		const ldns_rdf *f = ldns_rr_rdf(rr, i);
		/* The data of a character-string begins with its length. */
		size_t len = ldns_rdf_size(f) - 1;
		ret->strings[i].p = len ? xmemdup(ldns_rdf_data(f) + 1, len) : NULL;
		ret->strings[i].n = len;
	}
}

/* The data of the types we read by their fields; pos is at the record's owner, end behind its data. */
static int read_fields(const uint8_t *p, size_t n, size_t pos, size_t end, struct message_rr *r, struct err *e)
{
	ldns_rr *rr = NULL;
	ldns_status s = ldns_wire2rr(&rr, p, n, &pos, LDNS_SECTION_ANSWER);
	int rc = 0;
	if (s != LDNS_STATUS_OK || pos != end)
		rc = err_set(e, ERR_PARSE, "the data of a record (type %u) is damaged", r->type);
	else if (r->type == MESSAGE_TXT)
		take_txt(rr, &r->txt);
	else if (ldns_rr_rd_count(rr) < 1 || !(r->target = dname_text(ldns_rr_rdf(rr, 0))))
		rc = err_set(e, ERR_PARSE, "a record (type %u) without its name", r->type);
	if (s == LDNS_STATUS_OK)
		ldns_rr_free(rr);
	return rc;
}

static bool has_fields(uint16_t type)
{
	return type == MESSAGE_TXT || type == MESSAGE_NS || type == MESSAGE_CNAME || type == MESSAGE_DNAME ||
	       type == MESSAGE_SOA;
}

static int check_data(const uint8_t *p, size_t data, size_t len, uint16_t type, struct err *e)
{
	size_t pos = data, end = data + len;
	if ((type == MESSAGE_A && len != 4) || (type == MESSAGE_AAAA && len != 16))
		return err_set(e, ERR_PARSE, "an address of %zu octets", len);
	if (type == MESSAGE_TXT && len == 0)
		return err_set(e, ERR_PARSE, "a TXT record without a string");
	if (type != MESSAGE_NS && type != MESSAGE_CNAME && type != MESSAGE_DNAME && type != MESSAGE_SOA)
		return 0;
	/* The end of the data is the end of what the name itself may use; pointers out of it lead back. */
	for (int names = type == MESSAGE_SOA ? 2 : 1; names; names--)
		if (check_name(p, end, &pos, e))
			return -1;
	return 0;
}

/* Reads the record at *pos; *ret_keep says whether there is something in it for us. */
static int read_rr(
	const uint8_t *p, size_t n, size_t *pos, struct message *m, struct message_rr *r, bool *ret_keep, struct err *e)
{
	size_t owner = *pos, at = *pos, begin = *pos;
	if (check_name(p, n, &at, e))
		return -1;
	if (n - at < 10)
		return err_set(e, ERR_PARSE, "a record is cut off");
	uint16_t type = get16(p + at), class = get16(p + at + 2);
	uint32_t ttl = get32(p + at + 4);
	size_t len = get16(p + at + 8), data = at + 10;
	if (len > n - data)
		return err_set(e, ERR_PARSE, "a record is cut off");
	*pos = data + len;
	*ret_keep = false;
	if (type == MESSAGE_OPT) {
		m->rcode = (uint16_t)(m->rcode | ((ttl >> 24) << 4));
		return 0;
	}
	if (class != CLASS_IN)
		return 0;
	if (check_data(p, data, len, type, e))
		return -1;
	r->type = type;
	r->ttl = ttl > INT32_MAX ? 0 : ttl; /* RFC 2181 section 8 */
	*ret_keep = true;
	/* The owner is the question's name in nearly all answers; one copy of it serves them all. */
	if (m->has_question && n - owner > 1 && get16(p + owner) == (0xc000 | MESSAGE_HEADER))
		r->owner = m->qname;
	else if (read_name(p, n, &begin, &r->owner, e))
		return -1;
	if (has_fields(type))
		return read_fields(p, n, owner, data + len, r, e);
	r->data = xmemdup(p + data, len);
	r->n_data = len;
	return 0;
}

static int read_question(const uint8_t *p, size_t n, size_t *pos, struct message *m, struct err *e)
{
	uint16_t count = get16(p + 4);
	if (count > 1)
		return err_set(e, ERR_PARSE, "%u questions", count);
	if (!count) {
		m->qname = xstrdup("");
		return 0;
	}
	size_t end = *pos;
	if (check_name(p, n, &end, e) || read_name(p, n, pos, &m->qname, e))
		return -1;
	*pos = end;
	if (n - end < 4)
		return err_set(e, ERR_PARSE, "the question is cut off");
	m->qtype = get16(p + end);
	m->has_question = true;
	*pos = end + 4;
	return 0;
}

static void rr_done(struct message *m, struct message_rr *r)
{
	if (r->owner != m->qname)
		free(r->owner);
	free(r->target);
	dns_txt_done(&r->txt);
	free(r->data);
}

static int read_sections(const uint8_t *p, size_t n, size_t pos, struct message *m, struct err *e)
{
	size_t cap = 0;
	for (unsigned s = 0; s < 3; s++) {
		unsigned count = get16(p + 6 + (size_t)2 * s);
		for (unsigned i = 0; i < count; i++) {
			struct message_rr r = {.section = (enum message_section)s};
			bool keep = false;
			if (m->n_rr >= MESSAGE_RECORDS_MAX)
				return err_set(e, ERR_LIMIT, "more than %d records", MESSAGE_RECORDS_MAX);
			if (read_rr(p, n, &pos, m, &r, &keep, e)) {
				rr_done(m, &r);
				return -1;
			}
			if (!keep)
				continue;
			if (m->n_rr == cap) {
				cap = cap ? cap * 2 : 8;
				m->rr = xreallocarray(m->rr, cap, sizeof(*m->rr));
			}
			m->rr[m->n_rr++] = r;
		}
	}
	return 0;
}

int message_decode(const uint8_t *p, size_t n, struct message *ret, struct err *e)
{
	struct message m = {0};
	size_t pos = MESSAGE_HEADER;
	if (n < MESSAGE_HEADER)
		return err_set(e, ERR_PARSE, "%zu octets are no DNS message", n);
	if (n > UINT16_MAX)
		return err_set(e, ERR_LIMIT, "%zu octets are more than a DNS message may have", n);
	m.id = get16(p);
	m.aa = p[2] & 4;
	m.tc = p[2] & 2;
	m.ra = p[3] & 0x80;
	m.ad = p[3] & 0x20;
	m.rcode = p[3] & 15;
	if (!(p[2] & 0x80) || (p[2] & 0x78))
		return err_set(e, ERR_PARSE, "not an answer to a query");
	if (read_question(p, n, &pos, &m, e) || read_sections(p, n, pos, &m, e)) {
		message_done(&m);
		return -1;
	}
	*ret = m;
	return 0;
}

void message_done(struct message *m)
{
	for (size_t i = 0; i < m->n_rr; i++)
		rr_done(m, &m->rr[i]);
	free(m->rr);
	free(m->qname);
	*m = (struct message){0};
}

const char *message_rcode_name(uint16_t rcode, char buf[static 16])
{
	static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
		"YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"};
	if (rcode < ARRAY_LEN(names))
		return names[rcode];
	if (rcode == MESSAGE_BADVERS)
		return "BADVERS";
	snprintf(buf, 16, "RCODE %u", rcode);
	return buf;
}

void dns_txt_done(struct dns_txt *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->strings[i].p);
	free(t->strings);
	*t = (struct dns_txt){0};
}

int dns_txt_cmp(const struct dns_txt *a, const struct dns_txt *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++) {
		const struct dns_string *x = &a->strings[i], *y = &b->strings[i];
		size_t n = x->n < y->n ? x->n : y->n;
		int c = n ? memcmp(x->p, y->p, n) : 0;
		if (c)
			return c;
		if (x->n != y->n)
			return x->n < y->n ? -1 : 1;
	}
	return a->n == b->n ? 0 : a->n < b->n ? -1 : 1;
}

void dns_txt_copy(struct dns_txt *dst, const struct dns_txt *src)
{
	dst->n = src->n;
	dst->strings = xcalloc(src->n ? src->n : 1, sizeof(*dst->strings));
	for (size_t i = 0; i < src->n; i++) {
		dst->strings[i].n = src->strings[i].n;
		dst->strings[i].p = src->strings[i].n ? xmemdup(src->strings[i].p, src->strings[i].n) : NULL;
	}
}
