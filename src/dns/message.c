/* message.c: the wire form of DNS messages. */
#include "dns/message.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/xalloc.h"
#include "dns/name.h"

/* RFC 1035 section 4.1.4 names no limit for pointers in one name; real encoders need a handful. */
enum { POINTERS_MAX = 32, CLASS_IN = 1, SOA_NUMBERS = 20, CHUNK = 1024 };

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

int message_query(uint8_t out[static MESSAGE_QUERY_MAX], const char *name, uint16_t type, uint16_t id, unsigned flags,
	size_t *ret_n, struct err *e)
{
	bool edns = flags & (MESSAGE_EDNS | MESSAGE_DO);
	uint8_t wire[NAME_WIRE_MAX];
	size_t n;
	if (name_wire(name, wire, &n, e))
		return -1;
	memset(out, 0, MESSAGE_HEADER);
	put16(out, id);
	out[2] = flags & MESSAGE_RD ? 1 : 0;
	/* RFC 6840 section 5.7: a resolver that validates is asked to say so. */
	out[3] = flags & MESSAGE_RD ? 0x20 : 0;
	put16(out + 4, 1);
	put16(out + 10, edns ? 1 : 0);
	uint8_t *p = out + MESSAGE_HEADER;
	memcpy(p, wire, n);
	p += n;
	put16(p, type);
	put16(p + 2, CLASS_IN);
	p += 4;
	if (edns) {
		/* RFC 6891 section 6.1.2: root owner, the size in the class field, version 0, no options. */
		memset(p, 0, 11);
		put16(p + 1, MESSAGE_OPT);
		put16(p + 3, MESSAGE_UDP_SIZE);
		put16(p + 7, flags & MESSAGE_DO ? 0x8000U : 0U);
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
		if (octets > NAME_WIRE_MAX)
			return err_set(e, ERR_PARSE, "a name of more than 255 octets");
		at += len + 1U;
		if (!len)
			break;
	}
	*pos = end ? end : at;
	return 0;
}

/* Memory that lives as long as the message: a few large pieces instead of one for each name. */
struct message_chunk {
	struct message_chunk *next;
	size_t used, size;
	_Alignas(max_align_t) uint8_t p[];
};

static void *take(struct message *m, size_t n)
{
	struct message_chunk *c = m->chunks;
	size_t want = (n + sizeof(void *) - 1) & ~(sizeof(void *) - 1);
	if (!c || c->size - c->used < want) {
		size_t size = want > CHUNK ? want : CHUNK;
		c = xmalloc(sizeof(*c) + size);
		*c = (struct message_chunk){.next = m->chunks, .size = size};
		m->chunks = c;
	}
	void *at = c->p + c->used;
	c->used += want;
	return at;
}

static void *take_copy(struct message *m, const void *p, size_t n)
{
	void *at = take(m, n);
	if (n)
		memcpy(at, p, n);
	return at;
}

/* Writes the name at *pos, which check_name() has passed, without pointers and in lower case; gives its length. */
static size_t expand_name(const uint8_t *p, size_t *pos, uint8_t out[static NAME_WIRE_MAX])
{
	size_t at = *pos, end = 0, n = 0;
	for (;;) {
		uint8_t len = p[at];
		if (len >= 0xc0) {
			if (!end)
				end = at + 2;
			at = get16(p + at) & 0x3fffU;
			continue;
		}
		out[n++] = len;
		for (size_t i = 1; i <= len; i++) {
			uint8_t c = p[at + i];
			out[n++] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
		}
		at += len + 1U;
		if (!len)
			break;
	}
	*pos = end ? end : at;
	return n;
}

/* Reads the name at *pos, which check_name() has passed. */
static char *read_name(struct message *m, const uint8_t *p, size_t *pos)
{
	uint8_t wire[NAME_WIRE_MAX];
	char text[NAME_TEXT_MAX];
	size_t n = name_from_wire(wire, expand_name(p, pos, wire), text);
	return take_copy(m, text, n + 1);
}

static int read_txt(struct message *m, struct message_rr *r, struct err *e)
{
	size_t n = 0;
	for (size_t at = 0; at < r->n_data; at += r->data[at] + 1U, n++)
		if (r->data[at] >= r->n_data - at)
			return err_set(e, ERR_PARSE, "the data of a record (type %d) is damaged", MESSAGE_TXT);
	r->txt.strings = take(m, n * sizeof(*r->txt.strings));
	r->txt.n = n;
	for (size_t i = 0, at = 0; i < n; at += r->data[at] + 1U, i++)
		r->txt.strings[i] = (struct dns_string){.p = r->data + at + 1, .n = r->data[at]};
	return 0;
}

/* The data of NS, CNAME, DNAME and SOA, which check_data() has passed, without pointers. */
static void read_names(struct message *m, const uint8_t *p, size_t data, struct message_rr *r)
{
	uint8_t out[2 * NAME_WIRE_MAX + SOA_NUMBERS];
	size_t pos = data, n = expand_name(p, &pos, out);
	char text[NAME_TEXT_MAX];
	size_t n_text = name_from_wire(out, n, text);
	r->target = take_copy(m, text, n_text + 1);
	if (r->type == DNS_TYPE_SOA) {
		n += expand_name(p, &pos, out + n);
		memcpy(out + n, p + pos, SOA_NUMBERS);
		n += SOA_NUMBERS;
	}
	r->data = take_copy(m, out, n);
	r->n_data = n;
}

static bool has_names(uint16_t type)
{
	return type == MESSAGE_NS || type == MESSAGE_CNAME || type == MESSAGE_DNAME || type == MESSAGE_SOA;
}

static int check_data(const uint8_t *p, size_t data, size_t len, uint16_t type, struct err *e)
{
	size_t pos = data, end = data + len;
	if ((type == MESSAGE_A && len != 4) || (type == MESSAGE_AAAA && len != 16))
		return err_set(e, ERR_PARSE, "an address of %zu octets", len);
	if (type == MESSAGE_TXT && len == 0)
		return err_set(e, ERR_PARSE, "a TXT record without a string");
	if (!has_names(type))
		return 0;
	/* The end of the data is the end of what the name itself may use; pointers out of it lead back. */
	for (int names = type == MESSAGE_SOA ? 2 : 1; names; names--)
		if (check_name(p, end, &pos, e))
			return -1;
	if (end - pos != (type == MESSAGE_SOA ? SOA_NUMBERS : 0))
		return err_set(e, ERR_PARSE, "the data of a record (type %u) is damaged", type);
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
	else
		r->owner = read_name(m, p, &begin);
	if (has_names(type)) {
		read_names(m, p, data, r);
		return 0;
	}
	r->data = take_copy(m, p + data, len);
	r->n_data = len;
	return type == MESSAGE_TXT ? read_txt(m, r, e) : 0;
}

static int read_question(const uint8_t *p, size_t n, size_t *pos, struct message *m, struct err *e)
{
	uint16_t count = get16(p + 4);
	if (count > 1)
		return err_set(e, ERR_PARSE, "%u questions", count);
	if (!count) {
		m->qname = take_copy(m, "", 1);
		return 0;
	}
	size_t end = *pos;
	if (check_name(p, n, &end, e))
		return -1;
	m->qname = read_name(m, p, pos);
	if (n - end < 4)
		return err_set(e, ERR_PARSE, "the question is cut off");
	m->qtype = get16(p + end);
	m->has_question = true;
	*pos = end + 4;
	return 0;
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
			if (read_rr(p, n, &pos, m, &r, &keep, e))
				return -1;
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
	free(m->rr);
	for (struct message_chunk *c; (c = m->chunks);) {
		m->chunks = c->next;
		free(c);
	}
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
